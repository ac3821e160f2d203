"""What staff of a room posts there, as `Client.staff`; a shop with a token of staff alike.

async with Client("http://127.0.0.1:8080", token=token) as client:
    await client.staff.announce("demo", "We go on in five minutes", pin_s=300)
    await client.staff.gift("demo", "rocket", uid="bob", amount=5000, currency="CNY")
    poll = await client.staff.open_poll("demo", "Next song?", ["Hello", "Goodbye"], seconds=60)
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from danmaku.client.calls import Calls
from danmaku.client.results import Poll, Sent
from danmaku.errors import INTERNAL, Refusal
from danmaku.model import check_id

T = TypeVar("T")


class _Posted(msgspec.Struct):
    shown: bool
    epoch: int | None = None
    seq: int | None = None
    at: int | None = None


class _Opened(msgspec.Struct):
    poll: str


class _State(msgspec.Struct):
    poll: str
    question: str
    options: list[str]
    counts: list[int]
    until: int | None = None


class Staff:
    """Each call names a room, and returns when what it posts is stored.

    Raises Refusal: among others `forbidden`, `room_closed`, `muted` or `banned` (who pays is), `rate_limited`
    (too many events at a time; say it again under the same `cid`). Where the outcome is unknown it is said
    again, under the same `cid`, until `timeout_s` is over, and shown once. Cancelled, it is unknown whether
    it is shown. Amounts are in the smallest unit of `currency` (three letters).
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def announce(
        self,
        room: str,
        text: str,
        *,
        pin_s: int | None = None,
        cid: str | None = None,
        timeout_s: float | None = None,
    ) -> Sent:
        """With `pin_s` it stays in view for so many seconds (at most a day), or until another one does."""
        return await self._post(room, {"kind": "announce", "text": text, "pin_s": pin_s}, cid, timeout_s)

    async def unpin(self, room: str, *, timeout_s: float | None = None) -> None:
        """Take the pinned announcement down. `no_such_message`: there is none (any more)."""
        await self._calls.call("DELETE", f"{_path(room)}/pinned", None, timeout_s)

    async def gift(
        self,
        room: str,
        gift: str,
        *,
        uid: str | None = None,
        name: str | None = None,
        count: int = 1,
        text: str | None = None,
        amount: int | None = None,
        currency: str | None = None,
        ask: bool = False,
        cid: str | None = None,
        timeout_s: float | None = None,
    ) -> Sent:
        """A gift of `uid`, or one's own. amount: what was paid for all of it; so long is it pinned.

        ask: show nothing, only find out whether it would be refused.
        """
        given = {"kind": "gift", "gift": gift, "count": count, "text": text, "uid": uid, "name": name}
        paid = {"amount": amount, "currency": currency, "ask": ask or None}
        return await self._post(room, {**given, **paid}, cid, timeout_s)

    async def paid(
        self,
        room: str,
        text: str,
        *,
        uid: str,
        name: str,
        amount: int,
        currency: str,
        ask: bool = False,
        cid: str | None = None,
        timeout_s: float | None = None,
    ) -> Sent:
        """A comment that `uid` paid for; `ask` as of `gift`."""
        said = {"kind": "paid", "text": text, "uid": uid, "name": name}
        paid = {"amount": amount, "currency": currency, "ask": ask or None}
        return await self._post(room, {**said, **paid}, cid, timeout_s)

    async def open_poll(
        self,
        room: str,
        question: str,
        options: Sequence[str],
        *,
        seconds: int | None = None,
        cid: str | None = None,
        timeout_s: float | None = None,
    ) -> str:
        """Its id. One poll is open at a time (`conflict`); without `seconds` until it is closed."""
        body = {"question": question, "options": list(options), "seconds": seconds, "cid": _fresh(cid)}
        answer = await self._calls.call("POST", f"{_path(room)}/polls", _said(body), timeout_s)
        return _read(answer, _Opened).poll

    async def close_poll(self, room: str, poll: str, *, timeout_s: float | None = None) -> Poll:
        """What came of it; the same again where it is closed already."""
        path = f"{_path(room)}/polls/{check_id(poll, 'poll')}"
        state = _read(await self._calls.call("DELETE", path, None, timeout_s), _State)
        return Poll(state.poll, state.question, state.options, state.counts, state.until)

    async def _post(self, room: str, body: dict[str, Any], cid: str | None, timeout_s: float | None) -> Sent:
        said = _said({**body, "cid": _fresh(cid)})
        answer = _read(
            await self._calls.call("POST", f"{_path(room)}/messages", said, timeout_s), _Posted
        )  # fmt: skip
        return Sent(answer.shown, answer.epoch, answer.seq, answer.at)


def _path(room: str) -> str:
    """Raises Refusal (bad_id)."""
    return f"/v1/rooms/{check_id(room, 'room')}"


def _fresh(cid: str | None) -> str:
    return secrets.token_urlsafe(12) if cid is None else cid


def _said(body: dict[str, Any]) -> dict[str, Any]:
    return {name: word for name, word in body.items() if word is not None}


def _read(answer: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.MsgspecError:
        raise Refusal(INTERNAL, "what answers is not danmaku") from None
