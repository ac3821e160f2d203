"""The options of all scenarios, each declared once: its type, its bounds, its help."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from danmaku import wire


class Subprotocol(StrEnum):
    MSGPACK = "msgpack"
    JSON = "json"

    @property
    def protocol(self) -> str:
        """As it is offered in the upgrade."""
        return wire.JSON_PROTOCOL if self is Subprotocol.JSON else wire.MSGPACK_PROTOCOL


Viewers = Annotated[int, typer.Option(min=1, help="Viewers, over all rooms.")]
Rate = Annotated[float, typer.Option(min=0.1, help="Comments per second, over all rooms.")]
Payload = Annotated[int, typer.Option(min=92, help="Bytes of a frame with one comment.")]
Seconds = Annotated[float, typer.Option(min=1, help="Length of one window.")]
Rounds = Annotated[int, typer.Option(min=1, help="Windows; figures are medians.")]
Idle = Annotated[float, typer.Option(min=0, help="Seconds to watch what quiet viewers cost.")]
Processes = Annotated[int, typer.Option(min=1, help="Client processes; more where sockets ask for it.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Edge workers of a service of our own.")]
Sub = Annotated[Subprotocol, typer.Option(help="How frames are written.")]
Deflate = Annotated[bool, typer.Option("--deflate", help="Ask for compressed batches.")]
Floor = Annotated[bool, typer.Option("--floor/--no-floor", help="Run a bare send(2) loop beside it.")]
Display = Annotated[int, typer.Option(min=1, help="Comments per second that a room of our own shows.")]
Window = Annotated[float, typer.Option("--window", min=1, help="Batching window of our own service, in ms.")]
Name = Annotated[str, typer.Option(help="Name of the room.")]
Rooms = Annotated[int, typer.Option(min=1, help="Rooms.")]
Senders = Annotated[int, typer.Option(min=1, help="Connections that send, over all rooms.")]
Text = Annotated[int, typer.Option(min=19, help="Letters of a comment.")]
Zipf = Annotated[float, typer.Option(min=0, max=5, help="How much the sizes of rooms differ; 0: not at all.")]


@dataclass(frozen=True, slots=True)
class Target:
    """On what the load is put."""

    url: Annotated[str, typer.Option(help="A running service, http://host:port. Empty: start one here.")] = ""
    token: Annotated[str, typer.Option(help="Token of the senders, with --url.")] = ""


@dataclass(frozen=True, slots=True)
class Output:
    """Where the figures go."""

    json_file: Annotated[
        str, typer.Option("--json", metavar="FILE", help="Write the figures here; - is stdout.")
    ] = ""
    report: Annotated[
        str, typer.Option(metavar="FILE", help="Write a page with plots here: one file, for any browser.")
    ] = ""
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but what went wrong.")] = False

    def check(self) -> None:
        """Raises ValueError where a file cannot be written, before anything was measured."""
        for option, name in (
            ("--json", "" if self.json_file == "-" else self.json_file),
            ("--report", self.report),
        ):
            if not name:
                continue
            path = Path(name)
            if path.is_dir():
                raise ValueError(f"{option} {name}: that is a folder, not a file")
            if not path.parent.is_dir():
                raise ValueError(f"{option} {name}: there is no folder {path.parent}")
            if not os.access(path if path.exists() else path.parent, os.W_OK):
                raise ValueError(f"{option} {name}: it may not be written")
