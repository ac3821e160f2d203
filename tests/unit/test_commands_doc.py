"""Each command that the docs show is one: its words and options are taken as they stand there."""

from __future__ import annotations

import re
import shlex
import tomllib
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
_INSTALLED: Final = re.compile(
    r"\b(?:(?:pipx?|pip3|npm|pnpm|yarn|uv)(?: tool| pip)? (?:install|i|add)|npx|uvx) ([^`()&|;\n]*)"
)
_FILE: Final = re.compile(r"danmaku(?:-client)?-(\d[\w.]*?)(?:-py3-none-any\.whl|\.tgz)")
_FOLDERS: Final = ("config", "danmaku", "docs", "edge", "loadtest", "rooms")
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


def written() -> Iterator[tuple[Path, str]]:
    """All that people may read of us, tests left out: each file with its text."""
    below = (file for folder in _FOLDERS for file in (ROOT / folder).rglob("*"))
    for file in sorted({*ROOT.glob("*.md"), ROOT / "Makefile", *below, *PAGES}):
        if file.is_file() and file.suffix != ".png" and file.parent.name != "__pycache__":
            yield file, file.read_text(encoding="utf-8").replace("\\\n", " ")


def strangers(text: str) -> list[str]:
    """What of ours is to be installed by a name."""
    words = (word.strip("'\"") for line in _INSTALLED.findall(text) for word in line.split())
    ours = [word for word in words if re.match(r"@?danmaku", word)]
    return [name for name in ours if not re.search(r"\.(whl(\[\w+\])?|tgz)$", name)]


def test_nothing_of_ours_is_installed_by_a_name_that_strangers_may_take() -> None:
    """It is neither on PyPI nor on npm: only files are named, and the checkout."""
    texts = dict(written())
    assert {
        ROOT / "CHANGELOG.md",
        ROOT / "edge/pages/sdk/README.md",
        ROOT / "Makefile",
        *PAGES,
    } <= texts.keys()
    assert {str(file): found for file, text in texts.items() if (found := strangers(text))} == {}
    for command in ("pip install -U danmaku", "npm i danmaku-client", "uv tool install 'danmaku[tracing]'"):
        assert strangers(f"by `{command}`, or"), command


def test_files_of_ours_are_named_by_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {(file.name, found) for file, text in written() for found in _FILE.findall(text)}
    assert {name for name, _ in named} >= {"OPERATIONS.md", "SDK.md", "danmaku.service"}
    assert {number for _, number in named} == {project["version"]}


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
