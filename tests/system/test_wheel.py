"""A wheel holds everything: installed elsewhere it serves, without the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen
from zipfile import ZipFile

import pytest

from tests.system.deployment import Deployment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    [built] = folder.glob("danmaku-*.whl")
    return built


def test_it_holds_all_that_is_not_python(wheel: Path) -> None:
    inside = set(ZipFile(wheel).namelist())
    for folder, ending in (
        ("danmaku", "*.lua"),
        ("edge/pages", "*"),
        ("config", "*.toml"),
        ("danmaku", "py.typed"),
    ):
        files = [
            file
            for file in (ROOT / folder).rglob(ending)
            if file.is_file() and "node_modules" not in file.parts
        ]
        assert files
        assert {file.relative_to(ROOT).as_posix() for file in files} <= inside
    assert not [name for name in inside if name.startswith("tests/")]


def test_it_serves_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    ZipFile(wheel).extractall(site)
    where = subprocess.run(
        [sys.executable, "-c", "import danmaku, edge; print(danmaku.__path__[0], edge.__path__[0])"],
        env={"PYTHONPATH": str(site)}, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert where.stdout.split() == [str(site / "danmaku"), str(site / "edge")]
    service = Deployment(tmp_path, PYTHONPATH=str(site))
    try:
        service.start()
        with urlopen(service.url + "/", timeout=10) as page:  # noqa: S310  our own http
            assert b"<title>" in page.read()
        service.post("lobby", "hello", service.token("ann", "streamer"))
        assert service.stop() == 0
    finally:
        service.kill()
