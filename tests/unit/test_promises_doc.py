"""The documents that promise something name tests which exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("GUARANTEES.md", "SECURITY.md")


def _named(document: str) -> set[str]:
    return set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", (ROOT / "docs" / document).read_text()))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_named_test_is_there(document: str) -> None:
    named = _named(document)
    assert len(named) > 10
    for reference in named:
        file, _, name = reference.partition("::")
        tree = ast.parse((ROOT / file).read_text())
        functions = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert not name or name in functions, f"{document} names {reference}, which is not there"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_row_of_a_promise_names_one(document: str) -> None:
    heading = ""
    for line in (ROOT / "docs" / document).read_text().splitlines():
        if not line.startswith("|"):
            heading = ""
        elif not heading:
            heading = line
        elif heading.endswith("| tests |") and not line.startswith("|---"):
            assert re.search(r"`tests/|`danmaku load|the same", line), line
