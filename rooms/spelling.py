"""How a text is read when words are looked for in it, whatever it is written with. Pure.

Why it is hard: whoever wants to say a word spells around it (cr4p, c.r.a.p, c r a p, craaaap, with letters
that only look the same), and innocent words must not be found all the same. So a text has several readings,
of which most have one only, and each of them is a row of simple steps that keep words apart. The quick way
yields the reading alone; the slow way, which is taken when a word was found, takes the same steps and notes
where each character came from.

In a reading words stand between single spaces. Characters of scripts that are written without spaces
(Han, kana, Hangul, Thai, emoji …) are "free": they stand together, apart from words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from opencc import OpenCC

_FREE: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2190-\u2bff\u2e80-\U0010ffff"
_SIGNS: Final = "@$!|+€"  # which also stand for letters
_NONE: Final = f" .,{_SIGNS}"
_ANY: Final = "[^ .,]"

# Letters that look like Latin ones and that compatibility forms do not tell of.
_ALIKE: Final = dict(
    zip(
        "авгдезіїјкмнопрсѕтухѵԁԛԝһӏցѡьα" "βγδεηικμνορτυχωѐэ" "ıłøđħŧſƒɑɡɩʀɪɴʏʟᴀʙᴄᴅᴇꜰɢʜᴊᴋᴍᴏᴘꜱᴛᴜᴠᴡᴢ",
        "abrge3iijkmhonpcstyxvdqwhlgwba" "bydenikuvoptuxwee" "ilodhtsfagirinylabcdefghjkmopstuvwz",
        strict=True,
    )
)  # fmt: skip
_OUTLINES: Final = (0x1F150, 0x1F170, 0x1F1E6)  # A to Z in discs, in boxes, as halves of flags
_SENTENCE: Final = frozenset(",;:?…、。，；：？！")
# Accents, points of Hebrew and Arabic, variation selectors; other marks make other letters.
_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef\u115f\u1160\u3164\uffa0\u2800]"
)
_SIMPLIFY: Final[Callable[[str], str]] = OpenCC("t2s").convert
_MOST_FOLDED: Final = 200_000


class Folding(dict[int, str]):
    """What each character is read as; learnt as they come, and remembered of at most `most`."""

    def __init__(self, most: int) -> None:
        self._most = most

    def __missing__(self, point: int) -> str:
        folded = _fold(chr(point))
        if len(self) < self._most:
            self[point] = folded
        return folded


def _fold(character: str) -> str:
    for first in _OUTLINES:
        if first <= ord(character) < first + 26:
            return chr(ord("a") + ord(character) - first)
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold()))
    folded = "".join(map(_fold_plain, unicodedata.normalize("NFC", plain)))
    return folded.strip(" .,") or folded[:1]  # a letter in brackets that are one character with it


def _fold_plain(plain: str) -> str:
    if plain in _ALIKE:
        return _ALIKE[plain]
    if plain in _SIGNS:
        return plain
    if plain.isspace():
        return " "
    category = unicodedata.category(plain)
    if category == "Nd":
        return str(unicodedata.digit(plain))
    if category[0] in "CM" and category not in ("Mn", "Mc", "Co", "Cn"):
        return ""
    if plain in _SENTENCE:
        return ","
    if category[0] in "LMN":
        return _SIMPLIFY(plain)
    return plain if re.match(f"[{_FREE}]", plain) and category == "So" else "."


_FOLDING: Final = Folding(_MOST_FOLDED)
for _point in range(128):  # so that an ASCII text is folded at C speed
    _ = _FOLDING[_point]

_APART: Final = str.maketrans(dict.fromkeys(_NONE, " "))

_IS_FREE: Final = re.compile(f"[{_FREE}]")
_ALL_FREE: Final = re.compile(f"[{_FREE}]+")
_EMOJI: Final = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
_FREE_EDGE: Final = re.compile(f"(?<=[{_FREE}])(?=[^ {_FREE}])|(?<=[^ {_FREE}])(?=[{_FREE}])")
_SPELLED: Final = f"(?<!{_ANY}{_ANY})(?<={_ANY})[ .,]{{1,3}}(?={_ANY}(?![^ .,!]))"
_SPELLED_OUT: Final = re.compile(_SPELLED)
_SPELLED_AFTER_A_WORD: Final = re.compile(f"(?<![ .,][ai])(?<!^[ai]){_SPELLED}")
_WITHIN: Final = re.compile(rf"(?<={_ANY})\.+(?={_ANY})")
_WITH_SIGNS: Final = re.compile(f"(?<![a-z0-9{_SIGNS}])[a-z]*[0-9{_SIGNS}][a-z0-9{_SIGNS}]*")
_DIGITS: Final = re.compile("[0-9!|+]")
_RUN: Final = re.compile(r"(.)\1*", re.DOTALL)
_REPEATED: Final = re.compile(r"(.)(?=\1)", re.DOTALL)

# What tells, at little cost, that a text may have a reading of that kind.
_IS_WORDS: Final = re.compile("[A-Za-z ]*")
_MAY_BE_SPELLED: Final = re.compile(f"[ .,]{_ANY}[ .,]{{1,3}}{_ANY}(?![^ .,!])")
_MAY_BE_CUT: Final = re.compile(rf"{_ANY}\.+{_ANY}")
_SIGN: Final = re.compile(f"[0-9{_SIGNS}]")
_MAY_BE_SIGNS: Final = re.compile(f"[a-z@$€][0-9@$|€]|[0-9{_SIGNS}][a-z@$€]")

Replacement = str | Callable[[re.Match[str]], str]
Step = tuple[re.Pattern[str], Replacement]


def _meaning(one: str) -> Step:
    """Words with digits and signs as the letters they stand for, where "1" is like `one`.

    "a55" is a thing's name and "455" a number: with less than two letters, digits are what they are.
    """
    signs = str.maketrans("@$!|+€", f"as{one}{one}te")
    letters = signs | str.maketrans("0134578", f"o{one}eastb")

    def meant(found: re.Match[str]) -> str:
        word = found[0]
        core = word.rstrip("!|+")
        is_word = len(_DIGITS.sub("", core)) >= 2
        return core.translate(letters if is_word else signs) + word[len(core) :]

    return _WITH_SIGNS, meant


_DOTTED: Final[Step] = (_EMOJI, ".")
_SPELLINGS: Final[tuple[tuple[Step, ...], ...]] = (
    (_DOTTED, (_SPELLED_OUT, "")),
    (_DOTTED, (_SPELLED_AFTER_A_WORD, "")),
)
_IN_ONE: Final[tuple[Step, ...]] = (_DOTTED, (_WITHIN, ""))
_MEANT_I: Final = _meaning("i")
_MEANT_L: Final = _meaning("l")
_LAST: Final[tuple[Step, ...]] = ((re.compile(f"[{_NONE}]"), " "), (_FREE_EDGE, " "))


class Reading(NamedTuple):
    """plain: words between single spaces, one at each end. short: without repeats of a character.

    steps: how it came from the folded text.
    """

    plain: str
    short: str
    steps: tuple[Step, ...]


class Cell(NamedTuple):
    """One character of `Reading.short`: how often it is repeated, and what part of the text it stands for."""

    times: int
    begin: int
    end: int


def readings(text: str) -> Iterator[Reading]:
    """How `text` may be meant: as it is written first, which is all for most texts."""
    folded = text.translate(_FOLDING)
    seen = set()
    for read, steps in _ways(folded):
        plain = _ended(read)
        if plain not in seen:
            seen.add(plain)
            yield Reading(plain, shortened(plain), steps)


def plain_words(text: str) -> list[str] | None:
    """The words of a text, without repeats of a character, where it is but words of letters.

    Nobody can mean them otherwise, and so are most comments. None for all other texts.
    """
    if _IS_WORDS.fullmatch(text) is None or _MAY_BE_SPELLED.search(f" {text}"):
        return None
    return shortened(text.lower()).split(" ")


def plainly(text: str) -> str:
    """The first reading, without the spaces at its ends. To do it twice changes nothing."""
    return " ".join(_ended(text.translate(_FOLDING)).split())


def free_alone(text: str) -> str | None:
    """The first reading of what is but free characters; None of all else."""
    folded = text.translate(_FOLDING)
    return folded if _ALL_FREE.fullmatch(folded) else None


def shortened(plain: str) -> str:
    """Without repeats of a character."""
    return _REPEATED.sub("", plain)


def runs(plain: str) -> list[tuple[str, int]]:
    """Each character and how often it is repeated."""
    return [(run[1], run.end() - run.start()) for run in _RUN.finditer(plain)]


def cells(text: str, reading: Reading) -> list[Cell]:
    """Where each character of `reading.short`, one of the `text`'s, came from."""
    folds = [_FOLDING[ord(character)] for character in text]
    spans = [(at, at + 1) for at, folded in enumerate(folds) for _ in folded]
    traced = "".join(folds)
    for pattern, replacement in (*reading.steps, *_LAST):
        traced, spans = _traced(pattern, replacement, traced, spans)
    spans = [(0, 0), *spans, (len(text), len(text))]
    found = _RUN.finditer(f" {traced} ")
    return [Cell(run.end() - run.start(), spans[run.start()][0], spans[run.end() - 1][1]) for run in found]


def _ways(folded: str) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """What each row of steps makes of it."""
    with_signs = _SIGN.search(folded) is not None
    for joined, steps in _joined(folded):
        yield joined, steps
        if with_signs and _MAY_BE_SIGNS.search(joined):
            yield _taken(joined, (_MEANT_I,)), (*steps, _MEANT_I)
            if any(sign in joined for sign in "1!|"):
                yield _taken(joined, (_MEANT_L,)), (*steps, _MEANT_L)


def _joined(folded: str) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """What stands apart, together: what dots or emoji are in, and single letters."""
    yield folded, ()
    dotted = folded
    if "." in folded or not folded.isascii():
        dotted = _EMOJI.sub(".", folded)
        if _MAY_BE_CUT.search(dotted):
            yield _taken(folded, _IN_ONE), _IN_ONE
    if _MAY_BE_SPELLED.search(f" {dotted}"):
        for steps in _SPELLINGS:
            yield _taken(folded, steps), steps


def _taken(text: str, steps: tuple[Step, ...]) -> str:
    for pattern, replacement in steps:
        text = pattern.sub(replacement, text)
    return text


def _ended(text: str) -> str:
    """As the last steps would, and a space at each end."""
    text = text.translate(_APART)
    return f" {text} " if text.isascii() else f" {_FREE_EDGE.sub(' ', text)} "


def _traced(
    pattern: re.Pattern[str], replacement: Replacement, text: str, spans: list[tuple[int, int]]
) -> tuple[str, list[tuple[int, int]]]:
    """`pattern.sub(replacement, text)`, and the part of the first text for each character.

    What is replaced by as many characters is replaced one by one.
    """
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    last = 0
    for found in pattern.finditer(text):
        begin, end = found.span()
        new = replacement if isinstance(replacement, str) else replacement(found)
        pieces += (text[last:begin], new)
        places += spans[last:begin]
        if len(new) == end - begin:
            places += spans[begin:end]
        else:
            at = spans[begin][0] if begin < len(spans) else spans[-1][1]
            places += [(at, at)] * len(new)
        last = end
    return "".join((*pieces, text[last:])), places + spans[last:]


def is_free(character: str) -> bool:
    """Whether it is of a script without spaces between words."""
    return _IS_FREE.match(character) is not None
