"""`danmaku status`: what of a service runs, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.table import Column, Table

from danmaku.cli_output import table
from danmaku.printable import printable

_SETTINGS: Final = Column("settings", justify="right")


def tables(fleet: Any) -> Iterator[Table | str]:
    """What the answer of `GET /v1/fleet` says, for people."""
    edges = table(
        "edge", "address", "region", Column("connections", justify="right"), "version", _SETTINGS, ""
    )
    for one in fleet["edges"]:
        state = "draining" if one["draining"] else ""
        taken = (
            f"{one['connections']} of {one['capacity']}" if one.get("capacity") else f"{one['connections']}"
        )
        words = (
            one["edge"],
            " ".join(one["addresses"]),
            one.get("region", ""),
            taken,
            one["version"],
            _adjusted(one),
            state,
        )
        edges.add_row(*map(printable, words))
    yield edges
    rooms = table("rooms process", Column("partitions", justify="right"), "version", _SETTINGS, "")
    for one in fleet["rooms"]:
        state = "leaving" if one["leaving"] else ""
        rooms.add_row(
            *map(printable, (one["process"], str(one["partitions"]), one["version"], _adjusted(one), state))
        )
    yield rooms
    if fleet["unowned"]:
        yield f"{fleet['unowned']} partitions of rooms have no owner at the moment"
    every = *fleet["edges"], *fleet["rooms"]
    if len({_adjusted(one) for one in every}) > 1:
        yield "not all go by the same version of settings yet: `danmaku config history`"
    versions = {one["version"] for one in every}
    if len(versions) > 1:
        yield f"{len(versions)} versions run side by side: finish the upgrade"


def _adjusted(one: Any) -> str:
    """The version of settings that a process goes by; a service of a version before does not tell."""
    return str(one.get("adjusted", 0))
