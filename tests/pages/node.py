"""Node and what `make test` installs for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

JAVASCRIPT = Path(__file__).parent.parent / "javascript"
PACKAGES = JAVASCRIPT / "node_modules"
BIN = Path(sys.executable).parent


def run(*argv: str, cwd: Path = JAVASCRIPT, said: str = "", **environment: str) -> str:
    """What `node`, `npm` or `tsc` prints. Without them these tests are left out, but never by the CI."""
    if not (BIN / "node").exists() or not (PACKAGES / ".bin" / "tsc").exists():
        reason = "node and its packages are not installed: make tests/javascript/node_modules/.made"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    path = os.pathsep.join([str(BIN), str(PACKAGES / ".bin"), os.environ.get("PATH", "")])
    done = subprocess.run(
        argv, cwd=cwd, input=said, capture_output=True, text=True, timeout=60,
        env={**os.environ, "NO_COLOR": "1", **environment, "PATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
