"""Files for containers and init systems: linted, with settings and commands that exist."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from config.loading import load
from danmaku.cli import app

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
BIN = Path(sys.executable).parent
MANIFESTS = [one for one in yaml.safe_load_all((CONFIG / "kubernetes/danmaku.yaml").read_text()) if one]
COMPOSE = yaml.safe_load((CONFIG / "docker/compose.yaml").read_text())
UNITS = sorted((CONFIG / "systemd").glob("*.service"))


def _linted(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_made_as_a_linter_wants_it() -> None:
    _linted(BIN / "hadolint", CONFIG / "docker/Dockerfile")


def test_the_image_gets_what_the_wheel_is_made_of() -> None:
    taken = set((CONFIG / "docker/Dockerfile.dockerignore").read_text().split())
    project = ["danmaku", "rooms", "edge", "config", "loadtest", "pyproject.toml", "README.md", "LICENSE"]
    for name in [*project, "constraints.txt"]:
        assert f"!{name}" in taken
        assert (ROOT / name).exists()


def test_compose_is_valid() -> None:
    schema = "vendor.compose-spec"
    _linted(BIN / "check-jsonschema", "--builtin-schema", schema, CONFIG / "docker/compose.yaml")


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_a_manifest_is_valid(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_pods_of_a_kind_are_chosen_by_their_labels() -> None:
    for one in MANIFESTS:
        if one["kind"] == "Deployment":
            labels = one["spec"]["template"]["metadata"]["labels"]
            assert one["spec"]["selector"]["matchLabels"] == labels


def test_a_pod_is_given_the_time_that_moving_its_viewers_takes() -> None:
    [edge] = [one for one in MANIFESTS if one["kind"] == "Deployment" and one["metadata"]["name"] == "edge"]
    [settings] = [one["data"] for one in MANIFESTS if one["kind"] == "ConfigMap"]
    pod = edge["spec"]["template"]["spec"]
    sleep_s = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    drain_s = float(settings["DANMAKU_EDGE_DRAIN_S"])
    assert pod["terminationGracePeriodSeconds"] >= sleep_s + drain_s + 10


def _environments() -> Iterator[tuple[str, dict[str, str]]]:
    for name, service in COMPOSE["services"].items():
        if "environment" in service:
            yield f"compose {name}", service["environment"]
    for one in MANIFESTS:
        if one["kind"] == "ConfigMap":
            yield "kubernetes", one["data"]


@pytest.mark.parametrize(("_where", "environment"), list(_environments()))
def test_settings_exist(_where: str, environment: dict[str, str]) -> None:
    settings = load(None, environment, {})
    assert settings.nats.url
    assert settings.store.url
    assert settings.rooms.metrics_port


def _unit(file: Path) -> RawConfigParser:
    parser = RawConfigParser(comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys of units have capitals
    parser.read(file)
    return parser


def _commands() -> Iterator[list[str]]:
    for service in COMPOSE["services"].values():
        if service.get("image") == "danmaku":
            yield service["command"]
    for one in MANIFESTS:
        if one["kind"] == "Deployment":
            yield one["spec"]["template"]["spec"]["containers"][0]["command"]
    for unit in UNITS:
        words = _unit(unit)["Service"]["ExecStart"].replace("%i", "9101").split()
        yield [words[0].removeprefix("/opt/danmaku/bin/"), *words[1:]]
    yield ["danmaku", "up", "--data", "/data"]  # of the image


@pytest.mark.parametrize("command", list(_commands()), ids=" ".join)
def test_commands_exist(command: list[str]) -> None:
    """Each of them understands its flags; without servers a part says what it lacks, and ends."""
    if command[0] == "danmaku":
        shown = CliRunner().invoke(app, [*command[1:], "--help"])
        assert shown.exit_code == 0
        return
    clean = {"PATH": "", "PYTHONPATH": str(ROOT)}
    part = subprocess.run(
        [sys.executable, *command[1:]], env=clean, capture_output=True, text=True, timeout=60
    )
    assert part.returncode == 2
    assert "nats.url is not set" in part.stderr


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_a_unit_is_not_started_again_where_that_is_no_use(file: Path) -> None:
    unit = _unit(file)
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    assert unit["Service"]["RestartPreventExitStatus"] == "2"
    assert unit["Service"]["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert unit["Service"]["RestartForceExitStatus"] == "SIGHUP"  # one that cannot hear it yet
    assert int(unit["Service"]["LimitNOFILE"]) >= 65536
