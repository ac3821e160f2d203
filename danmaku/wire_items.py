"""What a batch holds: comments and everything else that a room shows, in order.

Defaults are None, not the value, so that they are left out.
"""

from __future__ import annotations

from typing import Final

import msgspec

from danmaku.model import Mode, Number, Position


class At(msgspec.Struct, frozen=True, gc=False):
    """A position as clients write it."""

    epoch: Number
    seq: Number

    @classmethod
    def of(cls, position: Position) -> At:
        return cls(position.epoch, position.seq)

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.seq)


class Comment(msgspec.Struct, tag_field="k", tag="c", omit_defaults=True, gc=False):
    uid: str
    name: str
    text: str
    mode: Mode | None = None
    color: int | None = None
    size: int | None = None
    role: str | None = None


class Announce(msgspec.Struct, tag_field="k", tag="announce", omit_defaults=True, gc=False):
    """Pinned until then, in ms since 1970, or until another one is."""

    text: str
    uid: str | None = None
    name: str | None = None
    role: str | None = None
    until: int | None = None


class Unpinned(msgspec.Struct, tag_field="k", tag="unpinned", gc=False):
    """The pinned announcement is none any more."""


class Gift(msgspec.Struct, tag_field="k", tag="gift", omit_defaults=True, gc=False):
    """`amount`: what was paid for all of it, as of Paid. Without one it is never pinned."""

    uid: str
    name: str
    gift: str
    count: int = 1
    text: str | None = None
    amount: int | None = None
    currency: str | None = None
    until: int | None = None


class Paid(msgspec.Struct, tag_field="k", tag="paid", omit_defaults=True, gc=False):
    """A comment that somebody paid for; `amount` in the smallest unit of `currency`."""

    uid: str
    name: str
    text: str
    amount: int
    currency: str
    until: int | None = None


class Poll(msgspec.Struct, tag_field="k", tag="poll", omit_defaults=True, gc=False):
    """A question that is open from now on, until then if it ends by itself."""

    id: str
    question: str
    options: list[str]
    until: int | None = None


class PollClosed(msgspec.Struct, tag_field="k", tag="poll_closed", gc=False):
    """What came of it: votes for each option, in order."""

    id: str
    counts: list[int]


class SettingsChanged(msgspec.Struct, tag_field="k", tag="settings", gc=False):
    settings: msgspec.Raw


class Titled(msgspec.Struct, tag_field="k", tag="title", gc=False):
    """What the room is called from now on; empty where it has no title any more."""

    title: str


class Opened(msgspec.Struct, tag_field="k", tag="opened", gc=False):
    pass


class Closed(msgspec.Struct, tag_field="k", tag="closed", omit_defaults=True, gc=False):
    reason: str | None = None


class Recall(msgspec.Struct, tag_field="k", tag="recall", omit_defaults=True, gc=False):
    """Takes back what was said: at position `of`, or by `uid` up to here, or, with neither, all up to here.

    role: of whoever recalls. What somebody of a higher role said stays.
    """

    role: str
    of: At | None = None
    uid: str | None = None


class Gone(msgspec.Struct, tag_field="k", tag="gone", gc=False):
    """Stands in history in the place of what was recalled."""


_Said = Comment | Announce | Gift | Paid
_Told = Unpinned | Poll | PollClosed | SettingsChanged | Titled | Opened | Closed | Recall
Item = _Said | _Told | Gone


_encoder: Final = msgspec.msgpack.Encoder()


def encode_item(item: Item) -> bytes:
    """An item as it stands inside a batch: msgpack, encoded once when it is numbered."""
    return _encoder.encode(item)
