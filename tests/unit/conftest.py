from __future__ import annotations

from pathlib import Path

import pytest

from danmaku.data_folder import DataFolder
from tests.unit.command_line import Desk


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """Of a deployment that has its secret."""
    made = DataFolder(tmp_path / "data")
    made.make()
    made.ensure_secret()
    return made


@pytest.fixture
def desk(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(folder, monkeypatch)
