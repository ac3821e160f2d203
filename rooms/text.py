"""What people type, made fit to be shown in one line. Pure.

NFC and not NFKC: full-width signs are what many of our writers mean. Joiners stay, emoji and several
scripts need them; what turns the direction of the text around it goes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# The ends of a line and tabs part words; all else that is no character of a text is dropped: controls,
# zero-width spaces, marks and overrides of direction, halves of surrogate pairs.
_BREAKS: Final = re.compile("[\t-\r\x1c-\x1e\x85\u2028\u2029]")
_DROPPED: Final = re.compile(
    "[\0-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters that look like nothing


def clean(text: str) -> str:
    """Without control characters and surrounding blanks; line breaks become spaces. May be empty."""
    if not text.isprintable():  # which no break is, and nothing that is dropped
        text = _DROPPED.sub("", _BREAKS.sub(" ", text))
    if text.isascii():
        return text.strip()
    text = unicodedata.normalize("NFC", text).strip()
    return text if any(map(_is_visible, text)) else ""


def alike(text: str) -> str:
    """The same for texts that differ in case and blanks only."""
    if text.isprintable():  # then its only blanks are spaces
        return text.replace(" ", "").casefold()
    return "".join(text.split()).casefold()


def _is_visible(character: str) -> bool:
    return character.isprintable() and not character.isspace() and character not in _BLANK
