"""Private and group conversations, as `Client.chat`, for who is logged in.

    async with Client("http://127.0.0.1:8080", token=token, device="phone-1", chat=True) as client:
        await client.chat.send("bob", "hello")
        async for message in client.chat.messages():
            print(message.conv, message.seq, message.uid, message.text)

Methods with an underscore are for the Client.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from weakref import WeakSet, WeakValueDictionary

from danmaku.client.link import Link, at_most_once, until_answered
from danmaku.client.messages import Messages
from danmaku.client.pace import Timing
from danmaku.client.results import Conversation, Page, Said, read_message
from danmaku.conversation import Mention
from danmaku.errors import TIMEOUT, Refusal
from danmaku.wire import ClientFrame, Codec, Ok
from danmaku.wire_chat import (
    After,
    ChatPull,
    ChatRead,
    ChatRecall,
    ChatSend,
    ChatSync,
    ChatTyping,
    Head,
    Part,
    Pulled,
    Synced,
    Text,
)
from danmaku.wire_chat import Chat as ChatMessage

_SYNC_CONVERSATIONS: Final = 200


class Chat:
    """What one can do in conversations: `p:<uid>:<uid>` with another user, `g:<gid>` in a group.

    Calls raise Refusal. Those that are answered with an unknown outcome are made again until `timeout_s` is
    over; all of them may be. Cancel-safe, but whether what was cancelled is done is unknown.
    """

    def __init__(
        self,
        codec: Codec,
        linked: Callable[[], Awaitable[Link]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        timing: Timing,
        random: Callable[[], float],
        *,
        listens: bool,
    ) -> None:
        self._listens = listens
        self._codec = codec
        self._linked = linked
        self._spawn = spawn
        self._timing = timing
        self._random = random
        self._streams: WeakSet[Messages] = WeakSet()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._refusal: Refusal | None = None
        self._wished = False

    def messages(self, since: Mapping[str, int] | None = None, *, buffer: int = 1000) -> Messages:
        """All that is said in the user's conversations, this user's own messages included.

        since: `Messages.positions` of an earlier time; a conversation that it does not name is read from its
        beginning. None: begin with what the user has not read yet.

        Raises ValueError where the client was made without `chat=True`, for then nothing would ever come.
        """
        if not self._listens:
            raise ValueError("nothing comes by itself to this client: make it with Client(..., chat=True)")
        stream = Messages(
            self._codec, self._pull, self._sync, self._timing, self._random, since=since, buffer=buffer
        )
        if self._refusal is not None:
            stream._end(None if self._wished else self._refusal)
        else:
            self._streams.add(stream)
            self._spawn(stream._follow())
        return stream

    async def send(
        self,
        target: str,
        body: str | Sequence[Part],
        *,
        mention: Mention | None = None,
        cid: str | None = None,
        timeout_s: float | None = None,
    ) -> Said:
        """Say something to a user (a uid) or in a conversation. Returns once it is stored.

        It is stored once, however often it is said under the same `cid`. What one client says to one target
        is stored in the order in which it was said.
        """
        parts: list[Part] = [Text(body)] if isinstance(body, str) else list(body)
        to, conv = (None, target) if ":" in target else (target, None)
        frame = ChatSend(0, parts, cid or secrets.token_urlsafe(12), to, conv, mention)
        turn = self._turns.setdefault(target, asyncio.Lock())
        clock = asyncio.get_running_loop().time
        deadline = clock() + (self._timing.answer if timeout_s is None else timeout_s)
        try:
            async with asyncio.timeout_at(deadline):
                await turn.acquire()
        except TimeoutError:
            raise Refusal(TIMEOUT, "those before it wait for their answer") from None
        try:
            return _said(await self._ask(frame, deadline - clock()))
        finally:
            turn.release()

    async def recall(self, conv: str, seq: int, *, timeout_s: float | None = None) -> Said:
        """Take message `seq` back. The answer tells of the recall, which is a message itself."""
        return _said(await self._ask(ChatRecall(0, conv, seq), timeout_s))

    async def read(self, conv: str, seq: int, *, timeout_s: float | None = None) -> int:
        """All up to `seq` was read. Where the user stands now: that never goes back."""
        ok = await self._ask(ChatRead(0, conv, seq), timeout_s)
        return ok.read_seq or 0

    async def typing(self, conv: str) -> None:
        """Tell the others that the user is writing. Harmless when it gets lost, so that is not told."""
        limit = self._timing.answer
        with suppress(Refusal):
            await at_most_once(self._linked, lambda link: link.ask(ChatTyping(0, conv)), timeout_s=limit)

    async def sync(self, *, timeout_s: float | None = None) -> list[Conversation]:
        """All conversations of the user, in order of their ids."""
        return [conversation for conversation, _ in await self._sync(timeout_s)]

    async def pull(
        self, after: Mapping[str, int], limit: int | None = None, *, timeout_s: float | None = None
    ) -> dict[str, Page]:
        """Of each conversation the messages after a seq, at most `limit`; of up to 100 conversations.

        Does not touch what `messages` gives.
        """
        asked = [After(conv, seq, limit) for conv, seq in after.items()]
        return {one.conv: self._page(one) for one in await self._pull(asked, timeout_s)}

    # For the Client.

    def _take(self, frame: ChatMessage | Head) -> None:
        for stream in list(self._streams):
            stream._take(frame)

    def _resync(self) -> None:
        for stream in list(self._streams):
            stream._resync()

    def _end(self, refusal: Refusal, *, quietly: bool) -> None:
        self._refusal, self._wished = refusal, quietly
        for stream in list(self._streams):
            stream._end(None if quietly else refusal)

    async def _pull(self, asked: list[After], timeout_s: float | None = None) -> list[Pulled]:
        ok = await self._ask(ChatPull(0, asked), timeout_s)
        results: list[Pulled] = self._codec.read(ok.results, list[Pulled])
        return results

    async def _sync(self, timeout_s: float | None = None) -> list[tuple[Conversation, ChatMessage | None]]:
        found: list[tuple[Conversation, ChatMessage | None]] = []
        cursor: str | None = None
        while True:
            ok = await self._ask(ChatSync(0, _SYNC_CONVERSATIONS, cursor), timeout_s)
            page: list[Synced] = self._codec.read(ok.convs, list[Synced])
            found += [(self._conversation(one), one.last) for one in page]
            cursor = ok.cursor
            if not ok.more or cursor is None:
                return found

    def _conversation(self, one: Synced) -> Conversation:
        last = None if one.last is None else read_message(self._codec, one.last)
        return Conversation(
            one.conv,
            one.last_seq,
            one.read_seq,
            one.unread,
            last,
            one.name,
            one.role,
            one.mentions,
            one.other_read_seq,
        )

    def _page(self, one: Pulled) -> Page:
        if one.error is not None:
            return Page([], 0, more=False, complete=True, error=one.error)
        messages = [read_message(self._codec, message) for message in one.messages]
        return Page(messages, one.last_seq, more=one.more, complete=one.complete)

    async def _ask(self, frame: ClientFrame, timeout_s: float | None) -> Ok:
        limit = self._timing.answer if timeout_s is None else timeout_s
        return await until_answered(
            self._linked, lambda link: link.ask(frame), timeout_s=limit, random=self._random
        )


def _said(ok: Ok) -> Said:
    return Said(ok.conv or "", ok.seq or 0, ok.at or 0, duplicate=bool(ok.duplicate))
