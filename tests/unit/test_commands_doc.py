"""Each command that the docs show is one: its words and options are taken as they stand there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from danmaku.cli import app

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INNER: Final = re.compile(r"\$\((danmaku .*?)\)")
_INSTALLED: Final = re.compile(r"(?:pip|npm) install ([^`()\n]*)")
_ENDS: Final = ("|", ">", "&&", "&", ";")  # where a shell goes on with something else


def commands(page: Path) -> Iterator[str]:
    for language, block in _BLOCK.findall(page.read_text()):
        if language not in ("", "sh"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            yield from _INNER.findall(line)
            if line.startswith("danmaku "):
                yield line


def parsed(words: list[str]) -> None:
    """Raises click's UsageError."""
    command: Any = get_command(app)
    name: str | None = "danmaku"
    while isinstance(command, TyperGroup):
        context = command.make_context(name, words)
        words = [*context._protected_args, *context.args]
        if not words and command.invoke_without_command:
            return
        name, command, words = command.resolve_command(context, words)
    command.make_context(name, words)


@pytest.mark.parametrize(("page", "line"), [(page.name, line) for page in PAGES for line in commands(page)])
def test_a_command_is_one(page: str, line: str) -> None:
    _, *words = shlex.split(line, comments=True)
    end = next((i for i, word in enumerate(words) if word in _ENDS), len(words))
    parsed(words[:end])


def test_nothing_of_ours_is_installed_by_a_name_that_strangers_may_take() -> None:
    """It is neither on PyPI nor on npm: only files are named, and the checkout."""
    config = [file for file in (ROOT / "config").rglob("*") if file.is_file() and file.suffix != ".pyc"]
    found: list[str] = []
    for file in (*PAGES, ROOT / "CHANGELOG.md", *(ROOT / "danmaku").rglob("*.py"), *config):
        for words in _INSTALLED.findall(file.read_text(encoding="utf-8")):
            named = [word.strip("'\"") for word in words.split() if "danmaku" in word]
            found += [name for name in named if not re.search(r"\.(whl(\[\w+\])?|tgz)$", name)]
    assert found == []


def test_an_example_in_python_runs_what_it_defines() -> None:
    blocks = [
        text for page in PAGES for language, text in _BLOCK.findall(page.read_text()) if language[:2] == "py"
    ]
    assert [text for text in blocks if "async def main(" in text and "asyncio.run(main(" not in text] == []


def test_the_chinese_page_leads_where_the_english_one_does() -> None:
    english, chinese = (set(re.findall(r"\]\((docs/\w+\.md)", page.read_text())) for page in PAGES[:2])
    assert chinese == english


def test_commands_are_found() -> None:
    found = {page.name: len([*commands(page)]) for page in PAGES}
    assert found["README.md"] >= 10
    assert found["README.zh-CN.md"] == found["README.md"]
    assert found["OPERATIONS.md"] >= 20
    assert found["MESSENGER.md"] >= 2
