"""Calls of the store, and the scripts among them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

Word = bytes | str | int
Call = tuple[Word, ...]

_LUA: Final = Path(__file__).parent.parent / "lua"
_INCLUDE: Final = re.compile(rb"^-- include (\w+)$", re.MULTILINE)


class Scripts:
    """The verbs in `store/lua/`, one file each, called by their digest.

    A file with an underscore is no verb: it stands in place of the line `-- include <its name>`.
    """

    def __init__(self) -> None:
        files = {file.stem: file.read_bytes() for file in sorted(_LUA.glob("*.lua"))}
        self._texts = {
            verb: _INCLUDE.sub(lambda found: files[found[1].decode()], text)
            for verb, text in files.items()
            if not verb.startswith("_")
        }
        self._digests = {
            # SHA-1 is what EVALSHA wants; nothing secret hangs on it.
            verb: hashlib.sha1(text, usedforsecurity=False).hexdigest()
            for verb, text in self._texts.items()
        }

    def name(self, call: Call) -> str:
        """What a call is called in the log: its verb, or its command."""
        if call[0] != "EVALSHA":
            return str(call[0])
        return next((verb for verb, digest in self._digests.items() if digest == call[1]), "EVALSHA")

    def call(self, verb: str, keys: Sequence[str], *words: Word) -> Call:
        return ("EVALSHA", self._digests[verb], len(keys), *keys, *words)

    def load(self) -> list[Call]:
        return [("SCRIPT", "LOAD", text) for text in self._texts.values()]
