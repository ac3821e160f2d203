"""NATS and Valkey as several servers, each to be killed alone: from the examples in `config/`, on free ports.

What differs between servers is given as those files say: in the environment, or on the command line.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import redis.asyncio as redis
import trustme
from redis.crc import REDIS_CLUSTER_HASH_SLOTS
from redis.exceptions import RedisError

from danmaku.servers import Running, nats_binary, valkey_binary
from tests.ports import free_ports

HOST: Final = "127.0.0.1"
CONFIG: Final = Path(__file__).parent.parent / "config"
NATS_PASSWORD: Final = "open sesame"
_ROUTE_PASSWORD: Final = "another"
_CLUSTER_PORTS: Final = 10_000  # what a server of a cluster adds to its port, for the others
_READY_S: Final = 20.0
_POLL_S: Final = 0.02


class Server:
    """One server of several, as `danmaku.servers.Server` wants it."""

    def __init__(self, name: str, argv: Sequence[str], port: int, log: Path) -> None:
        self.name = name
        self.argv = list(argv)
        self.port = port
        self.url = f"redis://{HOST}:{port}"
        self.log = log

    def prepare(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)

    async def wait_ready(self, deadline_s: float) -> None:
        """Return when somebody listens there."""
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, self.port)
            except OSError:
                assert time.monotonic() < deadline, f"{self.name} does not listen: {self.said}"
                await asyncio.sleep(_POLL_S)
            else:
                writer.close()
                return

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Certificates:
    """An authority of our own and a certificate for this machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        issued = authority.issue_cert(HOST, "localhost")
        self.ca, self.certificate, self.key = (folder / name for name in ("ca.pem", "node.pem", "node.key"))
        authority.cert_pem.write_to_path(self.ca)
        issued.private_key_pem.write_to_path(self.key)
        for part in issued.cert_chain_pems:
            part.write_to_path(self.certificate, append=True)


class NatsCluster:
    """Three servers by `config/nats-cluster.conf`. Made by `nats_cluster`."""

    def __init__(self, folder: Path, size: int) -> None:
        self.certificates = Certificates(folder)
        clients, others = free_ports(size), free_ports(size)
        routes = [f"nats-route://route:{_ROUTE_PASSWORD}@{HOST}:{port}" for port in others]
        self.nodes: list[Running] = []
        for number, (client, other) in enumerate(zip(clients, others, strict=True), 1):
            name = f"nats-{number}"
            log = folder / f"{name}.log"
            argv = [nats_binary(), "--config", str(CONFIG / "nats-cluster.conf"), "--log", str(log)]
            environment = {
                "NODE": name,
                "CLIENTS": f"{HOST}:{client}",
                "OTHERS": f"{HOST}:{other}",
                "ROUTES": json.dumps(routes),
                "PASSWORD": json.dumps(NATS_PASSWORD),
                "ROUTE_PASSWORD": _ROUTE_PASSWORD,
                "CERTIFICATE": json.dumps(str(self.certificates.certificate)),
                "KEY": json.dumps(str(self.certificates.key)),
                "CA": json.dumps(str(self.certificates.ca)),
            }
            self.nodes.append(Running(Server(name, argv, client, log), environment))
        self.url = ",".join(f"tls://{HOST}:{port}" for port in clients)

    async def form(self) -> None:
        """Return when each server knows of all."""
        await until(self._know, "all NATS servers know of each other")

    async def _know(self) -> bool:
        for node in self.nodes:
            reader, writer = await asyncio.open_connection(HOST, port_of(node))
            info = json.loads((await reader.readline()).removeprefix(b"INFO "))
            writer.close()
            if len(info.get("connect_urls", [])) < len(self.nodes):
                return False
        return True


class ValkeyCluster:
    """So many servers, the first ones primaries, by `config/valkey.conf`. Made by `valkey_cluster`."""

    def __init__(self, folder: Path, primaries: int, servers: int, options: Mapping[str, str]) -> None:
        self.primaries = primaries
        ports = free_ports(servers, also=_CLUSTER_PORTS)
        self.nodes = [Running(_valkey(folder, f"valkey-{port}", port, options)) for port in ports]
        self.url = ",".join(f"redis://{HOST}:{port}" for port in ports)

    async def form(self) -> None:
        """Give out the slots, and return when all servers know of each other."""
        async with AsyncExitStack() as stack:
            ports = [port_of(node) for node in self.nodes]
            clients = [await stack.enter_async_context(client(port)) for port in ports]
            for number, one in enumerate(clients):
                await one.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            for number, one in enumerate(clients[: self.primaries]):
                begin, end = (n * REDIS_CLUSTER_HASH_SLOTS // self.primaries for n in (number, number + 1))
                await one.execute_command("CLUSTER", "ADDSLOTSRANGE", begin, end - 1)
            for port in ports[1:]:
                await clients[0].execute_command("CLUSTER", "MEET", HOST, port)
            await until(lambda: self._know(clients), "all servers of the cluster know of each other")
            names = [await one.execute_command("CLUSTER", "MYID") for one in clients]
            for number, one in enumerate(clients[self.primaries :]):
                await one.execute_command("CLUSTER", "REPLICATE", names[number % self.primaries])
            await until(lambda: self._serve(clients), "all servers of the cluster serve")

    async def primary_of(self, key: str) -> Running:
        """Who has the key now."""
        for node in self.nodes:
            try:
                async with client(port_of(node)) as one:
                    role, *_ = await one.execute_command("ROLE")
                    slot = await one.execute_command("CLUSTER", "KEYSLOT", key)
                    own = await one.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot)
            except (RedisError, OSError):
                continue
            if role == b"master" and own:
                return node
        raise AssertionError(f"nobody has {key}")

    async def slots_of(self, node: Running) -> set[int]:
        """What it has as a primary."""
        async with client(port_of(node)) as one:
            rows = await one.execute_command("CLUSTER", "SLOTS")
        mine = [row for row in rows if int(row[2][1]) == port_of(node)]
        return {slot for row in mine for slot in range(int(row[0]), int(row[1]) + 1)}

    async def _know(self, clients: Sequence[Any]) -> bool:
        names = {await one.execute_command("CLUSTER", "MYID") for one in clients}
        known = [await one.execute_command("CLUSTER", "NODES") for one in clients]
        return all(name in nodes for nodes in known for name in names)

    async def _serve(self, clients: Sequence[Any]) -> bool:
        for one in clients:
            if not await self._counts(one, "cluster_state", "ok"):
                return False
            role, *rest = await one.execute_command("ROLE")
            if role == b"slave" and rest[2] != b"connected":
                return False
        slots = await clients[0].execute_command("CLUSTER", "SLOTS")
        return sum(len(row) - 2 for row in slots) == len(clients)

    async def _counts(self, one: Any, name: str, expected: object) -> bool:
        info = await one.execute_command("CLUSTER", "INFO")
        return f"{name}:{expected}".encode() in info.split(b"\r\n")


class SentinelSet:
    """A primary with replicas, and sentinels that watch them. Made by `sentinel_set`."""

    def __init__(self, folder: Path, replicas: int, sentinels: int, options: Mapping[str, str]) -> None:
        primary, *others = free_ports(1 + replicas)
        alone = {"cluster-enabled": "no", **options}
        self.nodes = [Running(_valkey(folder, "valkey-1", primary, alone))]
        for number, port in enumerate(others, 2):
            replica = {**alone, "replicaof": f"{HOST} {primary}"}
            self.nodes.append(Running(_valkey(folder, f"valkey-{number}", port, replica)))
        text = (CONFIG / "sentinel.conf").read_text().replace("10.0.0.11 6379", f"{HOST} {primary}")
        ports = free_ports(sentinels)
        self.sentinels = [Running(_sentinel(folder, f"sentinel-{port}", port, text)) for port in ports]
        self.url = ",".join(f"redis://{HOST}:{port}" for port in ports)

    async def copied(self) -> None:
        """Return when the primary has all its replicas: sentinels ask it for them every ten seconds only."""
        async with client(port_of(self.nodes[0])) as primary:
            await until(lambda: self._has_replicas(primary), "the primary has its replicas")

    async def form(self) -> None:
        """Return when all sentinels know of all servers and of each other."""
        async with AsyncExitStack() as stack:
            ports = [port_of(node) for node in self.sentinels]
            clients = [await stack.enter_async_context(client(port)) for port in ports]
            await until(lambda: self._know(clients), "all sentinels know of each other")

    async def set(self, option: str, value: str) -> None:
        """Change what stands in `sentinel.conf`, at all sentinels."""
        for node in self.sentinels:
            async with client(port_of(node)) as one:
                await one.execute_command("SENTINEL", "SET", "danmaku", option, value)

    async def _has_replicas(self, primary: Any) -> bool:
        _, _, replicas = await primary.execute_command("ROLE")
        return len(replicas) == len(self.nodes) - 1

    async def _know(self, clients: Sequence[Any]) -> bool:
        for one in clients:
            facts = await one.sentinel_master("danmaku")
            known = int(facts["num-slaves"]), int(facts["num-other-sentinels"])
            if known != (len(self.nodes) - 1, len(self.sentinels) - 1):
                return False
        return True


@asynccontextmanager
async def nats_cluster(folder: Path, size: int = 3) -> AsyncIterator[NatsCluster]:
    whole = NatsCluster(folder, size)
    async with AsyncExitStack() as stack:
        for node in whole.nodes:
            await _run(stack, node)
        await whole.form()
        yield whole


@asynccontextmanager
async def valkey_cluster(
    folder: Path, primaries: int = 3, servers: int = 3, **options: str
) -> AsyncIterator[ValkeyCluster]:
    """Those that are no primaries are shared out as replicas. `options` of the servers, with underscores."""
    whole = ValkeyCluster(folder, primaries, servers, _dashed(options))
    async with AsyncExitStack() as stack:
        for node in whole.nodes:
            await _run(stack, node)
        await whole.form()
        yield whole


@asynccontextmanager
async def sentinel_set(
    folder: Path, replicas: int = 2, sentinels: int = 3, **options: str
) -> AsyncIterator[SentinelSet]:
    """`options` of the servers, with underscores."""
    whole = SentinelSet(folder, replicas, sentinels, _dashed(options))
    async with AsyncExitStack() as stack:
        for node in whole.nodes:
            await _run(stack, node)
        await whole.copied()
        for node in whole.sentinels:
            await _run(stack, node)
        await whole.form()
        yield whole


def client(port: int) -> Any:
    """A plain client of one server, to be entered."""
    return redis.Redis(host=HOST, port=port, socket_timeout=5, protocol=2)


async def until(condition: Any, what: str, deadline_s: float = _READY_S) -> None:
    deadline = time.monotonic() + deadline_s
    while not await condition():
        assert time.monotonic() < deadline, f"not within {deadline_s:g} s: {what}"
        await asyncio.sleep(_POLL_S)


async def role_of(node: Running) -> list[Any]:
    """What ROLE says there, or that it is away."""
    try:
        async with client(port_of(node)) as one:
            role: list[Any] = await one.execute_command("ROLE")
            return role
    except (RedisError, OSError):
        return [b"away"]


async def primaries_of(store: ValkeyCluster | SentinelSet) -> list[Running]:
    """Those that say they are one, now."""
    return [node for node in store.nodes if (await role_of(node))[0] == b"master"]


async def caught_up(primary: Running) -> None:
    """Return when all its replicas have what it has now: whichever takes over, nothing of it is lost."""
    _, there, _ = await role_of(primary)

    async def they_have() -> bool:
        _, _, replicas = await role_of(primary)
        return all(int(offset) >= there for _, _, offset in replicas)

    await until(they_have, "its replicas have what it has")


def port_of(node: Running) -> int:
    """Of one of these servers."""
    assert isinstance(node.server, Server)
    return node.server.port


async def _run(stack: AsyncExitStack, node: Running) -> None:
    node.start()
    stack.callback(node.kill)
    await node.server.wait_ready(_READY_S)


def _valkey(folder: Path, name: str, port: int, options: Mapping[str, str]) -> Server:
    data = folder / name
    data.mkdir(parents=True, exist_ok=True)
    log = data / "log"
    given = {"bind": HOST, "port": str(port), "dir": str(data), "logfile": str(log), **options}
    words = [word for key, value in given.items() for word in (f"--{key}", *value.split(" "))]
    own = data / "valkey.conf"  # sentinels let it write there
    own.write_text((CONFIG / "valkey.conf").read_text())
    return Server(name, [valkey_binary(), str(own), *words], port, log)


def _sentinel(folder: Path, name: str, port: int, text: str) -> Server:
    data = folder / name
    data.mkdir(parents=True, exist_ok=True)
    log, file = data / "log", data / "sentinel.conf"
    file.write_text(text)
    words = ["--sentinel", "--bind", HOST, "--port", str(port), "--dir", str(data), "--logfile", str(log)]
    return Server(name, [valkey_binary(), str(file), *words], port, log)


def _dashed(options: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in options.items()}
