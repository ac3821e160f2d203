from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from config.settings import Auth, Settings
from danmaku.data_folder import DataFolder, FolderError


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "deep" / "data")
    made.make()
    return made


def test_it_is_for_its_owner_alone(folder: DataFolder) -> None:
    assert _mode(folder.path) == 0o700
    assert _mode(folder.ensure_secret()) == 0o600
    assert folder.readable_by_others() == []
    folder.secret.chmod(0o640)
    assert folder.readable_by_others() == [folder.secret]


def test_making_it_twice_changes_nothing(folder: DataFolder) -> None:
    folder.make()
    assert _mode(folder.path) == 0o700


def test_the_secret_is_made_once(folder: DataFolder) -> None:
    secret = folder.ensure_secret().read_text()
    assert len(secret.strip()) >= 32
    assert folder.ensure_secret().read_text() == secret
    assert [path.name for path in folder.path.iterdir()] == ["secret"]


def test_an_unfinished_secret_is_made_anew(folder: DataFolder) -> None:
    folder.secret.with_suffix(".new").write_text("half")
    assert len(folder.ensure_secret().read_text().strip()) >= 32


def test_an_empty_secret_is_refused(folder: DataFolder) -> None:
    folder.secret.write_text("\n")
    with pytest.raises(FolderError, match="is empty"):
        folder.ensure_secret()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot make the data folder"):
        DataFolder(tmp_path / "file").make()


def test_two_cannot_run_on_it(folder: DataFolder) -> None:
    try_it = (
        "import sys; from pathlib import Path; from danmaku.data_folder import *\n"
        "try:\n with DataFolder(Path(sys.argv[1])).locked(): print('mine')\n"
        "except FolderError as error: print(error)"
    )

    def other() -> str:
        argv = [sys.executable, "-c", try_it, str(folder.path)]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    with folder.locked():
        assert f"already runs on the data folder {folder.path} (pid {os.getpid()})" in other()
    assert other() == "mine\n"


def test_the_folders_secret_signs_unless_there_is_another(folder: DataFolder) -> None:
    assert folder.with_secret(Settings()).auth.secret_file == str(folder.secret)
    for auth in (Auth(secret="s"), Auth(secret_file="f"), Auth(algorithm="EdDSA", public_key_file="p")):
        settings = msgspec.structs.replace(Settings(), auth=auth)
        assert folder.with_secret(settings) == settings


def test_the_metrics_of_an_earlier_run_are_gone(folder: DataFolder) -> None:
    (folder.fresh_metrics() / "counter_1.db").touch()
    assert list(folder.fresh_metrics().iterdir()) == []


def test_it_tells_where_the_service_is_while_it_runs(folder: DataFolder) -> None:
    assert folder.url() is None
    with folder.serving("http://127.0.0.1:9000"):
        assert folder.url() == "http://127.0.0.1:9000"
    assert folder.url() is None


def test_what_a_killed_service_left_behind_is_no_address(folder: DataFolder) -> None:
    serve = (
        "import os, sys; from pathlib import Path; from danmaku.data_folder import *\n"
        "with DataFolder(Path(sys.argv[1])).serving('http://127.0.0.1:9000'): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", serve, str(folder.path)], check=False)
    assert (folder.path / "url").read_text() == "http://127.0.0.1:9000\n"
    assert folder.url() is None
    with folder.serving("http://127.0.0.1:9001"):
        assert folder.url() == "http://127.0.0.1:9001"
