"""`danmaku doctor`: what is missing or wrong here."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer
from rich.text import Text

from config.keys import DEFAULT
from danmaku.cli_options import DATA, Config, Data, Json
from danmaku.cli_output import FAILED, show
from danmaku.data_folder import DataFolder
from danmaku.sifting import Said, sifted

if TYPE_CHECKING:
    from danmaku.doctor import Finding

app = typer.Typer()
"""Its commands stand beside those of danmaku.cli."""

_Port = Annotated[
    int | None,
    typer.Option(
        help="The port to look at [default: edge.port where it is set, as in --config; else that of the "
        "service on the data folder, else 8080]."
    ),
]
_Host = Annotated[str | None, typer.Option(help="The address to look at [default: 0.0.0.0].")]
_MARKS: Final = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "broken": ("broken", "red")}


@app.command()
def doctor(
    data: Data = DATA, port: _Port = None, host: _Host = None, config: Config = None, as_json: Json = False
) -> None:
    """Look for what is missing or wrong here, and say how to mend it.

    Before a service is started, or while it runs on the data folder. The exit code is 1 when something must
    be mended. Settings that are wrong are named and left out: a variable or an option by itself, a file as a
    whole.

    Example: `danmaku doctor --config my.toml`
    """
    flags = {"edge.port": port, "edge.host": host}
    findings = asyncio.run(_findings(data, config, flags, quiet=as_json))
    if as_json:
        typer.echo(msgspec.json.encode(findings))
    raise typer.Exit(FAILED if any(finding.state == "broken" for finding in findings) else 0)


async def _findings(
    data: Path,
    config: Path | None,
    flags: Mapping[str, object],
    *,
    quiet: bool,
) -> list[Finding]:
    from danmaku import doctor as checks

    findings: list[Finding] = []

    def found(finding: Finding) -> None:
        findings.append(finding)
        if not quiet:
            show(_finding_line(finding))

    loaded, wrong = sifted(Said(config, os.environ, flags))
    for error in wrong:
        found(checks.Finding("settings", "broken", str(error), "correct it; the rest is looked at without"))
    if not wrong:
        found(checks.Finding("settings", "ok", "valid"))
    elsewhere = loaded.origins["edge.port"] != DEFAULT
    async for finding in checks.examine(loaded.settings, DataFolder(data), elsewhere=elsewhere):
        found(finding)
    return findings


def _finding_line(finding: Finding) -> Text:
    word, style = _MARKS[finding.state]
    line = Text(f"{word:8}", style=style).append(f"{finding.name:15} ", style="bold").append(finding.text, "")
    return line.append(f"\n{'':24}→ {finding.mend}", style=style) if finding.mend else line
