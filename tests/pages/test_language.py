"""Every text of the pages is there in each language, and every one that is asked for exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from danmaku.errors import REFUSALS
from edge.api.pages import FOLDER
from tests.pages.node import run

FOLDERS = sorted(file.parent.name for file in FOLDER.glob("*/words.en.js"))
SPOKEN = re.compile(r'\bt\(\s*(?:[^()"`]*\?\s*)?"([\w.]+)"(?:\s*:\s*"([\w.]+)")?')
NAMED = re.compile(r'data-t(?:-\w+)?="([\w.]+)"')
BLANK = re.compile(r"\{(\w+)\}")
STAFF = {"console", "shared", "studio"}  # what these say besides is in a file of its own


def words(folder: str, language: str, of: str = "words") -> dict[str, Any]:
    file = FOLDER / folder / f"{of}.{language}.js"
    program = f"import words from {json.dumps(file.as_uri())}; console.log(JSON.stringify(words))"
    found: dict[str, Any] = json.loads(run("node", "--input-type=module", "-e", program))
    return found


def known(folder: str, language: str) -> dict[str, Any]:
    """All that a page can say."""
    staff = words("shared", language, "staff") if folder in STAFF else {}
    return words("shared", language) | staff | words(folder, language)


def files(folder: str, ending: str) -> list[Path]:
    found = (FOLDER / folder).glob(f"*{ending}")
    return [file for file in found if not file.name.startswith(("words.", "staff."))]


def spoken(folder: str) -> set[str]:
    """Keys that the modules of a folder name; what they put together is not seen."""
    found = {
        key for file in files(folder, ".js") for pair in SPOKEN.findall(file.read_text()) for key in pair
    }
    return found - {""}


def named(folder: str) -> set[str]:
    found = [*files(folder, ".html"), *files(folder, ".part")]
    return {key for file in found for key in NAMED.findall(file.read_text())}


def blanks(text: Any) -> set[str]:
    return set(BLANK.findall(text if isinstance(text, str) else text["other"]))


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_text_is_there_in_each_language(folder: str) -> None:
    english, chinese = known(folder, "en"), known(folder, "zh-CN")
    assert english.keys() <= chinese.keys()
    assert spoken(folder) <= english.keys()
    assert named(folder) <= chinese.keys()
    for key, text in english.items():
        assert blanks(text) == blanks(chinese[key]), key
    own = words(folder, "zh-CN").keys()
    unused = {key for key in own - english.keys() - named(folder) if not key.startswith("refusal.")}
    assert folder == "shared" or unused == set()


def test_every_refusal_is_told_by_its_name() -> None:
    said = [key for folder in FOLDERS for key in words(folder, "zh-CN")]
    told = {name for kind, _, name in (key.partition(".") for key in said) if kind in ("refusal", "notice")}
    assert set(REFUSALS) <= told
