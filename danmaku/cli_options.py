"""What commands have in common: their options, who signs tokens here, where the service is."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from config.settings import load
from danmaku.address import Address
from danmaku.auth import Authority, from_settings
from danmaku.data_folder import DataFolder, FolderError
from danmaku.model import Identity

Data = Annotated[
    Path, typer.Option(help="The folder of the service: its store, its secret.", envvar="DANMAKU_DATA")
]
Config = Annotated[
    Path | None, typer.Option(help="A TOML file with settings.", envvar="DANMAKU_CONFIG", metavar="FILE")
]
Url = Annotated[
    str | None,
    typer.Option(help="Where the service is; else the one on the data folder.", envvar="DANMAKU_URL"),
]
Token = Annotated[str | None, typer.Option(help="Who you are.", envvar="DANMAKU_TOKEN")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DATA: Final = Path("data")


def mint(data: Path, config: Path | None, identity: Identity, ttl_s: int | None) -> str:
    """An access token. Raises AuthError, FolderError, SettingsError."""
    return authority(data, config).issue(identity, time.time(), ttl_s=ttl_s).access


def authority(data: Path, config: Path | None) -> Authority:
    """Who signs tokens here: the settings' keys, or the data folder's secret. Raises as `mint`."""
    folder = DataFolder(data)
    settings = folder.with_secret(load(config, os.environ, {}))
    if settings.auth.secret_file == str(folder.secret) and not folder.secret.exists():
        raise FolderError(
            f"there is no secret in {folder.path}: start `danmaku up` there first, "
            "name its folder with --data, or give a token"
        )
    return from_settings(settings.auth)


def service_url(url: str | None, data: Path, config: Path | None) -> str:
    """The one given, else the one that runs on the data folder, else where the settings lead."""
    if url is not None:
        return url
    running = DataFolder(data).url()
    if running is not None:
        return running
    edge = load(config, os.environ, {}).edge
    return Address(edge.host, edge.port).http
