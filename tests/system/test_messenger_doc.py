"""The scripts of docs/MESSENGER.md run as they stand there."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from tests.system.deployment import Deployment, environment, serving

TEXT = (Path(__file__).parents[2] / "docs" / "MESSENGER.md").read_text(encoding="utf-8")
HERE = "http://127.0.0.1:8080"


async def run(script: str, service: Deployment, folder: Path) -> list[str]:
    """What it prints, line by line."""
    assert HERE in script
    more = {"ANN": service.token("ann"), "BOB": service.token("bob"), "KEPT": str(folder / "kept.json")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script.replace(HERE, service.url),
        env=environment(**more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return out.decode().splitlines()


async def test_the_scripts_work(tmp_path: Path) -> None:
    talk, catch_up = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    async with serving(tmp_path) as service:
        assert await run(talk, service, tmp_path) == [
            "ann says 'hello' in p:ann:bob",
            "bob has read up to 2, ann has 1 unread",
            "bob may not: forbidden",
            "now it is called Dinner",
        ]
        first = await run(catch_up, service, tmp_path)
        assert "p:ann:bob  1" in first
        assert [line for line in first if line.startswith("p:ann:bob 1") or line.endswith("hi ann")] == [
            "p:ann:bob 1 ann message hello",
            "p:ann:bob 2 bob message hi ann",
        ]
        assert [line.split()[3] for line in first if line.startswith("g:") and len(line.split()) > 3] == [
            "member",
            "message",
            "member",
            "member",
        ]
        again = await run(catch_up, service, tmp_path)
        assert [line for line in again if "message" in line or "member" in line] == []
