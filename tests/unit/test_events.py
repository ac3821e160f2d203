"""What is posted to a room besides comments."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from config import settings as config
from danmaku import wire
from danmaku.board import EMPTY, Board, Pin, Poll
from danmaku.errors import Refusal
from danmaku.event_rows import PaidRow, PollRow, UnpinRow, poll_id
from danmaku.model import Act, Position, Role
from danmaku.rows import EventRow
from rooms.events import Events, Made, PostedRow, Tiers
from rooms.moment import Moment

NOW = Moment(1000.0, 5_000_000)
AT = Position(7, 3)
EVENTS = Events(config.Events(paid_pins=["*:500:60", "*:1000:120", "JPY:100:30"], paid_pinned=2))
ANNOUNCEMENT = wire.encode_item(wire.Announce("welcome", "boss", "Boss"))
GIFT = wire.encode_item(wire.Gift("boss", "Boss", "rocket"))


def announce(pin_s: int, item: bytes = ANNOUNCEMENT) -> EventRow:
    return EventRow("a", "boss", Role.STREAMER, "c1", item, pin_s)


def paid(amount: int = 500, currency: str = "CNY", text: str = "加油", **more: Any) -> PaidRow:
    words = {"payer": "ann", "name": "Ann", **more}
    return PaidRow("a", "shop", Role.ADMIN, "c1", text=text, amount=amount, currency=currency, **words)


def poll(question: str = "Which?", options: tuple[str, ...] = ("one", "two"), **more: Any) -> PollRow:
    return PollRow("a", "boss", Role.STREAMER, "c1", question, list(options), **more)


def item(made: Made) -> Any:
    return msgspec.msgpack.decode(made.item)


def act(made: Made) -> Act:
    """Its act but for its id, of which no two are the same."""
    assert made.act is not None
    assert made.act.id
    return msgspec.structs.replace(made.act, id="")


def after(made: Made, board: Board = EMPTY) -> Board:
    assert made.change is not None
    return made.change(board, AT, NOW.ms + 40)


def refused(row: PostedRow, board: Board = EMPTY) -> str:
    with pytest.raises(Refusal) as caught:
        EVENTS.make(row, board, NOW)
    return caught.value.name


def test_what_is_not_pinned_is_shown_as_it_came() -> None:
    assert EVENTS.make(announce(0, GIFT), EMPTY, NOW) == Made(GIFT)
    assert EVENTS.make(announce(0), EMPTY, NOW) == Made(ANNOUNCEMENT)


def test_an_announcement_is_pinned_until_its_time_is_over() -> None:
    made = EVENTS.make(announce(60), EMPTY, NOW)
    assert item(made) == {
        "k": "announce", "text": "welcome", "uid": "boss", "name": "Boss", "until": 5_060_000,
    }  # fmt: skip
    assert after(made) == Board(Pin(AT, 5_000_040, 5_060_000, made.item))
    assert act(made) == Act("", NOW.ms, "boss", Role.STREAMER, "pin", "a", what="welcome", seconds=60)


@pytest.mark.parametrize("pin_s", [-1, 86_401])
def test_for_how_long_has_bounds(pin_s: int) -> None:
    assert refused(announce(pin_s)) == "bad_frame"


def test_only_announcements_are_pinned_for_as_long_as_one_likes() -> None:
    assert refused(announce(60, GIFT)) == "bad_frame"
    assert refused(announce(60, wire.encode_item(wire.Opened()))) == "bad_frame"


def gift(amount: int | None, currency: str | None = "CNY", **more: Any) -> EventRow:
    item = wire.Gift("ann", "Ann", "rocket", amount=amount, currency=currency, **more)
    return EventRow("a", "shop", Role.ADMIN, "c1", wire.encode_item(item))


def test_a_gift_is_pinned_for_its_amount_beside_paid_comments() -> None:
    made = EVENTS.make(gift(1000, count=2, text=" for\nyou "), EMPTY, NOW)
    assert item(made) == {
        "k": "gift", "uid": "ann", "name": "Ann", "gift": "rocket", "count": 2, "text": "for you",
        "amount": 1000, "currency": "CNY", "until": 5_120_000,
    }  # fmt: skip
    assert made.payer == "ann"
    pin = Pin(AT, 5_000_040, 5_120_000, made.item, (120, 1000))
    assert after(made) == Board(paid=(pin,))
    lighter, heavier = (Pin(Position(7, 1), 1, NOW.ms + 500, b"", weight) for weight in ((60, 9), (999, 9)))
    assert after(made, Board(paid=(heavier, lighter))) == Board(paid=(heavier, pin))


def test_a_gift_of_little_or_no_amount_is_not_pinned() -> None:
    little = EVENTS.make(gift(499), EMPTY, NOW)
    assert (little.change, little.payer) == (None, "ann")
    assert "until" not in item(little)
    nothing = gift(None, None)
    assert EVENTS.make(nothing, EMPTY, NOW) == Made(nothing.item)


def test_the_pinned_announcement_is_taken_down() -> None:
    row = UnpinRow("a", "boss", Role.STREAMER, "c2")
    pinned = Board(Pin(AT, 1, NOW.ms + 1, ANNOUNCEMENT))
    made = EVENTS.make(row, pinned, NOW)
    assert item(made) == {"k": "unpinned"}
    assert act(made) == Act("", NOW.ms, "boss", Role.STREAMER, "unpin", "a", what="welcome")
    assert after(made, pinned) == EMPTY
    assert refused(row) == "no_such_message"
    assert refused(row, Board(Pin(AT, 1, NOW.ms, b""))) == "no_such_message"


@pytest.mark.parametrize(
    ("currency", "amount", "seconds"),
    [("CNY", 499, 0), ("CNY", 500, 60), ("USD", 1_000_000, 120), ("JPY", 99, 0), ("JPY", 5000, 30)],
)
def test_the_more_the_longer(currency: str, amount: int, seconds: int) -> None:
    tiers = Tiers(["*:500:60", "*:1000:120", "JPY:100:30"])
    assert tiers.seconds(currency, amount) == seconds
    assert Tiers([]).seconds(currency, amount) == 0


def test_a_paid_comment_is_pinned_for_its_amount() -> None:
    made = EVENTS.make(paid(1000, text=" 加\n油 "), EMPTY, NOW)
    assert item(made) == {
        "k": "paid", "uid": "ann", "name": "Ann", "text": "加 油", "amount": 1000, "currency": "CNY",
        "until": 5_120_000,
    }  # fmt: skip
    assert after(made) == Board(paid=(Pin(AT, 5_000_040, 5_120_000, made.item, (120, 1000)),))
    little = EVENTS.make(paid(1, name=" "), EMPTY, NOW)
    assert little.change is None
    assert item(little) == {
        "k": "paid",
        "uid": "ann",
        "name": "ann",
        "text": "加油",
        "amount": 1,
        "currency": "CNY",
    }
    assert (little.act, made.act) == (None, None)  # nobody of the staff decided that


def test_what_is_over_makes_room_for_what_is_paid() -> None:
    over, there = (Pin(Position(7, 1), 1, until, b"", (999, 9)) for until in (NOW.ms, NOW.ms + 500))
    board = after(EVENTS.make(paid(), EMPTY, NOW), Board(paid=(over, there)))
    assert [pin.position.seq for pin in board.paid] == [1, 3]
    assert there in board.paid


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (paid(0), "bad_frame"),
        (paid(2**53), "bad_frame"),
        (paid(currency="cny"), "bad_frame"),
        (paid(currency="RMBX"), "bad_frame"),
        (paid(payer="a b"), "bad_id"),
        (paid(text="\u200b"), "empty"),
        (paid(text="x" * 201), "too_long"),
        (gift(0), "bad_frame"),
        (gift(2**53), "bad_frame"),
        (gift(500, None), "bad_frame"),
        (gift(500, "cny"), "bad_frame"),
        (gift(500, text="x" * 201), "too_long"),
        (poll(options=("one",)), "bad_frame"),
        (poll(options=tuple("abcdefghijk")), "bad_frame"),
        (poll(options=("one", " one")), "bad_frame"),
        (poll(options=("one", "")), "empty"),
        (poll(options=("one", "x" * 101)), "too_long"),
        (poll(""), "empty"),
        (poll("x" * 201), "too_long"),
        (poll(seconds=0), "bad_frame"),
        (poll(seconds=604_801), "bad_frame"),
    ],
)
def test_what_is_no_event_is_refused_by_name(row: PostedRow, name: str) -> None:
    assert refused(row) == name


def test_a_poll_is_open_until_it_is_closed_or_its_time_is_over() -> None:
    made = EVENTS.make(poll("Which\none?"), EMPTY, NOW)
    name = poll_id("boss", "c1")
    assert item(made) == {"k": "poll", "id": name, "question": "Which one?", "options": ["one", "two"]}
    assert after(made) == Board(poll=Poll(name, "Which one?", ("one", "two")))
    assert act(made) == Act("", NOW.ms, "boss", Role.STREAMER, "poll", "a", what="Which one?")
    timed = EVENTS.make(poll(seconds=60), EMPTY, NOW)
    assert timed.act is not None
    assert timed.act.seconds == 60
    assert item(timed)["until"] == 5_060_000
    assert after(timed).poll == Poll(name, "Which?", ("one", "two"), 5_060_000)


def test_one_poll_at_a_time() -> None:
    assert refused(poll(), Board(poll=Poll("p", "Which?", ("one", "two"), 1))) == "conflict"
