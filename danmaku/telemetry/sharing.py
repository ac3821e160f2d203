"""Metrics of all processes of a node in one scrape, where PROMETHEUS_MULTIPROC_DIR names a folder they share.

Each then writes its values into files there. A supervised process that is started again goes on in the files
of the one before it, so that counters never go back and files never pile up.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from danmaku.supervisor import supervised_as

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


@cache
def share_values() -> None:
    """Where a folder is shared, keep this process's values under its name, which outlives its pid."""
    folder = os.environ.get(FOLDER_VARIABLE)
    name = supervised_as()
    if folder and name:
        forget_process(Path(folder), name)
        own = values.MultiProcessValue(process_identifier=lambda: name)  # type: ignore[no-untyped-call]  # the library is half typed
        values.ValueClass = own


def forget_process(folder: Path, process: str | int) -> None:
    """A process (its name or pid) ended: what it had open counts no longer; its counters stay."""
    for file in folder.glob(f"gauge_live*_{process}.db"):
        with suppress(FileNotFoundError):
            file.unlink()


def scrape(registry: CollectorRegistry = REGISTRY) -> bytes:
    """All metrics in Prometheus' text format, of all processes of this node where they share a folder.

    Reads files then, so a loop that must not wait runs it in a thread.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return generate_latest(registry)
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]  # the library is half typed
    return generate_latest(together)
