"""What a process imports is what its start costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "edge.node", "edge.worker", "nats", "redis", "socketify"}


@pytest.mark.parametrize(
    ("program", "needed"),
    [
        ("edge.__main__", set()),  # with several workers it only watches over them
        ("edge.worker", {"edge.node", "edge.worker", "nats"}),
        ("rooms.__main__", {"nats", "redis"}),
    ],
)
def test_a_program_imports_what_it_needs_only(program: str, needed: set[str]) -> None:
    asked = f"import sys, {program}\nprint(*sys.modules.keys() & {HEAVY!r})"
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert set(ended.stdout.split()) == needed


def test_the_bus_still_has_its_web_sockets_when_they_are_used() -> None:
    asked = (
        "import sys, danmaku.bus.nats\n"
        "from nats.aio.transport import aiohttp\n"
        "print('aiohttp' in sys.modules, aiohttp.WSMsgType.BINARY.name, 'aiohttp' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "BINARY", "True"]
