"""Lists of words, as rooms processes take, keep, follow and go by them."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import pytest

from danmaku import wordlist
from danmaku.change import Reworded
from danmaku.model import Role
from danmaku.rows import Done, Refused, Shown
from danmaku.store import Store
from danmaku.store.audit import EVERYWHERE
from danmaku.wordlist import (
    Action,
    Found,
    GetPiece,
    GetWordsRow,
    PutWordsRow,
    ReplaceWords,
    RoomWords,
    StagePiece,
    TryWordsRow,
    Word,
    WordsReply,
    WordsTried,
    pack,
    pieces,
    unpack,
)
from tests.contract.failing import away
from tests.contract.rooms_service import PATIENCE_MS, Service, send
from tests.waiting import until

ROOMS = [f"r{number}" for number in range(12)]


def words(*entries: str, action: Action = "refuse") -> list[Word]:
    return [Word(entry, action) for entry in entries]


async def ask(live: Service, request: wordlist.WordsRequest) -> WordsReply:
    reply = await live.bus.request(live.subjects.words, wordlist.encode(request), 30)
    return wordlist.decode_words_reply(reply)


async def replace(live: Service, packed: bytes, role: Role = Role.ADMIN, version: str = "") -> WordsReply:
    version = version or token_hex(8)
    parts = pieces(packed)
    for number, piece in enumerate(parts):
        assert await ask(live, StagePiece(PATIENCE_MS, version, number, piece)) == WordsReply()
    return await ask(live, ReplaceWords(PATIENCE_MS, version, len(parts), "root", role, "some"))


async def put(live: Service, room: str, listed: list[Word], role: Role = Role.MODERATOR) -> Any:
    return await live.ask(PutWordsRow(room, "mod", role, pack(listed), act=token_hex(4)))


async def says(live: Service, room: str, text: str, role: Role = Role.VIEWER) -> str:
    answer = await live.ask(send(room, "ann", text, token_hex(4), role))
    assert isinstance(answer, Shown | Refused)
    return "shown" if isinstance(answer, Shown) else answer.name


async def all_refuse(live: Service, text: str) -> None:
    for room in ROOMS:

        async def does(room: str = room) -> bool:
            return await says(live, room, text) == "blocked_words"

        await until(does)


async def test_a_replaced_list_is_in_force_in_all_rooms_of_all_processes(live: Service) -> None:
    one, two = await live.start(), await live.start()
    await live.owned(one, two)
    assert {await says(live, room, "a badword") for room in ROOMS} == {"shown"}
    assert await replace(live, pack(words("badword"))) == WordsReply()
    await all_refuse(live, "a b.a.d.w.o.r.d")
    assert await says(live, ROOMS[0], "badwords") == "shown"
    assert await says(live, ROOMS[0], "badword", Role.MODERATOR) == "shown"
    assert await replace(live, pack(words("another"))) == WordsReply()
    await all_refuse(live, "another")
    assert {await says(live, room, "a badword") for room in ROOMS} == {"shown"}
    store = await live.open_store()
    acts = [recorded.act for recorded in await store.audit.before(EVERYWHERE, None, 10)]
    assert [(act.verb, act.by, act.what) for act in acts] == [("words", "root", "some")] * 2


async def test_a_process_that_starts_knows_the_list_and_needs_no_hint(live: Service) -> None:
    one = await live.sole_owner()
    assert await replace(live, pack(words("badword"))) == WordsReply()
    await one.end()
    await live.sole_owner()
    assert await says(live, "r1", "badword") == "blocked_words"
    store = await live.open_store()
    await store.words.stage("later", 0, pack(words("later")))
    assert await store.words.replace(Reworded("later", "root"), 1)
    await all_refuse(live, "later")


async def test_a_list_of_many_pieces_is_read_as_it_was_written(live: Service) -> None:
    await live.sole_owner()
    listed = [Word(f"{token_hex(16)}x{token_hex(14)}", "hold") for _ in range(20_000)]
    packed = pack(listed)
    assert len(pieces(packed)) > 1
    assert await replace(live, packed) == WordsReply()
    first = await ask(live, GetPiece(PATIENCE_MS, 0))
    further = [await ask(live, GetPiece(PATIENCE_MS, number)) for number in range(1, first.pieces)]
    assert unpack(b"".join(one.piece for one in (first, *further))) == listed
    assert {one.version for one in further} == {first.version}


@pytest.mark.parametrize(
    ("packed", "role", "refused", "says"),
    [
        (pack(words("x")), Role.STREAMER, "forbidden", ""),
        (pack(words("good", "/(/")), Role.ADMIN, "bad_frame", "/(/"),
        (b"no list", Role.ADMIN, "bad_frame", "list"),
    ],
)
async def test_a_list_that_is_refused_replaces_nothing(
    live: Service, packed: bytes, role: Role, refused: str, says: str
) -> None:
    await live.sole_owner()
    reply = await replace(live, packed, role)
    assert reply.refused == refused
    assert says in (reply.detail or "")
    assert await ask(live, GetPiece(PATIENCE_MS, 0)) == WordsReply()


async def test_what_no_list_has_is_refused(live: Service) -> None:
    await live.sole_owner()
    for request in (
        StagePiece(PATIENCE_MS, "v", wordlist.MOST_PIECES, b""),
        ReplaceWords(PATIENCE_MS, "v", wordlist.MOST_PIECES + 1, "root", Role.ADMIN),
    ):
        assert (await ask(live, request)).refused == "bad_frame"
    assert (await ask(live, StagePiece(PATIENCE_MS, "a b", 0, b""))).refused == "bad_id"
    await live.bus.publish(live.subjects.words, b"?")
    expired = await ask(live, ReplaceWords(PATIENCE_MS, "v", 1, "root", Role.ADMIN))
    assert (expired.refused, "send it again" in (expired.detail or "")) == ("conflict", True)


async def test_a_conflict_says_whether_the_list_is_another_or_did_not_come(live: Service) -> None:
    await live.sole_owner()
    assert await replace(live, pack(words("x")), version="v1") == WordsReply()
    expired = await ask(live, ReplaceWords(PATIENCE_MS, "v2", 1, "root", Role.ADMIN, over="v1"))
    assert (expired.refused, "send it again" in (expired.detail or "")) == ("conflict", True)
    await ask(live, StagePiece(PATIENCE_MS, "v3", 0, pack(words("y"))))
    other = await ask(live, ReplaceWords(PATIENCE_MS, "v3", 1, "root", Role.ADMIN, over="v0"))
    assert (other.refused, other.detail) == ("conflict", "the list was replaced by another one meanwhile")


async def test_the_same_list_said_again_is_taken_again(live: Service) -> None:
    await live.sole_owner()
    assert await replace(live, pack(words("x")), version="v1") == WordsReply()
    assert await ask(live, ReplaceWords(PATIENCE_MS, "v1", 1, "root", Role.ADMIN)) == WordsReply()


async def test_a_list_that_cannot_be_read_for_a_while_holds_up_nobody(
    live: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Store = await live.open_store()
    await live.sole_owner(store=store)

    with monkeypatch.context() as patched:
        patched.setattr(type(store.words), "piece", away)
        assert (await ask(live, GetPiece(PATIENCE_MS, 0))).refused == "unavailable"
        assert await replace(live, pack(words("badword"))) == WordsReply()
        assert await says(live, "r1", "badword") == "shown"
    await all_refuse(live, "badword")


async def test_a_rooms_own_list_is_kept_and_outlives_its_owner(live: Service) -> None:
    one = await live.sole_owner()
    assert await says(live, "r1", "hello") == "shown"
    assert await put(live, "r1", words("hello")) == Done()
    assert await says(live, "r1", "h e l l o") == "blocked_words"
    assert await says(live, "r2", "hello") == "shown"
    await one.end()
    await live.sole_owner()
    assert await says(live, "r1", "hello") == "blocked_words"
    found = await live.ask(GetWordsRow("r1", "mod", Role.MODERATOR))
    assert isinstance(found, RoomWords)
    assert unpack(found.words) == words("hello")
    store = await live.open_store()
    acts = [recorded.act for recorded in await store.audit.before("r1", None, 10)]
    assert [(act.verb, act.by, act.what) for act in acts] == [("words", "mod", "1 entries")]


async def test_a_room_takes_no_list_of_who_may_not_and_none_that_is_none(live: Service) -> None:
    await live.sole_owner()
    assert await says(live, "r1", "hello") == "shown"
    answers = [
        await put(live, "r1", words("x"), Role.VIEWER),
        await put(live, "r1", words("/(/")),
        await live.ask(PutWordsRow("r1", "mod", Role.MODERATOR, b"?")),
        await put(live, "r1", [Word(f"x{n}", "mask") for n in range(wordlist.MOST_IN_ROOM + 1)]),
        await live.ask(GetWordsRow("r1", "ann", Role.VIEWER)),
        await live.ask(PutWordsRow("r1", "mod", Role.MODERATOR, pack([]), "of another version")),
    ]
    assert [answer.name for answer in answers] == [
        "forbidden",
        "bad_frame",
        "bad_frame",
        "too_large",
        "forbidden",
        "conflict",
    ]


async def test_a_moderator_can_try_a_text(live: Service) -> None:
    await live.sole_owner()
    assert await says(live, "r1", "hello") == "shown"
    assert await put(live, "r1", words("hello", action="mask")) == Done()
    assert await replace(live, pack(words("bye", action="hold"))) == WordsReply()

    async def tried() -> bool:
        answer = await live.ask(TryWordsRow("r1", "mod", Role.MODERATOR, "hello, bye"))
        assert isinstance(answer, WordsTried)
        return answer.found == Found("hold", "bye", "*****, bye")

    await until(tried)


async def test_a_list_that_cannot_be_read_any_more_stops_no_room(live: Service) -> None:
    store = await live.open_store()
    for version, packed in (("v1", b"broken"), ("v2", pack(words("badword", "/(/")))):
        await store.words.stage(version, 0, packed)
        assert await store.words.replace(Reworded(version, "root"), 1)
        running = await live.sole_owner()
        expected = "shown" if version == "v1" else "blocked_words"
        assert await says(live, "r1", "badword") == expected
        await running.end()
