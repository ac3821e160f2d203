"""Some runs of tests/faults, as `make faults` does many: all that is promised holds, whatever was done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.deployment import environment

RUNS, SECONDS, CALM_S = 2, 5, 2  # who is silent for how long is measured in longer runs


@pytest.mark.timeout(240)
def test_what_is_promised_holds_whatever_happens(tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes.json"
    words = ["--runs", RUNS, "--parallel", RUNS, "--seconds", SECONDS, "--calm", CALM_S, "--seed", 11]
    argv = [sys.executable, "-m", "tests.faults", "many", *map(str, words), "--kind", "single"]
    argv += ["--folder", str(tmp_path), "--json", str(outcomes)]
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=200)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(outcomes.read_text())
    assert len(found) == RUNS
    assert all(one["faults"] for one in found)
    for what in ("comments", "deliveries", "frames", "messages", "acts"):
        assert sum(one["looked"][what] for one in found), what
