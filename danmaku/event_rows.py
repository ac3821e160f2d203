"""What is asked of the owner of a room about paid comments, what is pinned, and polls."""

from __future__ import annotations

from hashlib import sha256

from danmaku.board import Poll
from danmaku.model import Role
from danmaku.rows import AnswerBase, RowBase


class PaidRow(RowBase, tag="paid"):
    """A comment that `payer` paid for, posted by staff. Answered by Shown, or Refused.

    ask: only whether it would be taken; answered by Done, or Refused.
    """

    room: str
    uid: str
    role: Role
    cid: str
    payer: str
    name: str
    text: str
    amount: int
    currency: str
    ask: bool = False


class UnpinRow(RowBase, tag="unpin"):
    """Take the pinned announcement down. Answered by Shown, or Refused (no_such_message: there is none)."""

    room: str
    uid: str
    role: Role
    cid: str


class PollRow(RowBase, tag="poll"):
    """Open a poll, whose id is `poll_id(uid, cid)`. Answered by Shown, or Refused."""

    room: str
    uid: str
    role: Role
    cid: str
    question: str
    options: list[str]
    seconds: int | None = None


class ClosePollRow(RowBase, tag="close_poll"):
    """Close a poll; closed already, nothing happens. Answered by Polled, or Refused."""

    room: str
    uid: str
    role: Role
    poll: str


class GetPollRow(RowBase, tag="get_poll"):
    """The open poll, or the one that was closed last. Answered by Polled, or Refused (no_such_poll).

    poll: "" for the open one, whichever that is. uid: whose vote is told, too; "": nobody's.
    """

    room: str
    poll: str
    uid: str = ""


class VoteRow(RowBase, tag="vote"):
    """Answered by Done, or Refused. The same vote may be cast again, another one is a conflict."""

    room: str
    uid: str
    role: Role
    poll: str
    option: int


class Polled(AnswerBase, tag="polled"):
    """How a poll stands, or what came of it.

    voted: the option for which the vote of who was named counts; None where he has none, or nobody was named.
    """

    poll: Poll
    counts: list[int]
    open: bool
    voted: int | None = None


def poll_id(uid: str, cid: str) -> str:
    """The id of the poll that `uid` opens with this cid."""
    return sha256(f"{uid}/{cid}".encode()).hexdigest()[:16]
