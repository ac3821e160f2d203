"""What lines of the log look like."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import CollectorRegistry

from config.settings import Log
from danmaku.logs import configure_logging, get_logger
from danmaku.slow import Slow
from danmaku.telemetry import SlowMetrics


@pytest.fixture(autouse=True)
def _same_logging_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, structured = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**structured)


def test_logs_are_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="json"), "edge-1")
    get_logger("danmaku.test").info("it went well", room="lobby", n=3)
    logging.getLogger("a.library").warning("old %s", "style")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first.pop("timestamp")
    assert first == {
        "message": "it went well",
        "level": "info",
        "logger": "danmaku.test",
        "process": "edge-1",
        "room": "lobby",
        "n": 3,
    }
    assert (second["message"], second["level"], second["process"]) == ("old style", "warning", "edge-1")


def test_text_lines_are_plain_where_nobody_looks_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(), "rooms")
    get_logger("danmaku.test").warning("it went well", room="lobby")
    line = capsys.readouterr().err
    assert "it went well" in line
    assert "room=lobby process=rooms" in line
    assert "\x1b" not in line


def test_the_level_is_a_floor(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(level="warning"), "edge")
    get_logger("danmaku.test").info("hidden")
    logging.getLogger("a.library").info("hidden")
    get_logger("danmaku.test").error("shown")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_is_slow_is_a_line_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    slow = Slow(1, SlowMetrics(CollectorRegistry()))
    configure_logging(Log(format="json"), "rooms")
    slow.took("store", 1.0, verb="XADD")
    line = capsys.readouterr()
    said = json.loads(line.err)
    assert (line.out, said["message"], said["process"], said["verb"]) == ("", "slow", "rooms", "XADD")
    configure_logging(Log(level="error"), "rooms")
    slow.took("bus", 1.0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_does_not_show_values(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="json" if form == "json" else "text"), "edge")
    password = "hunter" + str(2)

    def fail(_: str) -> None:
        raise RuntimeError("broken")

    try:
        fail(password)
    except RuntimeError:
        get_logger("danmaku.test").exception("it failed")
    said = capsys.readouterr().err
    assert "RuntimeError: broken" in said
    assert password not in said
