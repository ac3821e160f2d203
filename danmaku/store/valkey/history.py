"""A room's log as a stream, whose ids are positions and refuse to go back."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from danmaku import board
from danmaku.model import Position
from danmaku.store.errors import StoreDown
from danmaku.store.history import Append, Appended, Entry, Outcome, Slice, follows_on
from danmaku.store.valkey import held, recalls
from danmaku.store.valkey.audit import Acts
from danmaku.store.valkey.keys import Keys, held_by, id_of, position_of
from danmaku.store.valkey.link import Call, Link
from danmaku.store.valkey.rooms import words

_VERSION: Final = 1
_pairs = msgspec.msgpack.Decoder(tuple[tuple[str, str, int], ...])
_encode = msgspec.msgpack.Encoder().encode


class ValkeyHistory:
    """`reads`: a link for what is large and can wait, so that appends never wait for it."""

    def __init__(self, link: Link, reads: Link, keys: Keys, acts: Acts, batches: int, age_s: int) -> None:
        self._link = link
        self._reads = reads
        self._keys = keys
        self._acts = acts
        self._batches = batches
        self._age_ms = age_s * 1000

    async def append(self, process: str, appends: list[Append]) -> list[Appended | Exception]:
        replies = await self._link.many([self._append(process, append) for append in appends])
        return [_appended(reply) for reply in replies]

    async def head(self, room: str) -> Position:
        (head,) = await self.heads([room])
        return head

    async def heads(self, rooms: list[str]) -> list[Position]:
        calls = [self._link.script("head", [self._keys.log(room)]) for room in rooms]
        return [position_of(head) for head in await self._link.all(calls)]

    async def latest(self, room: str, items: int, max_bytes: int, before: Position | None = None) -> Slice:
        begin = "+" if before is None else f"({id_of(before)}"
        call = self._reads.script("latest", self._keys.of_log(room), items, max_bytes, begin)
        head, newest_first, recalled = await self._reads.one(*call)
        entries = tuple(_entry(raw) for raw in reversed(newest_first))
        return Slice(entries, True, position_of(head), recalls.recalls_of(recalled))

    async def after(self, room: str, since: Position, items: int, max_bytes: int) -> Slice:
        call = self._reads.script("after", self._keys.of_log(room), id_of(since), items, max_bytes)
        last, raws, recalled = await self._reads.one(*call)
        head, entries = position_of(last), tuple(_entry(raw) for raw in raws)
        return Slice(entries, follows_on(entries, since, head), head, recalls.recalls_of(recalled))

    def _append(self, process: str, append: Append) -> Call:
        entry = append.entry
        return self._link.script(
            "append",
            [*self._keys.of_state(append.room), *self._acts.keys(append.room, append.acts)],
            held_by(process, append.lease),
            id_of(append.expected),
            id_of(entry.last),
            entry.frame,
            entry.at,
            _VERSION,
            entry.count,
            _encode(entry.pairs),
            self._batches,
            self._age_ms,
            b"" if append.board is None else board.encode(append.board),
            *recalls.words(append.recalling),
            *held.words(append.decided),
            *self._acts.words(append.acts),
            *(words(append.effect) if append.effect else ()),
        )


def _appended(reply: Any) -> Appended | Exception:
    if isinstance(reply, StoreDown):
        return reply
    outcome, head = reply
    return Appended(Outcome(outcome.decode()), position_of(head))


def _entry(raw: Any) -> Entry:
    last, fields = raw
    kept = dict(zip(fields[::2], fields[1::2], strict=True))
    return Entry(
        position_of(last),
        int(kept[b"count"]),
        int(kept[b"at"]),
        kept[b"frame"],
        _pairs.decode(kept[b"pairs"]),
    )
