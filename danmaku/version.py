"""Which version this is."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def version() -> str:
    """As it was installed; "unknown" where it was not. Reads a file."""
    try:
        return metadata.version("danmaku")
    except metadata.PackageNotFoundError:
        return "unknown"
