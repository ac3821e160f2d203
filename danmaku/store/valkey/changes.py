"""The changes log as a stream, beside it the sanctions as a hash and the settings as a string."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from danmaku import change
from danmaku.change import Change, Configured, Imposed, Lifted
from danmaku.model import Act, RoomSettings, Sanction
from danmaku.store.audit import EVERYWHERE
from danmaku.store.changes import MOST_SANCTIONS, InForce, News, Noted
from danmaku.store.valkey.audit import Acts
from danmaku.store.valkey.keys import Keys
from danmaku.store.valkey.link import Call, Link, Word
from danmaku.store.valkey.moderation import field_of, sanctions_of

_AT_ONCE: Final = 1000  # sanctions read in one go
_settings = msgspec.json.Decoder(RoomSettings)
_encode = msgspec.json.Encoder().encode


class ValkeyChanges:
    def __init__(self, link: Link, keys: Keys, acts: Acts, most: int, age_s: int) -> None:
        self._link = link
        self._acts = acts
        self._log = keys.changes
        self._sanctions = keys.sanctions_everywhere
        self._settings = keys.settings_everywhere
        self._kept: tuple[Word, ...] = (most, age_s * 1000)

    async def append(self, change: Change, acts: Sequence[Act] = ()) -> None:
        await self._link.one(*self._note("note", [], change, acts), safe=True)

    async def impose(self, change: Imposed, acts: Sequence[Act] = ()) -> bool:
        sanction = change.sanction
        words = field_of(sanction.kind, sanction.uid), _encode(sanction), MOST_SANCTIONS
        call = self._note("impose_everywhere", [self._sanctions], change, acts, *words)
        return bool(await self._link.one(*call, safe=True))

    async def lift(self, change: Lifted, now_ms: int, acts: Sequence[Act] = ()) -> bool:
        words = field_of(change.kind, change.uid), now_ms
        call = self._note("lift_everywhere", [self._sanctions], change, acts, *words)
        return bool(await self._link.one(*call, safe=True))

    async def configure(self, change: Configured, acts: Sequence[Act] = ()) -> None:
        call = self._note("configure", [self._settings], change, acts, _encode(change.settings))
        await self._link.one(*call, safe=True)

    async def after(self, place: str | None, entries: int, max_bytes: int) -> News:
        if place is None:
            return News((), await self._end(), complete=True, more=False)
        head, found = await self._link.one(*self._link.script("news", [self._log], place, entries, max_bytes))
        end = head.decode()
        if not found:
            return News((), end, complete=place == end, more=False)
        last = found[-1][0].decode()
        noted = tuple(Noted(_ms(number), fields[3]) for number, fields in found)
        return News(noted, last, complete=found[0][1][1].decode() == place, more=last != end)

    async def in_force(self, now_ms: int) -> InForce:
        # the place first: what changes while the rest is read is behind it
        last = await self._end()
        kept = await self._link.one("GET", self._settings)
        settings = RoomSettings() if kept is None else _settings.decode(kept)
        sanctions: list[Sanction] = []
        cursor: Word = 0
        while True:
            cursor, raw = await self._link.one("HSCAN", self._sanctions, cursor, "COUNT", _AT_ONCE)
            active, over = sanctions_of(raw, now_ms)
            sanctions += active
            if over:
                await self._link.one(*self._link.script("forget", [self._sanctions], *over))
            if cursor == b"0":
                return InForce(last, sanctions, settings)

    async def _end(self) -> str:
        head: bytes = await self._link.one(*self._link.script("head", [self._log]))
        return head.decode()

    def _note(self, verb: str, keys: list[str], what: Change, acts: Sequence[Act], *words: Word) -> Call:
        touched = [self._log, *keys, *self._acts.keys(EVERYWHERE, acts)]
        entry = change.encode(what)
        return self._link.script(verb, touched, entry, *self._kept, *words, *self._acts.words(acts))


def _ms(number: Any) -> int:
    return int(number.partition(b"-")[0])
