"""A room's recalls as a hash: position to the item that tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from danmaku import wire
from danmaku.recalls import Recalled
from danmaku.store.recalls import Recalling
from danmaku.store.valkey.keys import Keys, id_of, position_of
from danmaku.store.valkey.link import Link, Word

_recall: Final = msgspec.msgpack.Decoder(wire.Recall)
_NOTHING: Final[tuple[Word, ...]] = ("", "", "")


class ValkeyRecalls:
    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def load(self, room: str) -> list[Recalled]:
        call = self._link.script("recalls", [self._keys.log(room), self._keys.recalls(room)])
        return list(recalls_of(await self._link.one(*call)))


def recalls_of(raw: Sequence[bytes]) -> tuple[Recalled, ...]:
    """The fields and values of the hash, in order of position."""
    pairs = zip(raw[::2], raw[1::2], strict=True)
    return tuple(sorted(Recalled(position_of(at), _recall.decode(item)) for at, item in pairs))


def words(recalling: Recalling | None) -> tuple[Word, ...]:
    """What `append.lua` wants: id, item, and the ids that go, with a blank between them."""
    if recalling is None:
        return _NOTHING
    at, recall = recalling.recalled
    return id_of(at), wire.encode_item(recall), " ".join(id_of(position) for position in recalling.instead_of)
