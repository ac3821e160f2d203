"""Finding listed words in a text, and what becomes of it. Pure.

A list is made once and shared by all rooms that go by it. Whatever its length, a text is looked through
once per reading (rooms/spelling.py): whole words are looked up, what may stand within a word or in a script
without spaces is looked for by automata, expressions by a linear-time engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import re2
from ahocorasick_rs import AhoCorasick

from danmaku.errors import BAD_FRAME, Refusal
from danmaku.wordlist import ACTIONS, Action, Found, Word
from rooms.spelling import (
    Cell,
    Reading,
    cells,
    free_alone,
    is_free,
    plain_words,
    plainly,
    readings,
    runs,
    shortened,
)

MOST_EXPRESSIONS: Final = 200
_EXPRESSION_BYTES: Final = 64 * 1024  # of the program that one is made into
_EXPRESSIONS_BYTES: Final = 8 * 1024 * 1024  # of the one for all of a list, and what it remembers
_PART: Final = 10_000  # entries in one automaton: making a large one holds up the event loop
_STRICTNESS: Final = {action: rank for rank, action in enumerate(ACTIONS)}
_DOUBLED: Final = frozenset("bcdefglmnoprstz")  # letters that words often have twice


class Hit(NamedTuple):
    """An entry stands at these places of a text."""

    word: Word
    places: list[tuple[int, int]]


class _Pattern(NamedTuple):
    """An entry as it is looked for, and whether anything may go on at either end.

    It is made anew when something like it is found, for that is seldom, and there are many entries.
    """

    word: Word
    plain: str
    open_begin: bool
    open_end: bool

    @classmethod
    def of(cls, word: Word) -> _Pattern:
        """Raises `bad_frame` where there is nothing to look for."""
        plain = plainly(word.entry.strip("*"))
        if not plain:
            raise Refusal(BAD_FRAME, f"the entry {word.entry!r} holds nothing to look for")
        open_begin = word.entry.startswith("*") or is_free(plain[0])
        open_end = word.entry.endswith("*") or is_free(plain[-1])
        bounded = f"{'' if open_begin else ' '}{plain}{'' if open_end else ' '}"
        return cls(word, bounded, open_begin, open_end)

    def fits(self, found: Sequence[Cell]) -> bool:
        """Whether what was found is this word and not another with more or less of some letter."""
        doubled = 0
        last = len(found) - 1
        for index, ((character, times), cell) in enumerate(zip(runs(self.plain), found, strict=True)):
            if character == " " or cell.times == times:
                continue
            is_open = (index == 0 and self.open_begin) or (index == last and self.open_end)
            if cell.times < times or (character.isdigit() and not is_open):
                return False
            if cell.times == 2 and not is_open:
                if is_free(character):
                    return False
                doubled += character in _DOUBLED
        return doubled != 1


_Place = tuple[list[Word], int, int]
"""What may stand from one character of `Reading.short` to another."""
_Automaton = tuple[AhoCorasick, list[list[Word]]]


class List:
    """One list of words, ready to be looked for. Made by `Making`.

    words: those that stand alone, by what they are without repeats. within: the others, in automata of which
    those of `foreign` can find nothing in an ASCII text.
    """

    __slots__ = ("_expressions", "_foreign", "_set", "_within", "_words", "size")

    def __init__(
        self,
        size: int,
        words: dict[str, list[Word]],
        within: list[_Automaton],
        foreign: list[_Automaton],
        expressions: list[tuple[Word, re2._Regexp]],
        together: re2.Set | None,
    ) -> None:
        self.size = size
        self._words = words
        self._within = within
        self._foreign = foreign
        self._expressions = expressions
        self._set = together

    def passes(self, text: str, said: Sequence[str]) -> bool:
        """Whether nothing of it is in `text`, whose plain words are given."""
        if not self._words.keys().isdisjoint(said):
            return False
        if self._within:
            short = f" {' '.join(filter(None, said))} "
            if any(automaton.find_matches_as_indexes(short) for automaton, _ in self._within):
                return False
        return self._set is None or not self._set.Match(text)

    def hits(self, text: str, read: Iterable[Reading]) -> Iterator[Hit]:
        """Every entry in `text`, whose readings are given; one may come more than once."""
        for reading in read:
            places = self._places(reading.short)
            if places:
                yield from _fitting(text, reading, places)
        if self._set is not None:
            for number in self._set.Match(text) or ():
                word, expression = self._expressions[number]
                yield Hit(word, [match.span() for match in expression.finditer(text)])

    def _places(self, short: str) -> list[_Place]:
        places: list[_Place] = []
        said = short.split(" ")
        if not self._words.keys().isdisjoint(said):
            places += self._alone(said)
        for automaton, words in self._within if short.isascii() else (*self._within, *self._foreign):
            for number, begin, end in automaton.find_matches_as_indexes(short, overlapping=True):
                places.append((words[number], begin, end))
        return places

    def _alone(self, said: list[str]) -> Iterator[_Place]:
        """Words with the spaces around them."""
        end = 0
        for one in said:
            begin, end = end, end + len(one) + 1
            if one in self._words:
                yield self._words[one], begin - 1, end


NO_WORDS: Final = List(0, {}, [], [], [], None)


class Making:
    """Makes a list: `add` some words at a time, then `finish` parts one by one, then take `made`.

    Each step is short, so that something else may have its turn between them.
    """

    def __init__(self) -> None:
        self._size = 0
        self._words: dict[str, list[Word]] = {}
        self._within: dict[str, list[Word]] = {}
        self._foreign: dict[str, list[Word]] = {}
        self._expressions: list[tuple[Word, re2._Regexp]] = []

    def add(self, words: Iterable[Word]) -> None:
        """Raises `bad_frame` naming an entry that cannot be looked for."""
        for word in words:
            self._size += 1
            if word.pattern is None:
                self._take(word)
            elif len(self._expressions) < MOST_EXPRESSIONS:
                self._expressions.append((word, _expression(word)))
            else:
                raise Refusal(BAD_FRAME, f"a list has at most {MOST_EXPRESSIONS} regular expressions")

    def finish(self) -> Iterator[List | None]:
        """The list comes last, None before that."""
        within: list[_Automaton] = []
        foreign: list[_Automaton] = []
        for kept, words in ((within, self._within), (foreign, self._foreign)):
            shorts = list(words)
            for begin in range(0, len(shorts), _PART):
                part = shorts[begin : begin + _PART]
                automaton = AhoCorasick(part, store_patterns=False)
                kept.append((automaton, [words[short] for short in part]))
                yield None
        together = _together(self._expressions)
        yield List(self._size, self._words, within, foreign, self._expressions, together)

    def _take(self, word: Word) -> None:
        entry = word.entry
        if entry.isascii() and entry.isalpha():  # most entries are such, or free characters alone
            kept, short = self._words, shortened(entry.lower())
        elif (free := free_alone(entry)) is not None:
            kept, short = self._foreign, shortened(free)
        else:
            kept, short = self._sorted(_Pattern.of(word))
        kept.setdefault(short, []).append(word)

    def _sorted(self, pattern: _Pattern) -> tuple[dict[str, list[Word]], str]:
        """Where it belongs, and as what."""
        short = shortened(pattern.plain)
        alone = short.strip(" ")
        if " " not in alone and not (pattern.open_begin or pattern.open_end):
            return self._words, alone
        return self._within if short.isascii() else self._foreign, short


def made(words: Iterable[Word]) -> List:
    """All at once: for short lists. Raises `bad_frame` naming an entry that cannot be looked for."""
    making = Making()
    making.add(words)
    *_, whole = making.finish()
    return whole or NO_WORDS


def look(text: str, lists: Sequence[List]) -> Found:
    """The strictest action of all entries found, and the text with what is to be masked."""
    lists = [one for one in lists if one.size]
    if not lists:
        return Found(text=text)
    said = plain_words(text)
    if said is not None and all(one.passes(text, said) for one in lists):
        return Found(text=text)
    read = list(readings(text))
    action: Action | None = None
    entry = ""
    masked: list[tuple[int, int]] = []
    for one in lists:
        for word, places in one.hits(text, read):
            if action is None or _STRICTNESS[word.action] > _STRICTNESS[action]:
                action, entry = word.action, word.entry
            if word.action == "mask":
                masked += places
    return Found(action, entry, _masked(text, masked))


def _fitting(text: str, reading: Reading, places: list[_Place]) -> Iterator[Hit]:
    traced = cells(text, reading)
    for words, begin, end in places:
        for pattern in map(_Pattern.of, words):
            if pattern.fits(traced[begin:end]):
                inner = traced[begin + (not pattern.open_begin) : end - (not pattern.open_end)]
                yield Hit(pattern.word, [(inner[0].begin, inner[-1].end)])


def _expression(word: Word) -> re2._Regexp:
    options = _options(_EXPRESSION_BYTES)
    try:
        expression = re2.compile(word.pattern, options)
    except re2.error as error:
        raise Refusal(BAD_FRAME, f"the entry {word.entry!r}: {_said(error)}") from None
    if expression.search("") is not None:
        raise Refusal(BAD_FRAME, f"the entry {word.entry!r} fits everything")
    return expression


def _together(expressions: list[tuple[Word, re2._Regexp]]) -> re2.Set | None:
    if not expressions:
        return None
    together = re2.Set.SearchSet(_options(_EXPRESSIONS_BYTES))
    for word, _ in expressions:
        together.Add(word.pattern)
    together.Compile()
    return together


def _options(most_bytes: int) -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = most_bytes
    return options


def _said(error: Exception) -> str:
    (said,) = error.args
    return said.decode() if isinstance(said, bytes) else str(said)


def _masked(text: str, places: list[tuple[int, int]]) -> str:
    if not places:
        return text
    characters = list(text)
    for begin, end in places:
        characters[begin:end] = [one if one.isspace() else "*" for one in characters[begin:end]]
    return "".join(characters)
