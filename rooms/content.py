"""What is in a text: links, or emoji only. Pure.

Why links are hard: people leave out the blank after a full stop, and Chinese has none anyway, so "a.b" is
often two sentences. What counts is the top-level domain, by the public suffix list. Many of them are words,
abbreviations or file names as well: those count only where something else says that it is an address.
Each text is read in one pass, without a pattern that could go back, for its length is a user's to choose.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final

import emoji
from publicsuffixlist import PublicSuffixList

_SUFFIXES: Final = PublicSuffixList(accept_unknown=False)
_HINT: Final = re.compile("[.。．｡/／]")  # without it there is no link, and that is told soon
_SCHEME: Final = re.compile(r"[a-z0-9]://\w")
_HOST: Final = re.compile(r"(?:\w|[.-])+")
_PORT_OR_PATH: Final = re.compile(r"/|:\d")
_LATIN: Final = re.compile(r"[a-z0-9-]*")
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_STOPS: Final = str.maketrans({"｡": ".", "．": "."})
_FULL_STOP: Final = re.compile(r"(?<=[a-z0-9])。(?=[a-z0-9])")
# Top-level domains that are at least as often something else where people write in a hurry.
_WORDS: Final = """
    ad am an as at be by do in is it la ma me mo my no of or pm so st th to uk us app best black blue call
    care cash cat cool day deal diet dog earth eat fail fan fans film fish fit foo food football free fund
    game games gift give gold golf good green here home host hot house how ing joy kids kim kitchen land
    life like limited living lol love man map me meet meme men money moto movie name new news ninja now
    one open party pet photo pink pizza place play plus pub racing read red rest review rich rip rocks run
    sale save school search secure show singles ski soccer social song soy spot style sucks surf talk team
    tennis tips today tours town toys training trust tube vote watch weather wine winners work works world
    wow wtf yoga you zero zone md mov pl ps py rs sh zip
"""
_AMBIGUOUS: Final = frozenset(_WORDS.split())
_KNOWN: Final = 4096
_MARKS: Final = ("www",)  # a first label that says: this is an address


def has_link(text: str) -> bool:
    """Whether something in it would be taken for the address of a page."""
    if not _HINT.search(text):
        return False
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_STOPS)
    folded = _FULL_STOP.sub(".", folded)
    if _SCHEME.search(folded):
        return True
    return any(
        "." in host[0] and _is_address(host[0], bool(_PORT_OR_PATH.match(folded, host.end())))
        for host in _HOST.finditer(folded)
    )


def only_emoji(text: str) -> bool:
    """Whether there is nothing else in it but blanks."""
    return emoji.purely_emoji("".join(text.split()))


def _is_address(host: str, goes_on: bool) -> bool:
    """goes_on: a port or path follows."""
    if goes_on and _ADDRESS.fullmatch(host):
        return True
    labels = host.split(".")
    is_marked = goes_on or labels[0].endswith(_MARKS)
    return any(
        before and not before.endswith("-") and _is_top(label, is_marked=is_marked)
        for before, label in pairwise(labels)
    )


def _is_top(label: str, *, is_marked: bool) -> bool:
    """Whether it is a top-level domain; behind a Latin one a word in another script may follow at once."""
    latin = _LATIN.match(label)
    word = latin[0] if latin and latin[0] else label
    return (is_marked or word not in _AMBIGUOUS) and _is_suffix(word)


@lru_cache(_KNOWN)
def _is_suffix(word: str) -> bool:
    return _SUFFIXES.publicsuffix(word) is not None
