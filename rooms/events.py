"""What is posted to a room besides comments, made into items, and what is kept in view with them. Pure."""

from __future__ import annotations

import re
from functools import partial
from typing import Final, NamedTuple

import msgspec

from config import settings as config
from danmaku import wire
from danmaku.board import Board, Change, Pin, Poll
from danmaku.errors import BAD_FRAME, CONFLICT, EMPTY, NO_SUCH_MESSAGE, TOO_LONG, Refusal
from danmaku.event_rows import PaidRow, PollRow, UnpinRow, poll_id
from danmaku.model import MAX_NUMBER, Act, Position, check_id
from danmaku.rows import EventRow
from rooms.acts import posted
from rooms.moment import Moment
from rooms.text import clean

PostedRow = EventRow | PaidRow | UnpinRow | PollRow

MAX_PIN_S: Final = 24 * 3600
MAX_POLL_S: Final = 7 * 24 * 3600
MIN_OPTIONS: Final = 2
MAX_OPTIONS: Final = 10
MAX_QUESTION: Final = 200
MAX_OPTION: Final = 100
MAX_NAME: Final = 64
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_ANY: Final = "*"
_announce: Final = msgspec.msgpack.Decoder(wire.Announce)
_event: Final = msgspec.msgpack.Decoder(wire.Announce | wire.Gift)


class Made(NamedTuple):
    """An item, and what becomes of the board with it.

    payer: who pays for it, if anybody does. act: of staff, that it tells of.
    """

    item: bytes
    change: Change | None = None
    payer: str | None = None
    act: Act | None = None


class Tiers:
    """For how long an amount pins what was paid for, by what `events.paid_pins` says."""

    def __init__(self, words: list[str]) -> None:
        self._by_currency: dict[str, list[tuple[int, int]]] = {}
        for word in words:
            currency, amount, seconds = word.split(":")
            self._by_currency.setdefault(currency, []).append((int(amount), int(seconds)))

    def seconds(self, currency: str, amount: int) -> int:
        """What its own tiers say, else those of all others; 0: it is not pinned."""
        tiers = self._by_currency.get(currency) or self._by_currency.get(_ANY, [])
        return max((seconds for least, seconds in tiers if amount >= least), default=0)


class Events:
    """Of all rooms. Who posts was judged before."""

    def __init__(self, settings: config.Events) -> None:
        self.settings = settings
        self._pins = settings.paid_pins
        self._tiers = Tiers(self._pins)

    def make(self, row: PostedRow, board: Board, now: Moment) -> Made:
        """Raises Refusal."""
        if isinstance(row, EventRow):
            return self._event(row, now)
        if isinstance(row, PaidRow):
            return self._paid(row, now)
        return _unpinned(row, board, now) if isinstance(row, UnpinRow) else _poll(row, board, now)

    def _event(self, row: EventRow, now: Moment) -> Made:
        try:
            event = _event.decode(row.item)
        except msgspec.DecodeError:
            raise Refusal(BAD_FRAME, "this is neither an announcement nor a gift") from None
        if isinstance(event, wire.Announce):
            return _pinned(event, row, now) if row.pin_s else Made(row.item)
        if row.pin_s:
            raise Refusal(BAD_FRAME, "a gift is pinned for what was paid for it")
        return Made(row.item) if event.amount is None else self._gift(event, now)

    def _gift(self, gift: wire.Gift, now: Moment) -> Made:
        check_id(gift.uid, "uid")
        if gift.text is not None:
            gift.text = _line(gift.text, self.settings.paid_length)
        return self._paid_for(gift, gift.amount or 0, gift.currency or "", now)

    def _paid(self, row: PaidRow, now: Moment) -> Made:
        check_id(row.payer, "uid")
        text = _line(row.text, self.settings.paid_length)
        name = clean(row.name)[:MAX_NAME].rstrip() or row.payer
        comment = wire.Paid(row.payer, name, text, row.amount, row.currency)
        return self._paid_for(comment, row.amount, row.currency, now)

    def _paid_for(self, said: wire.Paid | wire.Gift, amount: int, currency: str, now: Moment) -> Made:
        """Pinned for the amount, if that is enough."""
        if not 1 <= amount <= MAX_NUMBER:
            raise Refusal(BAD_FRAME, f"amount must be from 1 to {MAX_NUMBER}")
        if _CURRENCY.fullmatch(currency) is None:
            raise Refusal(BAD_FRAME, "currency must be three capital letters")
        if self._pins is not self.settings.paid_pins:
            self._pins = self.settings.paid_pins
            self._tiers = Tiers(self._pins)
        seconds = self._tiers.seconds(currency, amount)
        said.until = now.ms + seconds * 1000 if seconds else None
        item = wire.encode_item(said)
        if said.until is None:
            return Made(item, payer=said.uid)
        weight, most = (seconds, amount), self.settings.paid_pinned
        pay = partial(_pay, item=item, until=said.until, weight=weight, most=most)
        return Made(item, pay, said.uid)


def _pinned(announcement: wire.Announce, row: EventRow, now: Moment) -> Made:
    if not 1 <= row.pin_s <= MAX_PIN_S:
        raise Refusal(BAD_FRAME, f"pin_s must be from 1 to {MAX_PIN_S}")
    announcement.until = now.ms + row.pin_s * 1000
    item = wire.encode_item(announcement)
    act = posted("pin", row, announcement.text, now.ms, row.pin_s)
    return Made(item, partial(_announce_on, item=item, until=announcement.until), act=act)


def _unpinned(row: UnpinRow, board: Board, now: Moment) -> Made:
    pinned = board.announcement
    if pinned is None or pinned.until <= now.ms:
        raise Refusal(NO_SUCH_MESSAGE, "no announcement is pinned")
    act = posted("unpin", row, _announce.decode(pinned.item).text, now.ms)
    return Made(wire.encode_item(wire.Unpinned()), _unpin, act=act)


def _poll(row: PollRow, board: Board, now: Moment) -> Made:
    if board.poll is not None:
        raise Refusal(CONFLICT, "another poll is open")
    if not MIN_OPTIONS <= len(row.options) <= MAX_OPTIONS:
        raise Refusal(BAD_FRAME, f"a poll has {MIN_OPTIONS} to {MAX_OPTIONS} options")
    if row.seconds is not None and not 1 <= row.seconds <= MAX_POLL_S:
        raise Refusal(BAD_FRAME, f"seconds must be from 1 to {MAX_POLL_S}")
    question = _line(row.question, MAX_QUESTION)
    options = tuple(_line(option, MAX_OPTION) for option in row.options)
    if len(set(options)) < len(options):
        raise Refusal(BAD_FRAME, "no two options may be the same")
    until = None if row.seconds is None else now.ms + row.seconds * 1000
    poll = Poll(poll_id(row.uid, row.cid), question, options, until)
    item = wire.encode_item(wire.Poll(poll.id, question, list(options), until))
    act = posted("poll", row, question, now.ms, row.seconds)
    return Made(item, partial(_open, poll=poll), act=act)


def _line(text: str, most: int) -> str:
    line = clean(text)
    if not line:
        raise Refusal(EMPTY)
    if len(line) > most:
        raise Refusal(TOO_LONG, f"there is room for {most} characters here")
    return line


def _announce_on(board: Board, position: Position, at: int, *, item: bytes, until: int) -> Board:
    return board.announced(Pin(position, at, until, item))


def _unpin(board: Board, _position: Position, _at: int) -> Board:
    return board.unpinned()


def _pay(
    board: Board, position: Position, at: int, *, item: bytes, until: int, weight: tuple[int, int], most: int
) -> Board:
    there = board.without(lambda pin: pin.until <= at)
    return there.paid_for(Pin(position, at, until, item, weight), most)


def _open(board: Board, _position: Position, _at: int, *, poll: Poll) -> Board:
    return board.opened(poll)
