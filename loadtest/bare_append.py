"""The floor of chat: the script that appends a message, over pipelined redis-py, from one process.

A program of its own, run as a child of the load tool, for it knows the store and nothing else here does. It
appends into private conversations under a prefix of its own, and removes them at the end.
Each line `go <seconds>` on stdin is a window; `<appended> <CPU seconds of this process>` answers it.

Usage: python -m loadtest.bare_append URL CONVERSATIONS LETTERS PIPELINED
"""

from __future__ import annotations

import secrets
import sys
import time
from itertools import chain
from typing import Final

import redis

from danmaku import conversation, wire
from danmaku.conversation import MESSAGE, Message, private
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.scripts import Call, Scripts
from danmaku.wire_chat import Text

_CID_MS: Final = 60_000
_KEPT: Final = 10_000
_KEPT_MS: Final = 3_600_000
_MENTIONS: Final = 100
_REMOVED_AT_ONCE: Final = 500
_TIMEOUT_S: Final = 10.0


class Appender:
    """Says what rooms processes say to the store, with nothing around it. Raises redis.RedisError."""

    def __init__(self, url: str, conversations: int, letters: int, pipelined: int) -> None:
        self._store = redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, protocol=2)
        self._keys = Keys(f"bare-{secrets.token_hex(4)}")
        self._convs = [private(f"bare{number}a", f"bare{number}b") for number in range(conversations)]
        self._body = wire.MSGPACK.value([Text("." * letters)])
        self._pipelined = pipelined
        self._scripts = Scripts()
        self._n = 0
        for call in self._scripts.load():
            self._store.execute_command(*call)  # type: ignore[no-untyped-call]  # it takes any words

    def window(self, seconds: float) -> tuple[int, float]:
        """How many messages it appended, and the CPU seconds that took here."""
        begin, cpu, appended = time.monotonic(), time.process_time(), 0
        while time.monotonic() - begin < seconds:
            pipeline = self._store.pipeline(transaction=False)
            for _ in range(self._pipelined):
                pipeline.execute_command(*self._append())  # type: ignore[no-untyped-call]  # likewise
            for outcome, _, _ in pipeline.execute():
                if outcome != b"ok":
                    raise redis.RedisError(f"the script answered {outcome.decode()}")
            appended += self._pipelined
        return appended, time.process_time() - cpu

    def close(self) -> None:
        """Remove what was appended; what is known of cids and senders expires."""
        touched = [key for conv in self._convs for key in self._keys.of_conversation(conv)]
        for begin in range(0, len(touched), _REMOVED_AT_ONCE):
            self._store.unlink(*touched[begin : begin + _REMOVED_AT_ONCE])
        self._store.close()

    def _append(self) -> Call:
        self._n += 1
        conv = self._convs[self._n % len(self._convs)]
        uid, cid, at = conv.split(":")[1], f"b{self._n}", time.time_ns() // 1_000_000
        message = conversation.stored(Message(uid, at, MESSAGE, cid, self._body))
        keys = chain(
            self._keys.of_conversation(conv), [self._keys.cid(conv, uid, cid), self._keys.order(conv, uid)]
        )
        return self._scripts.call(
            "say", list(keys), conv, uid, at, message, _KEPT, at - _KEPT_MS,
            _CID_MS, "", 1, self._n, _CID_MS, _MENTIONS,
        )  # fmt: skip


def main() -> None:
    url, *numbers = sys.argv[1:]
    try:
        appender = Appender(url, *map(int, numbers))
        print("ready", flush=True)
        try:
            for line in sys.stdin:
                appended, cpu = appender.window(float(line.split()[1]))
                print(appended, cpu, flush=True)
        finally:
            appender.close()
    except (redis.RedisError, OSError, ValueError) as error:
        print(f"error: {error}", flush=True)
    except KeyboardInterrupt:
        pass  # whoever started it says what is to be said


if __name__ == "__main__":
    main()
