"""What `danmaku status` makes of an answer."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from danmaku.cli_status import tables


def told(fleet: Any) -> str:
    text = StringIO()
    console = Console(file=text, width=120)
    for one in tables(fleet):
        console.print(one)
    return text.getvalue()


def fleet(
    *,
    draining: bool = False,
    leaving: bool = False,
    unowned: int = 0,
    version: str = "1.1",
    adjusted: int = 41,
) -> Any:
    edge = {
        "edge": "e1",
        "addresses": ["wss://a"],
        "connections": 7,
        "draining": draining,
        "version": version,
        "region": "eu",
        "weight": 1.0,
        "capacity": 500,
        "adjusted": 41,
    }
    rooms = {"process": "r1", "partitions": 64, "leaving": leaving, "version": "1.1", "adjusted": adjusted}
    return {"edges": [edge], "rooms": [rooms], "unowned": unowned}


def test_where_all_is_well_nothing_is_warned_of() -> None:
    text = told(fleet())
    for word in ("e1", "wss://a", "eu", "7 of 500", "r1", "64", "1.1", "41"):
        assert word in text
    for word in ("draining", "leaving", "no owner", "side by side", "same version of settings"):
        assert word not in text


def test_what_is_going_on_is_told() -> None:
    text = told(fleet(draining=True, leaving=True, unowned=3, version="1.2", adjusted=42))
    for word in (
        "draining",
        "leaving",
        "3 partitions of rooms have no owner",
        "2 versions run side by side",
        "not all go by the same version of settings",
    ):
        assert word in text
