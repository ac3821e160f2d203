"""`danmaku status`: what of a service runs, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Column, Table

from danmaku.cli_output import table
from danmaku.printable import printable


def tables(fleet: Any) -> Iterator[Table | str]:
    """What the answer of `GET /v1/fleet` says, for people."""
    edges = table("edge", "address", "region", Column("connections", justify="right"), "version", "")
    for one in fleet["edges"]:
        state = "draining" if one["draining"] else ""
        taken = (
            f"{one['connections']} of {one['capacity']}" if one.get("capacity") else f"{one['connections']}"
        )
        words = one["edge"], " ".join(one["addresses"]), one.get("region", ""), taken, one["version"], state
        edges.add_row(*map(printable, words))
    yield edges
    rooms = table("rooms process", Column("partitions", justify="right"), "version", "")
    for one in fleet["rooms"]:
        state = "leaving" if one["leaving"] else ""
        rooms.add_row(*map(printable, (one["process"], str(one["partitions"]), one["version"], state)))
    yield rooms
    if fleet["unowned"]:
        yield f"{fleet['unowned']} partitions of rooms have no owner at the moment"
    versions = {one["version"] for one in (*fleet["edges"], *fleet["rooms"])}
    if len(versions) > 1:
        yield f"{len(versions)} versions run side by side: finish the upgrade"
