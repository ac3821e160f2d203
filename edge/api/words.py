"""Lists of words that comments are judged by: of one room, and for all rooms."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from danmaku import wordlist
from danmaku.errors import CONFLICT, INTERNAL, Refusal
from danmaku.wordlist import (
    ACTIONS,
    Action,
    GetWordsRow,
    PutWordsRow,
    RoomWords,
    TryWordsRow,
    Word,
    WordsTried,
    pack,
    pack_for_room,
    unpack,
    version_of,
)
from edge.api.routing import Call, RoomsClient, Route, Who

_ALL: Final = "/v1/admin/words"
_ROOM: Final = "/v1/admin/rooms/{room}/words"
_MOST_BYTES: Final = 4 * 1024 * 1024
Entry = Annotated[str, Meta(min_length=1, max_length=4 * wordlist.MAX_ENTRY + 2)]
Entries = Annotated[list[Entry], Meta(max_length=wordlist.MOST_EVERYWHERE)]


class PutWords(msgspec.Struct, forbid_unknown_fields=True):
    """The entries for each action; they replace all that were there. Of an entry that stands twice the
    strictest action counts. With `version`, only if the list still is of that version.
    """

    refuse: Entries = []
    hold: Entries = []
    shadow: Entries = []
    mask: Entries = []
    version: str | None = None

    @property
    def words(self) -> list[Word]:
        return [Word(entry, action) for action in ACTIONS for entry in getattr(self, action)]


class WordLists(msgspec.Struct):
    """The entries for each action, and the version of the list, empty where there never was one."""

    refuse: list[str]
    hold: list[str]
    shadow: list[str]
    mask: list[str]
    version: str


class Replaced(msgspec.Struct):
    version: str


class TryWords(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=1000)]


class Tried(msgspec.Struct):
    """What would become of the text if a viewer sent it, null where nothing would; `entry` is what it comes
    of, `text` is as it would be shown.
    """

    action: Action | None
    entry: str
    text: str


class WordCalls:
    def __init__(self, rooms: RoomsClient) -> None:
        self._rooms = rooms

    def routes(self) -> list[Route]:
        put, get = "Replace the list of words of this room.", "The list of words of this room."
        put_all, get_all = "Replace the list of words for all rooms.", "The list of words for all rooms."
        trying = "Try what becomes of a text by the words of this room and those for all rooms."
        return [
            Route("GET", _ROOM, Who.MODERATOR, get, self.get_room, None, WordLists),
            Route("PUT", _ROOM, Who.MODERATOR, put, self.put_room, PutWords, Replaced, (), (CONFLICT,)),
            Route("POST", f"{_ROOM}/test", Who.MODERATOR, trying, self.try_text, TryWords, Tried),
            Route("GET", _ALL, Who.ADMIN, get_all, self.get, None, WordLists),
            Route(
                *("PUT", _ALL, Who.ADMIN, put_all, self.put, PutWords, Replaced, (), (CONFLICT,)),
                most_bytes=_MOST_BYTES,
            ),
        ]

    async def get_room(self, call: Call) -> WordLists:
        answer = await self._rooms.ask(GetWordsRow(call.parts["room"], call.caller.uid, call.role))
        if not isinstance(answer, RoomWords):
            raise Refusal(INTERNAL)
        return _lists(unpack(answer.words), version_of(answer.words))

    async def put_room(self, call: Call) -> Replaced:
        """Stored and in force when it is answered."""
        body: PutWords = call.body
        packed = pack_for_room(body.words)
        await self._rooms.ask(
            PutWordsRow(call.parts["room"], call.caller.uid, call.role, packed, body.version)
        )
        return Replaced(version_of(packed))

    async def try_text(self, call: Call) -> Tried:
        row = TryWordsRow(call.parts["room"], call.caller.uid, call.role, call.body.text)
        answer = await self._rooms.ask(row)
        if not isinstance(answer, WordsTried):
            raise Refusal(INTERNAL)
        found = answer.found
        return Tried(found.action, found.entry, found.text)

    async def get(self, call: Call) -> WordLists:
        version, packed = await self._rooms.words()
        return _lists(await asyncio.to_thread(unpack, packed), version)

    async def put(self, call: Call) -> Replaced:
        """Stored when it is answered; rooms processes learn of it from the changes log."""
        body: PutWords = call.body
        packed = await asyncio.to_thread(pack, body.words)  # a long list takes a while
        return Replaced(await self._rooms.replace_words(packed, call.caller.uid, call.role, body.version))


def _lists(words: list[Word], version: str) -> WordLists:
    found: dict[Action, list[str]] = {action: [] for action in ACTIONS}
    for word in words:
        found[word.action].append(word.entry)
    return WordLists(**found, version=version)
