"""What the doctor finds, with real servers, ports and folders, and how it says what to do."""

from __future__ import annotations

import json
import resource
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from config.settings import Auth, Edge, Nats, Settings, Store
from danmaku import doctor
from danmaku.data_folder import DataFolder, FolderError
from danmaku.finding import Finding
from danmaku.servers import NatsServer, running
from tests.engines import NATS_PASSWORD, ValkeyCluster, nats_cluster, sentinel_set
from tests.ports import free_port
from tests.unit.command_line import run

_HOST = "127.0.0.1"
_UNLIMITED = resource.RLIM_INFINITY


def test_python_and_packages_are_here() -> None:
    assert doctor.python().state == "ok"
    (found,) = doctor.packages()
    assert found.state == "ok"
    assert "msgspec 0." in found.text
    assert "pytest" not in found.text  # only what running needs


def test_a_missing_package() -> None:
    (found,) = doctor.packages(["msgspec>=0.1", "no-such-package-at-all<2", "other>1; extra == 'dev'"])
    assert (found.state, found.text) == ("broken", "missing: no-such-package-at-all")
    assert found.mend


def test_libuv_missing() -> None:
    def load(name: str) -> None:
        raise OSError(name)

    found = doctor.libuv(load)
    assert (found.state, found.mend) == ("broken", "apt-get install libuv1")


async def all_of(findings: AsyncIterator[Finding]) -> dict[str, Finding]:
    return {finding.name: finding async for finding in findings}


async def test_servers_that_come_with_the_package_start() -> None:
    assert (await all_of(doctor.bus(Nats())))["nats"].state == "ok"
    assert (await all_of(doctor.store(Store())))["store"].state == "ok"


async def test_configured_servers_that_answer(nats_url: str, store_url: str) -> None:
    assert (await all_of(doctor.bus(Nats(url=nats_url))))["nats"].state == "ok"
    found = await all_of(doctor.store(Store(url=store_url)))
    assert {name: finding.state for name, finding in found.items()} == {
        "store": "ok", "store disk": "ok", "store memory": "ok",
    }  # fmt: skip
    assert "version 9" in found["store"].text


async def test_a_bus_of_several_servers(tmp_path: Path) -> None:
    async with nats_cluster(tmp_path) as whole:
        settings = Nats(
            url=whole.url, user="danmaku", password=NATS_PASSWORD, ca_file=str(whole.certificates.ca)
        )
        found = await all_of(doctor.bus(settings))
        assert found["nats"].text == "3 servers answer"
        assert found["nats cluster"].state == "ok"
        looking = doctor.bus(settings)
        assert (await anext(looking)).state == "ok"
        whole.nodes[2].kill()  # while it is looked at
        (together,) = [finding async for finding in looking]
        assert (together.name, together.state) == ("nats cluster", "broken")
        found = await all_of(doctor.bus(msgspec.structs.replace(settings, timeout_s=5)))
        assert (found["nats"].state, found["nats"].text[:6]) == ("warning", "2 of 3")


async def test_servers_of_the_bus_that_do_not_know_each_other(nats_url: str, tmp_path: Path) -> None:
    async with running(NatsServer(tmp_path, free_port())) as other:
        found = await all_of(doctor.bus(Nats(url=f"{nats_url},{other.server.url}")))
        assert found["nats cluster"].state == "broken"
        assert other.server.url in found["nats cluster"].text


async def test_a_store_of_several_servers(shared_cluster: ValkeyCluster) -> None:
    settings = Store(url=shared_cluster.url, kind="cluster")
    found = await all_of(doctor.store(settings))
    assert found["store"].text.startswith("3 primaries answer, version 9")
    assert (found["store disk"].state, found["store replicas"].state) == ("ok", "warning")
    asked = msgspec.structs.replace(settings, replicas=1)
    assert (await all_of(doctor.store(asked)))["store replicas"].state == "broken"


async def test_a_store_that_sentinels_watch(tmp_path: Path) -> None:
    async with sentinel_set(tmp_path, replicas=1, sentinels=2) as whole:
        found = await all_of(doctor.store(Store(url=whole.url, kind="sentinel", replicas=1)))
        assert {name: finding.state for name, finding in found.items()} == {
            "store": "ok", "store disk": "ok", "store memory": "ok",
            "store replicas": "ok", "store replaced": "warning", "store sentinels": "warning",
        }  # fmt: skip
        whole.sentinels[1].kill()
        found = await all_of(doctor.store(Store(url=whole.url, kind="sentinel")))
        assert "1 of 2 do not answer" in found["store sentinels"].text


async def test_sentinels_of_which_too_few_are_named(tmp_path: Path) -> None:
    async with sentinel_set(tmp_path, replicas=1, sentinels=3) as whole:
        named = Store(url=whole.url.split(",")[0], kind="sentinel", replicas=1)
        found = (await all_of(doctor.store(named)))["store sentinels"]
        assert (found.state, "name all of them" in found.mend) == ("broken", True)
        all_named = msgspec.structs.replace(named, url=whole.url)
        assert (await all_of(doctor.store(all_named)))["store sentinels"].state == "ok"


async def test_a_login_that_cannot_be_used() -> None:
    bus = await all_of(doctor.bus(Nats(url="nats://h", token_file="/nowhere")))
    store = await all_of(doctor.store(Store(url="redis://h", password_file="/nowhere")))
    assert (bus["nats"].state, "nats.token_file" in bus["nats"].text) == ("broken", True)
    assert (store["store"].state, "store.password_file" in store["store"].text) == ("broken", True)


async def test_configured_servers_that_do_not() -> None:
    port = free_port()
    bus = (await all_of(doctor.bus(Nats(url=f"nats://me:hunter2@{_HOST}:{port}", timeout_s=1))))["nats"]
    asked = doctor.store(Store(url=f"redis://:hunter2@{_HOST}:{port}/0", timeout_s=1))
    store = (await all_of(asked))["store"]
    assert (bus.state, store.state) == ("broken", "broken")
    assert "hunter2" not in bus.text + store.text
    assert "nats.url" in bus.mend
    assert "store.url" in store.mend


async def test_an_option_that_the_store_does_not_know() -> None:
    found = (await all_of(doctor.store(Store(url=f"redis://{_HOST}:1/0?colour=red"))))["store"]
    assert (found.state, "colour" in found.text) == ("broken", True)


def test_the_port() -> None:
    number = free_port()
    assert doctor.port(_HOST, number, None).state == "ok"
    with socket.create_server((_HOST, 0)) as somebody:
        taken = somebody.getsockname()[1]
        found = doctor.port(_HOST, taken, None)
        assert (found.state, "pid" in found.text) == ("broken", True)
        assert doctor.port(_HOST, taken, f"http://{_HOST}:{taken}").state == "ok"
    assert doctor.port("192.0.2.1", 8080, None).state == "broken"


def test_open_files() -> None:
    assert doctor.file_limit(1000, (100_000, 100_000)).state == "ok"
    assert doctor.file_limit(1000, (_UNLIMITED, _UNLIMITED)).state == "ok"
    low = doctor.file_limit(15_000, (1024, 100_000))
    assert (low.state, low.mend.startswith("ulimit -n 15256")) == ("warning", True)
    assert doctor.file_limit(15_000, (1024, 4096)).mend.startswith("as root")


def test_a_clock_before_this_program() -> None:
    assert doctor.clock(now_s=0, built_s=1).state == "broken"
    assert doctor.clock(now_s=time.time(), built_s=1).state in ("ok", "warning")


def test_the_data_folder(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    assert doctor.data_folder(folder).text.endswith("will be made")
    folder.make()
    assert doctor.data_folder(folder).state == "ok"
    folder.path.chmod(0o755)
    found = doctor.data_folder(folder)
    assert (found.state, found.mend) == ("broken", f"chmod go-rwx {folder.path}")
    (tmp_path / "file").touch()
    assert doctor.data_folder(DataFolder(tmp_path / "file" / "data")).state == "broken"


def test_keys(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    assert doctor.keys(Settings(), folder).state == "ok"
    folder.make()
    folder.ensure_secret()
    assert doctor.keys(Settings(), folder).text == "HS256 keys can be used"
    found = doctor.keys(Settings(auth=Auth(secret="short")), folder)
    assert (found.state, "auth.secret" in found.text) == ("broken", True)


async def test_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make()

    def closed() -> str:
        raise FolderError("it belongs to somebody else")

    monkeypatch.setattr(folder, "url", closed)
    monkeypatch.setattr(folder, "has_secret", closed)
    found = await all_of(doctor.examine(Settings(edge=Edge(port=free_port())), folder))
    assert (found["port"].state, found["keys"].state) == ("ok", "broken")
    assert found["keys"].text == "it belongs to somebody else"


async def test_the_port_is_that_of_the_service_on_the_folder(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    settings = Settings(edge=Edge(host=_HOST, port=free_port()))
    with socket.create_server((_HOST, 0)) as somebody:
        taken = somebody.getsockname()[1]
        with folder.serving(f"http://{_HOST}:{taken}"):
            found = (await all_of(doctor.examine(settings, folder)))["port"]
            assert (found.state, found.text) == ("ok", f"{taken}: danmaku runs here")
            found = (await all_of(doctor.examine(settings, folder, elsewhere=True)))["port"]
            assert found.text == f"{settings.edge.port} is free"


def test_another_port_can_be_asked_for(tmp_path: Path) -> None:
    number = str(free_port())
    told = run("doctor", "--data", str(tmp_path / "data"), "--port", number, "--host", _HOST, "--json")
    (found,) = (one for one in json.loads(told.stdout) if one["name"] == "port")
    assert found["text"] == f"{number} is free"


@pytest.mark.parametrize("words", [[], ["--host", _HOST]])
def test_unless_one_is_asked_for_it_is_that_of_the_service(tmp_path: Path, words: list[str]) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    with socket.create_server((_HOST, 0)) as somebody:
        taken = somebody.getsockname()[1]
        with folder.serving(f"http://{_HOST}:{taken}"):
            told = run("doctor", "--data", str(folder.path), *words, "--json")
    (found,) = (one for one in json.loads(told.stdout) if one["name"] == "port")
    assert found["text"] == f"{taken}: danmaku runs here"


async def test_everything_is_looked_at_once(tmp_path: Path) -> None:
    names = [finding.name async for finding in doctor.examine(Settings(), DataFolder(tmp_path))]
    assert names == [
        "python", "packages", "libuv", "nats", "store", "port", "open files", "clock", "data folder", "keys",
    ]  # fmt: skip


def test_the_port_that_a_file_names_counts_more(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    named, file = free_port(), tmp_path / "my.toml"
    file.write_text(f'[edge]\nhost = "{_HOST}"\nport = {named}\n')
    with folder.serving(f"http://{_HOST}:1"):
        said = run("doctor", "--json", "--data", str(folder.path), "--config", str(file))
    texts = {one["name"]: one["text"] for one in json.loads(said.stdout)}
    assert texts["port"] == f"{named} is free"


def test_with_a_file_that_is_broken_the_port_asked_for_is_looked_at(tmp_path: Path) -> None:
    file, number = tmp_path / "my.toml", free_port()
    file.write_text("[edge]\nport = what\n")
    where = ("--data", str(tmp_path / "data"), "--config", str(file), "--host", _HOST)
    for port, looked_at in ((number, number), (99_999, 8080)):
        told = run("doctor", "--json", *where, "--port", str(port))
        found = {one["name"]: one for one in json.loads(told.stdout)}
        assert found["settings"]["state"] == "broken"
        assert str(looked_at) in found["port"]["text"]


@pytest.mark.parametrize(
    ("others", "words"), [({}, ()), ({}, ("--port", "99999")), ({"DANMAKU_EDGE_PROT": "1"}, ("--port", "{}"))]
)
def test_with_a_file_that_is_broken_the_environment_is_heeded_still(
    tmp_path: Path, others: dict[str, str], words: tuple[str, ...]
) -> None:
    file, number = tmp_path / "my.toml", free_port()
    file.write_text("[edge]\nport = what\n")
    environ = others or {"DANMAKU_EDGE_PORT": str(number)}
    environ = {**environ, "DANMAKU_CONFIG": str(file)}
    asked = (word.format(number) for word in words)
    told = run("doctor", "--json", "--data", str(tmp_path / "data"), *asked, environ=environ)
    found = {one["name"]: one for one in json.loads(told.stdout)}
    assert found["settings"]["state"] == "broken"
    assert found["port"]["text"] == f"{number} is free"


def test_a_wrong_variable_takes_nothing_along(tmp_path: Path) -> None:
    file, number = tmp_path / "my.toml", free_port()
    environ = {"DANMAKU_EDGE_PROT": "1", "DANMAKU_CONFIG": str(file)}
    asked = ("doctor", "--json", "--data", str(tmp_path / "data"))
    for text, more, wrong in (
        (f"[edge]\nport = {number}\n", {}, ["DANMAKU_EDGE_PROT"]),
        ("[edge]\nport = what\n", {"DANMAKU_EDGE_PORT": str(number)}, ["is not TOML", "DANMAKU_EDGE_PROT"]),
    ):
        file.write_text(text)
        found = json.loads(run(*asked, environ={**environ, **more}).stdout)
        told = [one for one in found if one["name"] == "settings"]
        assert all(word in one["text"] for word, one in zip(wrong, told, strict=True))
        (port,) = (one for one in found if one["name"] == "port")
        assert port["text"] == f"{number} is free"
