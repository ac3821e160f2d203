from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Review, Settings
from danmaku.login import LoginError
from rooms.__main__ import _with_secret


def settings(file: str) -> Settings:
    return Settings(review=Review(url="http://hook", secret_file=file))


def test_the_secret_of_the_webhook_may_stand_in_a_file(tmp_path: Path) -> None:
    assert _with_secret(Settings()) == Settings()
    file = tmp_path / "secret"
    file.write_text("shared\n")
    assert _with_secret(settings(str(file))).review.secret == "shared"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_a_file_without_a_secret_is_told(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(LoginError, match=r"review\.secret_file"):
        _with_secret(settings(str(file)))
