"""What the folders of pages may import: SDK and overlay only themselves, pages never one another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from edge.api.pages import FOLDER

ALONE: Final = {"sdk", "overlay"}
COMMON: Final = {"sdk", "overlay", "shared"}
IMPORT: Final = re.compile(
    r"""^(?:import|export)\b[^;"']*?from\s+["']([^"']+)["']|^import\s+["']([^"']+)["']""", re.M
)
FILES: Final = sorted(FOLDER.rglob("*.js"))


def imported(file: Path) -> list[str]:
    return [one or other for one, other in IMPORT.findall(file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(FOLDER).as_posix())
def test_a_file_imports_what_its_folder_may(file: Path) -> None:
    own = file.relative_to(FOLDER).parts[0]
    allowed = {own} if own in ALONE else COMMON | {own}
    for name in imported(file):
        assert name.startswith("."), f"{name} is not a file of ours"
        path = (file.parent / name).resolve()
        assert path.is_file(), name
        assert path.relative_to(FOLDER.resolve()).parts[0] in allowed, name


def test_imports_are_found() -> None:
    assert "./lanes.js" in imported(FOLDER / "overlay" / "stage.js")
    assert "../overlay/index.js" in imported(FOLDER / "obs" / "main.js")
