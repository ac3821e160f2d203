"""`danmaku up` as people use it: real servers, real processes, killed and stopped and started again."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from danmaku.version import version
from tests.ports import free_port
from tests.system.deployment import (
    HOST,
    Deployment,
    alive,
    command_of,
    danmaku,
    deployed,
    following,
    until,
)

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One service for the tests that leave it running: two edge workers, two rooms processes."""
    folder = tmp_path_factory.mktemp("up")
    with deployed(folder, "--workers", "2", "--rooms", "2", DANMAKU_LOG_LEVEL="info") as deployment:
        yield deployment


def _texts(deployment: Deployment, room: str) -> str:
    return json.dumps(deployment.caller().get(f"/v1/rooms/{room}/messages"), ensure_ascii=False)


def test_it_is_ready_and_says_where(service: Deployment) -> None:
    until(lambda: all(service.ready() for _ in range(20)), "whichever worker answers, it is ready")
    assert f"Page: http://localhost:{service.port}/" in service.said
    assert f"WebSocket: ws://localhost:{service.port}/v1/ws" in service.said
    assert service.data.url() == service.url
    assert '--role streamer --room lobby --url "studio?room=lobby"' in service.said  # not of all rooms


def test_the_data_folder_is_for_its_owner_alone(service: Deployment) -> None:
    assert stat.S_IMODE(service.data.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(service.data.secret.stat().st_mode) == 0o600


def test_one_scrape_tells_of_all_processes(service: Deployment) -> None:
    token = service.token("ann", "streamer")
    service.post("metrics", "hello", token)

    def leases() -> list[str]:
        lines = service.read("/metrics").splitlines()
        return [line for line in lines if line.startswith("danmaku_rooms_leases ")]

    until(lambda: leases() == ["danmaku_rooms_leases 64.0"], f"two processes own all partitions: {leases()}")


def test_each_process_signs_its_log_lines_with_its_name(service: Deployment) -> None:
    assert "starting nats-server, valkey-server, rooms-1, rooms-2, edge" in service.said
    took = ("partitions taken", "process=rooms-")

    def signed() -> set[str]:
        lines = [line for line in service.said.splitlines() if all(words in line for words in took)]
        return {line.rpartition("process=")[2].split()[0] for line in lines}

    until(lambda: signed() == {"rooms-1", "rooms-2"}, f"both tell what they took: {signed()}")
    assert not re.search(r"process=rooms(\s|$)", service.said)


def test_a_second_one_on_the_same_data_is_told(service: Deployment) -> None:
    other = danmaku("up", "--data", str(service.data.path), "--port", str(free_port()))
    assert other.returncode == 1
    assert f"error: danmaku already runs on the data folder {service.data.path}" in other.stderr
    assert f"(pid {service.pid})" in other.stderr


def test_a_port_in_use_is_told_at_once(service: Deployment, tmp_path: Path) -> None:
    other = danmaku("up", "--data", str(tmp_path / "data"), "--host", HOST, "--port", str(service.port))
    assert other.returncode == 1
    assert f"error: port {service.port} is in use by" in other.stderr
    assert "like --port " in other.stderr


def test_a_stray_process_that_shares_its_port_is_seen(tmp_path: Path) -> None:
    with socket.socket() as stray:
        stray.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stray.bind((HOST, 0))
        stray.listen()
        port = stray.getsockname()[1]
        other = danmaku("up", "--data", str(tmp_path / "data"), "--host", HOST, "--port", str(port))
    assert other.returncode == 1
    assert f"port {port} is in use by" in other.stderr
    assert f"(pid {os.getpid()})" in other.stderr


def test_the_servers_are_for_its_children_alone(service: Deployment) -> None:
    pid = service.pid_of("nats-server")
    words = command_of(pid).split()
    with socket.create_connection((HOST, int(words[words.index("--port") + 1])), timeout=20) as stranger:
        stranger.sendall(b'CONNECT {"verbose": false}\r\nPING\r\n')
        with stranger.makefile("rb") as answers:
            assert answers.readline().startswith(b"INFO ")
            assert b"Authorization Violation" in answers.readline()
    assert b"DANMAKU_" not in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.parametrize(
    ("child", "number", "why"),
    [
        ("nats-server", signal.SIGKILL, "SIGKILL"),
        ("nats-server", signal.SIGQUIT, "exit code 2"),  # a panic
        ("-m rooms", signal.SIGKILL, "SIGKILL"),
        ("-m edge", signal.SIGKILL, "SIGKILL"),
        ("valkey-server", signal.SIGKILL, "SIGKILL"),
    ],
)
def test_a_child_that_dies_comes_back(
    service: Deployment, child: str, number: signal.Signals, why: str
) -> None:
    token = service.token("ann", "streamer")
    service.post("killed", f"before {child} {why}", token)
    pid = service.pid_of(child)
    os.kill(pid, number)
    until(lambda: not alive(pid), f"{child} is dead")
    service.post("killed", f"after {child} {why}", token)
    assert service.pid_of(child) != pid
    until(lambda: f"before {child} {why}" in _texts(service, "killed"), "what was said before is still there")
    assert f"died: {why}; it is started again in" in service.said


def test_the_command_line_talks_to_it(service: Deployment) -> None:
    data = ["--data", str(service.data.path)]
    with following("watch", "talk", "--json", *data) as told:
        posted = danmaku("post", "talk", "你好 shell", "--color", "ff8800", "--mode", "top", "--json", *data)
        assert posted.returncode == 0, posted.stderr
        answer = json.loads(posted.stdout)
        seen = told()
    assert (seen["kind"], seen["text"], seen["color"], seen["mode"], seen["role"]) == (
        "comment", "你好 shell", 0xFF8800, "top", "streamer",
    )  # fmt: skip
    assert (seen["epoch"], seen["seq"]) == (answer["epoch"], answer["seq"])
    listed = danmaku("rooms", *data)
    assert listed.returncode == 0
    assert "talk" in listed.stdout
    assert "talk" in [room["room"] for room in json.loads(danmaku("rooms", "--json", *data).stdout)["rooms"]]


def test_its_status_is_told(service: Deployment) -> None:
    told: list[Any] = []

    def complete() -> bool:
        """Edges and owners tell of themselves every two seconds."""
        told[:] = [json.loads(danmaku("status", "--json", "--data", str(service.data.path)).stdout)]
        return bool(told[0]["edges"]) and told[0]["unowned"] == 0

    until(complete, "all tell of themselves")
    (fleet,) = told
    assert sum(one["partitions"] for one in fleet["rooms"]) == 64
    assert {one["version"] for one in (*fleet["edges"], *fleet["rooms"])} == {version()}
    shown = danmaku("status", "--data", str(service.data.path))
    assert (shown.returncode, fleet["edges"][0]["edge"] in shown.stdout) == (0, True)


def test_the_doctor_finds_it_running(service: Deployment) -> None:
    result = danmaku(
        "doctor", "--json", "--data", str(service.data.path),
        DANMAKU_EDGE_PORT=str(service.port), DANMAKU_EDGE_HOST=HOST,
    )  # fmt: skip
    findings = {finding["name"]: finding for finding in json.loads(result.stdout)}
    assert findings["port"]["text"] == f"{service.port}: danmaku runs here"
    assert [name for name, finding in findings.items() if finding["state"] == "broken"] == []
    assert result.returncode == 0


def test_a_second_start_finds_the_same_history_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with deployed(tmp_path, "--workers", "2") as service:
        made = danmaku("token", "--data", str(service.data.path), "--uid", "ann", "--role", "streamer")
        token = made.stdout.strip()
        service.post("lobby", "still here tomorrow", token)
        secret = service.data.secret.read_text()
        processes = service.processes()
        assert len(processes) >= 6  # two servers, rooms, the edge and its two workers
        assert service.stop(signal.SIGINT) == 0, service.said
        assert [command for pid, command in processes.items() if alive(pid)] == []
        assert service.data.url() is None
        assert "Traceback" not in service.said

        service.start()
        assert service.data.secret.read_text() == secret
        until(lambda: "still here tomorrow" in _texts(service, "lobby"), "the history is there")
        service.post("lobby", "the old token is good", token)
        processes = service.processes()
        assert service.stop(signal.SIGTERM) == 0
        assert [command for pid, command in processes.items() if alive(pid)] == []


def test_nothing_outlives_it_even_when_it_is_killed(tmp_path: Path) -> None:
    with deployed(tmp_path, "--workers", "2") as service:
        processes = service.processes()
        service.kill()
        until(lambda: not any(alive(pid) for pid in processes), f"all are gone: {processes}")
        assert service.data.url() is None


def _variables(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def test_its_file_is_read_again_and_nobody_stops(tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    config.write_text("[edge]\nbody_bytes = 10000\n")

    with deployed(tmp_path, "--workers", "2", "--config", str(config), DANMAKU_LOG_LEVEL="info") as one:

        def reread(text: str, said: str, times: int = 1) -> None:
            config.write_text(text)
            os.kill(one.pid, signal.SIGHUP)
            until(lambda: one.said.count(said) == times, f"{times} times: {said}")

        processes = one.processes()
        reread("[edge]\nbody_bytes = 1\n", "settings stay as they are")
        assert "edge.body_bytes = 1: must be a whole number from 1024" in one.said
        reread("[edge]\nbody_bytes = 20000\n", "waits_for_restart=edge.body_bytes")
        # changed by the rooms process and the edge workers, handed on by `up` and who watches over these
        reread("[policy]\nslow_s = 3\n", "='policy.slow_s = 3'", 5)
        assert one.processes() == processes

        killed = {one.pid_of("-m rooms"), one.workers()[0]}
        for pid in killed:
            file = Path(_variables(pid)["DANMAKU_CONFIG"])
            assert "policy.slow_s = 3" in file.read_text()
            file.unlink()  # somebody tidied up
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(one.processes().keys() - killed) == len(processes), "they are started again")
        until(lambda: all(one.ready() for _ in range(20)), "all is well")
        assert one.stop() == 0


def test_configured_servers_are_used_and_not_started(tmp_path: Path, nats_url: str, store_url: str) -> None:
    config = tmp_path / "my.toml"
    prefix = f'prefix = "up{os.getpid()}"'
    config.write_text(f'[nats]\nurl = "{nats_url}"\n{prefix}\n[store]\nurl = "{store_url}"\n{prefix}\n')
    with deployed(tmp_path, "--workers", "1", "--config", str(config)) as service:
        commands = " ".join(service.processes().values())
        assert "-server" not in commands
        service.post("lobby", "hello", service.token("ann", "streamer"))
        assert service.stop() == 0


def test_a_key_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    result = danmaku(
        "up", "--data", str(tmp_path / "data"), "--host", HOST, "--port", str(free_port()),
        DANMAKU_AUTH_SECRET_FILE="/no/such/file",
    )  # fmt: skip
    assert result.returncode == 2
    assert result.stderr.startswith("error: auth.secret_file = /no/such/file: ")


def test_a_start_that_cannot_succeed_ends(tmp_path: Path, nats_url: str) -> None:
    result = danmaku(
        "up", "--data", str(tmp_path / "data"), "--host", HOST, "--port", str(free_port()),
        DANMAKU_NATS_URL=nats_url, DANMAKU_EDGE_TRUSTED_PROXIES="not-an-address",
    )  # fmt: skip
    assert result.returncode in (1, 2)
    assert "edge did not start: exit code 2" in result.stderr
