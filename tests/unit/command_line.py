"""The command line in this process, and a service that says what a test wants it to."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner, Result

from danmaku.caller import Caller
from danmaku.cli import app
from danmaku.data_folder import DataFolder

Asked = tuple[str, str, Any]  # method, path and body


def run(*words: str, environ: dict[str, str] | None = None) -> Result:
    """As in a shell that knows nothing of a service but what `environ` says."""
    clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("DANMAKU_")}
    return CliRunner().invoke(app, words, env={**clean, "NO_COLOR": "1", "COLUMNS": "200", **(environ or {})})


def _nothing(*asked: Any) -> NoReturn:
    raise AssertionError(asked)


class Desk:
    """Where somebody gives commands who may do everything."""

    def __init__(self, folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer: Callable[[str, str, Any], Any] = _nothing
        self.asked: list[Asked] = []
        self._there = ("--data", str(folder.path), "--url", "http://127.0.0.1:1")
        monkeypatch.setattr(Caller, "call", self._call)

    def run(self, *words: str, environ: dict[str, str] | None = None) -> Result:
        return run(*words, *self._there, environ=environ)

    def told(self, *words: str) -> str:
        """What is printed where all goes well."""
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        return done.stdout

    def _call(self, method: str, path: str, body: Any = None, timeout_s: float | None = None) -> Any:
        self.asked.append((method, path, body))
        return self.answer(method, path, body)
