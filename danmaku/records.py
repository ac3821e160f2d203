"""What moderators read, from any rooms process: audit records, who is sanctioned, the card of a user."""

from __future__ import annotations

from typing import Final

import msgspec

from danmaku.envelope import reader
from danmaku.model import Act, Appointed, Sanction

MAX_ENTRIES: Final = 200
MAX_USERS: Final = 200  # in one answer: two sanctions of each, with the longest reasons, fit into a message


class _Request(msgspec.Struct, array_like=True, tag=True):
    budget_ms: int


class _Reply(msgspec.Struct, array_like=True, tag=True):
    pass


class ActsRequest(_Request, tag="acts"):
    """The newest acts, those behind the place `after`, or those before `before`; answered by Acts.

    room: empty for the record of what was done for all rooms.
    """

    room: str
    entries: int
    after: str | None = None
    before: str | None = None


class Acts(_Reply, tag="acts"):
    """(place, act), oldest first."""

    entries: list[tuple[str, Act]]


class SanctionedRequest(_Request, tag="sanctioned"):
    """Who is sanctioned in the room: so many users with a uid above `after`. Answered by Sanctioned."""

    room: str
    users: int
    after: str = ""


class Sanctioned(_Reply, tag="sanctioned"):
    """By uid. `after`: the last of them where there are more, else None."""

    sanctions: list[Sanction]
    after: str | None = None


class CardRequest(_Request, tag="card"):
    """What is known of a user in a room. Answered by Card."""

    room: str
    uid: str


class Card(_Reply, tag="card"):
    """here, everywhere: sanctions in force. acts: how many entries of the room's record concern them."""

    appointed: Appointed | None
    here: list[Sanction]
    everywhere: list[Sanction]
    acts: int


Request = ActsRequest | SanctionedRequest | CardRequest
Reply = Acts | Sanctioned | Card

decode_request: Final = reader(msgspec.msgpack.Decoder(Request))
decode_reply: Final = reader(msgspec.msgpack.Decoder(Reply))
