"""Words are found however they are spelled, and in no innocent text."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku.errors import Refusal
from danmaku.wordlist import Found, Word
from rooms.spelling import Folding, cells, free_alone, plain_words, plainly, readings
from rooms.text import clean
from rooms.words import MOST_EXPRESSIONS, NO_WORDS, List, Making, look, made


class Table(msgspec.Struct):
    """caught: spelled-around forms of each word. innocent: what must pass all of them."""

    words: list[str]
    caught: dict[str, list[str]]
    innocent: list[str]


TABLE = msgspec.json.decode((Path(__file__).parent / "words" / "evasions.json").read_bytes(), type=Table)
ALL = made(Word(word, "mask") for word in TABLE.words)
TEXTS = st.text(
    st.sampled_from("abstiok013$@!. ,-*笨蛋话話🔥\u200báаＡ") | st.characters(exclude_categories=["Cs"]),
    max_size=30,
)
FREE = st.text("笨蛋死去", min_size=1, max_size=3)
LETTERS = str.maketrans("0123456789", "ghijklmnpq")
PLAIN = st.text("ab", min_size=1, max_size=3)


def of(*entries: str) -> List:
    return made(Word(entry, "mask") for entry in entries)


def shown(text: str, *entries: str) -> str:
    return look(text, [of(*entries)]).text


def test_the_table_is_as_large_as_was_promised() -> None:
    assert len(TABLE.words) == 10
    assert sum(map(len, TABLE.caught.values())) >= 60
    assert len(set(TABLE.innocent)) >= 200


@pytest.mark.parametrize("word", TABLE.words)
def test_what_is_spelled_around_is_caught(word: str) -> None:
    missed = [text for text in TABLE.caught[word] if look(clean(text), [ALL]).entry != word]
    assert missed == []


def test_what_is_innocent_passes() -> None:
    caught = {text: found.entry for text in TABLE.innocent if (found := look(clean(text), [ALL])).action}
    assert caught == {}


@pytest.mark.parametrize(
    ("text", "entry", "masked"),
    [
        ("what an ass, man", "ass", "what an ***, man"),
        ("a s s!", "ass", "* * *!"),
        ("你真傻.瓜了", "傻瓜", "你真***了"),
        ("goddamnit", "*damn*", "go*****it"),
        ("damnation", "damn*", "****ation"),
        ("goddamn", "*damn", "go*****"),
        ("damnation", "damn", "damnation"),
        ("k1ll  yourself now", "kill yourself", "****  ******** now"),
        ("a big BOOM", "/bo+m/", "a big ****"),
        ("傻b了", "傻B", "**了"),
        ("1114", "114", "1114"),
        ("你妈妈", "你妈", "***"),
        ("草草草泥马", "草泥马", "*****"),
        ("草泥泥马", "草泥马", "草泥泥马"),
        ("good latter god", "god", "good latter ***"),
        ("latter", "later", "latter"),
        ("pussy pusy", "pussy", "***** pusy"),
        ("llaatterr", "later", "*********"),
        ("shiit", "shit", "*****"),
        ("🖕🖕 you", "🖕", "** you"),
        ("٣٤٥", "345", "***"),
    ],
)
def test_how_an_entry_is_looked_for(text: str, entry: str, masked: str) -> None:
    assert shown(text, entry) == masked


def test_the_strictest_action_decides_and_what_is_masked_is_masked() -> None:
    words = [Word("one", "mask"), Word("two", "shadow"), Word("three", "hold"), Word("four", "refuse")]
    lists = [made(words[:2]), made(words[2:]), NO_WORDS]
    assert look("one two", lists) == Found("shadow", "two", "*** two")
    assert look("three two one", lists) == Found("hold", "three", "three two ***")
    assert look("four three", lists) == Found("refuse", "four", "four three")
    assert look("five", lists) == Found(None, "", "five")
    assert look("one", [NO_WORDS]) == Found(None, "", "one")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("$$$", "nothing to look for"),
        ("/(/", "missing )"),
        ("/x*/", "fits everything"),
        ("/(a{900}){900}/", "invalid repetition size"),
        ("/a(?=b)/", "invalid perl operator"),
        ("/" + "(?:[a-z]{100}|[0-9]{100}){9}" + "/", "too large"),
    ],
)
def test_a_bad_entry_is_refused_by_its_name(entry: str, says: str) -> None:
    with pytest.raises(Refusal, match="entry") as refused:
        of(entry)
    assert entry[:20] in refused.value.message
    assert says in refused.value.message


def test_so_many_expressions_a_list_may_have() -> None:
    of(*(f"/x{n}/" for n in range(MOST_EXPRESSIONS)))
    with pytest.raises(Refusal, match="at most"):
        of(*(f"/x{n}/" for n in range(MOST_EXPRESSIONS + 1)))


def test_a_long_list_is_made_in_parts() -> None:
    making = Making()
    making.add(Word(f"wo{n:07x}rd*".translate(LETTERS), "mask") for n in range(50_000))
    *parts, whole = making.finish()
    assert parts == [None] * 5
    assert whole is not None
    assert whole.size == 50_000
    last = f"wo{49_999:07x}rd".translate(LETTERS)
    assert look(f"a {last}, word", [whole]).text == f"a {'*' * len(last)}, word"


def test_what_characters_are_read_as_is_remembered_of_so_many() -> None:
    folding = Folding(1)
    assert "ÀÉ".translate(folding) == "ae"
    assert folding == {ord("À"): "a"}


@given(TEXTS)
def test_a_mask_keeps_everything_else(text: str) -> None:
    masked = look(text, [of("ass", "*tit*", "笨蛋", "话", "/ok+/")]).text
    assert len(masked) == len(text)
    assert all(
        new == old or (new == "*" and not old.isspace()) for new, old in zip(masked, text, strict=True)
    )


@given(TEXTS)
def test_what_is_plain_stays_plain(text: str) -> None:
    assert plainly(plainly(text)) == plainly(text)


@given(st.text("笨蛋話🔥Ａa *."))
def test_what_is_free_alone_is_plain(text: str) -> None:
    free = free_alone(text)
    assert free in (None, plainly(text))
    assert (free is None) == (not text or not set(text) <= set("笨蛋話🔥"))


@given(TEXTS)
def test_the_slow_way_reads_as_the_quick_one_does(text: str) -> None:
    for reading in readings(text):
        traced = cells(text, reading)
        assert len(traced) == len(reading.short)
        assert sum(cell.times for cell in traced) == len(reading.plain)
        assert all(0 <= cell.begin <= cell.end <= len(text) for cell in traced)


@given(st.text("abIo .s1é", max_size=12))
def test_a_text_of_plain_words_has_one_reading_which_is_they(text: str) -> None:
    said = plain_words(text)
    read = list(readings(text))
    if said is not None:
        assert [reading.short.split() for reading in read] == [list(filter(None, said))]
    elif text.replace(" ", "").isalpha() and text.isascii():
        assert len(read) > 1, "spelled out"


@given(st.lists(PLAIN, min_size=1, max_size=6), st.lists(PLAIN, max_size=8))
def test_whole_words_are_found_as_a_naive_search_finds_them(entries: list[str], words: list[str]) -> None:
    def fits(entry: str, word: str) -> bool:
        return entry == word or (
            drawn(word) and len(set(word)) == len(set(entry)) == 1 and word[0] == entry[0]
        )

    def drawn(word: str) -> bool:
        return len(word) >= 3 or word == "aa"

    text = "_ ".join(words)
    expected = any(
        fits(entry, word) and len(word) >= len(entry)
        for word in words
        for entry in entries
        if len(set(word)) == 1
    ) or any(word in entries for word in words)
    found = look(text, [of(*entries)])
    assert bool(found.action) >= expected
    if not any(len(set(word)) > 1 or len(word) == 1 for word in words):  # single letters may be spelled out
        assert bool(found.action) == expected


@given(st.lists(FREE, min_size=1, max_size=5), st.text("笨蛋死去", max_size=12))
def test_free_entries_are_found_as_a_naive_search_finds_them(entries: list[str], text: str) -> None:
    found = look(text, [of(*entries)])
    if any(entry in text for entry in entries):
        assert found.action is not None
    elif found.action is not None:  # then it is drawn out in the text
        short = "".join(one for one, after in zip(text, f"{text[1:]} ", strict=True) if one != after)
        assert any(plainly(found.entry)[0] == one for one in short)
