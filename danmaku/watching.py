"""What `danmaku watch` shows: a room's comments, as lines for people or for programs."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from danmaku.client import Client, Comment, ConnectionChange, Event, Stats
from danmaku.model import START, WHITE
from danmaku.printable import printable

_STAFF = {"moderator": "green", "streamer": "magenta", "admin": "red"}


async def watch(url: str, room: str, token: str | None, show: Callable[[Comment | Event], None]) -> None:
    """Call `show` with all that `room` shows, until cancelled or the room is taken away. Raises Refusal."""
    async with Client(url, token=token) as client:
        telling = asyncio.create_task(tell_changes(client))
        try:
            joined = await client.join(room)
            if joined.stats is not None and joined.stats.position == START:
                _console().print(f"nothing was shown in {room} yet", style="dim")
            async for item in joined:
                if not isinstance(item, Stats):
                    show(item)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


def line_of(item: Comment | Event) -> Text:
    """One line for a terminal. What people wrote cannot steer it."""
    if isinstance(item, Event):
        text = Text(f"* {printable(item.kind)}", style="yellow")
        said = _told(item.data)
        return text.append(f": {printable(said)}") if said else text
    line = Text(printable(item.name), style=_STAFF.get(item.role or "", "cyan"))
    line.append(": ", style="dim")
    return line.append(printable(item.text), style="" if item.color == WHITE else f"#{item.color:06x}")


def _told(data: dict[str, Any]) -> str:
    """Who and what, as far as an event says so. Amounts are for programs: units differ between currencies."""
    gift = f"{data['gift']} × {data.get('count', 1)}" if "gift" in data else ""
    options = " / ".join(map(str, data.get("options") or ()))
    of = data.get("of") or {}
    where = f"{of.get('epoch')}-{of.get('seq')}" if of else ""
    who = data.get("name") or data.get("uid") or ""
    counts = " : ".join(map(str, data.get("counts") or ()))
    settings = ", ".join(f"{name} {_word(value)}" for name, value in (data.get("settings") or {}).items())
    asked = (data.get("question"), options, counts)
    words = (who, gift, where, *asked, settings, data.get("title"), data.get("reason"), data.get("text"))
    return "  ".join(str(word) for word in words if word)


def _word(value: object) -> object:
    """Of a setting; numbers and words are told as they are."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return value


def json_of(item: Comment | Event) -> str:
    """One line of JSON: `kind` says what it is, `epoch` and `seq` where it stands."""
    fields: dict[str, Any] = {
        field.name: getattr(item, field.name)
        for field in dataclasses.fields(item)
        if field.name != "position"
    }
    kind = {"kind": "comment"} if isinstance(item, Comment) else {}
    return msgspec.json.encode(
        {**kind, **fields, "epoch": item.position.epoch, "seq": item.position.seq}
    ).decode()


async def tell_changes(client: Client) -> None:
    """Say on standard error when the connection is lost and when it is back, until cancelled."""
    console = _console()
    async for change in client.events():
        if isinstance(change, ConnectionChange) and change.state == "lost":
            console.print(f"connection lost; next attempt in {change.retry_s or 0:.1f} s", style="dim")
        elif isinstance(change, ConnectionChange) and change.state == "connected":
            console.print("connected again", style="dim")


def _console() -> Console:
    """For what is no part of what was asked for."""
    return Console(file=sys.stderr, highlight=False)
