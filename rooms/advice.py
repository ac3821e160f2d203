"""What a webhook is asked about a comment, and what it answers. Pure."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal, NamedTuple, Protocol

import msgspec

from danmaku.rows import SendRow

Decision = Literal["allow", "change", "deny", "hold", "shadow"]
MAX_REASON = 200


class Advice(NamedTuple):
    """text: instead of what was said, of a `change`. reason: for its sender (deny) or moderators (hold)."""

    decision: Decision
    text: str = ""
    reason: str = ""


class Adviser(Protocol):
    """Whoever is asked about comments."""

    def unasked(self, *, busy: bool) -> Advice | None:
        """What becomes of a comment that cannot be asked about now; None where it can, and then is.

        busy: as many questions are under way as may be.
        """

    async def ask(self, row: SendRow, at_ms: int) -> Advice:
        """Never raises. Cancel-safe."""

    async def close(self) -> None: ...


class _Asked(msgspec.Struct):
    room: str
    uid: str
    name: str
    role: str
    text: str
    cid: str
    at: int


class _Answered(msgspec.Struct):
    decision: Decision
    text: str | None = None
    reason: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answered).decode


def question(row: SendRow, at_ms: int) -> bytes:
    """The body of the request: JSON."""
    return _encode(_Asked(row.room, row.uid, row.name, row.role.label, row.text, row.cid, at_ms))


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What tells that body and timestamp are ours: of both, with a dot between them."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def answered(body: bytes) -> Advice:
    """Raises ValueError for what is no answer."""
    try:
        read = _decode(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if read.decision == "change" and not read.text:
        raise ValueError("a change without a text")
    return Advice(read.decision, read.text or "", (read.reason or "")[:MAX_REASON])
