"""What the OpenAPI page says of the API holds for whatever is asked: schemathesis, once for each role.

How it asks, and which of its checks are off, is in schemathesis.toml beside this file. SCHEMA_EXAMPLES=200
asks each call as often as that, for each role; without it the run is short. SCHEMA_PATHS='^/v1/chat' asks
only calls whose path fits that expression.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests.system.deployment import Deployment, environment, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

_CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
_HOOKS: Final = Path(__file__).with_name("schema_hooks.py")
_LONG: Final = int(os.environ.get("SCHEMA_EXAMPLES", "0"))
_PATHS: Final = os.environ.get("SCHEMA_PATHS", "")
# Who asks, and how often in the short run: others than an admin are told mostly that they may not.
_CALLERS: Final = [("root", "admin", 2), ("sue", "streamer", 1), ("ann", "viewer", 1), ("", "anonymous", 1)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    async with serving(tmp_path_factory.mktemp("schema")) as started:
        yield started


def asked(
    service: Deployment, folder: Path, uid: str, role: str, few: int
) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    phases, examples = ("coverage,fuzzing", _LONG) if _LONG else ("fuzzing", few)
    argv = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIG), "run"]
    argv += [f"{service.url}/openapi.json", "--phases", phases, "--max-examples", str(examples)]
    if _PATHS:
        argv += ["--include-path-regex", _PATHS]
    if uid:
        argv += ["--header", f"Authorization: Bearer {service.token(uid, role)}"]
    hooked = environment(SCHEMATHESIS_HOOKS=str(_HOOKS))
    return subprocess.run(argv, env=hooked, cwd=folder, capture_output=True, text=True, timeout=3600)


@pytest.mark.timeout(_LONG * 60 or 300)
async def test_the_api_is_as_its_page_says(service: Deployment, tmp_path: Path) -> None:
    """All at the same time: most of it is waiting for answers."""
    runs = [asyncio.to_thread(asked, service, tmp_path / role, uid, role, few) for uid, role, few in _CALLERS]
    for ended in await asyncio.gather(*runs):
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "No issues found" in ended.stdout, ended.stdout
