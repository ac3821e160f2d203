"""Where figures were taken."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any, Final

_PACKAGES: Final = ("danmaku", "socketify", "nats-py", "redis", "msgspec")


def machine() -> dict[str, Any]:
    """Processor, cores, kernel."""
    model = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "cpu": model[0] if model else platform.machine(),
        "cores": len(model),
        "kernel": platform.release(),
    }


def versions() -> dict[str, str]:
    """Of Python and of what the service is built on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}}
