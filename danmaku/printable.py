"""What users wrote, for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
