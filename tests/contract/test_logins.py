"""How bus and store let one in, by settings and files, and what is said to whom they do not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import nkeys
import pytest
from structlog.testing import capture_logs

from config.settings import Nats, Rooms, Store
from danmaku.bus import BusDown
from danmaku.bus.nats import NatsBus
from danmaku.login import LoginError
from danmaku.servers import Running, ValkeyServer, nats_binary, running
from danmaku.store.conversations import Append
from danmaku.store.errors import StoreDown
from danmaku.store.valkey import ValkeyStore
from danmaku.store.valkey.servers import servers
from tests.engines import CONFIG, HOST, Certificates, Server, client, port_of, sentinel_set, valkey_cluster
from tests.listening import accept_no_more
from tests.ports import free_port
from tests.waiting import until

TIMEOUT_S = 10.0  # a busy machine answers sooner
LONG = 60_000  # ms


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@asynccontextmanager
async def nats(folder: Path, text: str) -> AsyncIterator[tuple[Running, str]]:
    """A server with this in its configuration, and `HOST:PORT`."""
    port = free_port()
    file, log = folder / "nats.conf", folder / "nats.log"
    file.write_text(f"listen: {HOST}:{port}\n{text}\n")
    server = Server("nats", [nats_binary(), "--config", str(file), "--log", str(log)], port, log)
    async with running(server) as child:
        yield child, f"{HOST}:{port}"


async def works(settings: Nats) -> None:
    bus = await NatsBus.connect(settings, "test")
    await bus.flush(TIMEOUT_S)
    await bus.close()


def seed_of(kind: int, raw: bytes) -> tuple[str, str]:
    """A seed and its public key, as NATS writes them."""
    seed = nkeys.encode_seed(raw, kind)
    return seed.decode(), nkeys.from_seed(bytearray(seed)).public_key.decode()


USER: Final = seed_of(nkeys.PREFIX_BYTE_USER, bytes(range(32)))
ACCOUNT: Final = seed_of(nkeys.PREFIX_BYTE_ACCOUNT, bytes(range(1, 33)))
OPERATOR: Final = seed_of(nkeys.PREFIX_BYTE_OPERATOR, bytes(range(2, 34)))


async def test_it_logs_in_by_a_password_and_by_no_other(tmp_path: Path) -> None:
    text = 'authorization { user: danmaku, password: "open sesame" }'
    async with nats(tmp_path, text) as (_, where):
        await works(Nats(url=f"nats://{where}", user="danmaku", password="open sesame"))
        with pytest.raises(BusDown, match=r"Authorization|ConnectionReset"):  # it hangs up as it says why
            await works(Nats(url=f"nats://{where}", user="danmaku", password="simsim"))


async def test_it_logs_in_by_a_token(tmp_path: Path) -> None:
    async with nats(tmp_path, 'authorization { token: "t0ken" }') as (_, where):
        file = tmp_path / "token"
        file.write_text("t0ken\n")
        await works(Nats(url=f"nats://{where}", token_file=str(file)))


async def test_it_logs_in_by_the_seed_of_an_nkey(tmp_path: Path) -> None:
    seed, public = USER
    async with nats(tmp_path, f"authorization {{ users: [{{ nkey: {public} }}] }}") as (_, where):
        file = tmp_path / "seed"
        file.write_text(seed)
        await works(Nats(url=f"nats://{where}", nkey_file=str(file)))


async def test_it_logs_in_by_credentials(tmp_path: Path) -> None:
    """As `nsc` makes them: an operator signs for an account, which signs for a user."""
    operator = signed(OPERATOR, OPERATOR[1], "operator", {"type": "operator"})
    account = signed(OPERATOR, ACCOUNT[1], "account", {"type": "account", "limits": {"conn": -1, "subs": -1}})
    user = signed(ACCOUNT, USER[1], "user", {"type": "user", "subs": -1, "data": -1, "payload": -1})
    text = f"operator: {operator}\nresolver: MEMORY\nresolver_preload: {{ {ACCOUNT[1]}: {account} }}"
    file = tmp_path / "user.creds"
    file.write_text(
        f"-----BEGIN NATS USER JWT-----\n{user}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{USER[0]}\n------END USER NKEY SEED------\n"
    )
    async with nats(tmp_path, text) as (_, where):
        await works(Nats(url=f"nats://{where}", credentials_file=str(file)))


async def test_each_side_goes_by_the_certificate_of_the_other(
    tmp_path: Path, certificates: Certificates
) -> None:
    ca, certificate, key = (
        str(file) for file in (certificates.ca, certificates.certificate, certificates.key)
    )
    text = f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{ca}", verify: true }}'
    async with nats(tmp_path, text) as (_, where):
        good = Nats(url=f"tls://{where}", timeout_s=4, ca_file=ca, certificate_file=certificate, key_file=key)
        await works(good)
        with pytest.raises(BusDown, match=r"CERTIFICATE|ConnectionReset|BrokenPipe"):
            await works(msgspec.structs.replace(good, certificate_file="", key_file=""))
        other = Certificates(tmp_path / "other")
        with pytest.raises(BusDown, match=r"certificate|CERTIFICATE"):
            await works(msgspec.structs.replace(good, ca_file=str(other.ca)))


async def test_no_password_is_told_to_a_server_without_tls(tmp_path: Path) -> None:
    text = 'authorization { user: danmaku, password: "open sesame" }'
    async with nats(tmp_path, text) as (_, where):
        with pytest.raises(BusDown, match="the server has none"):
            await works(Nats(url=f"tls://{where}", user="danmaku", password="open sesame"))


async def test_a_password_that_was_changed_is_read_anew(tmp_path: Path) -> None:
    def text(password: str) -> str:
        return f'authorization {{ user: danmaku, password: "{password}" }}'

    file = tmp_path / "password"
    file.write_text("first")
    async with nats(tmp_path, text("first")) as (child, where):
        bus = await NatsBus.connect(Nats(url=f"nats://{where}", user="danmaku", password_file=str(file)), "t")
        child.kill()
        config = tmp_path / "nats.conf"
        config.write_text(config.read_text().replace("first", "second"))
        file.write_text("second")
        child.start()
        await until(lambda: not bus.connected)
        await until(lambda: bus.connected)
        await bus.close()


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"user": "u", "password_file": "nowhere"}, r"nats.password_file = .*nowhere.*No such file"),
        ({"token_file": "empty"}, "nats.token_file = .*empty: there is nothing in it"),
        ({"nkey_file": "nowhere"}, "nats.nkey_file"),
        ({"credentials_file": "nowhere"}, "nats.credentials_file"),
        ({"ca_file": "empty"}, "nats.ca_file"),
        ({"certificate_file": "empty", "key_file": "empty"}, "nats.certificate_file"),
    ],
)
async def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, keys: dict[str, str], says: str) -> None:
    (tmp_path / "empty").touch()
    files = {key: str(tmp_path / value) if key.endswith("_file") else value for key, value in keys.items()}
    with pytest.raises(LoginError, match=says):
        await works(Nats(url="tls://127.0.0.1:1", **files))  # type: ignore[arg-type]  # all of them are texts


async def test_a_cluster_by_the_acl_of_the_example(tmp_path: Path) -> None:
    users = re.findall(r"^#     (user .*)$", (CONFIG / "valkey.conf").read_text(), re.MULTILINE)
    acl = tmp_path / "users.acl"
    (own,) = (user for user in users if user.startswith("user danmaku "))
    less = own.replace("danmaku", "less", 1) + " -info -role -wait"
    lines = [*users[1:], less, "user default on nopass ~* +@all", ""]
    acl.write_text("\n".join(lines).replace("PASSWORD", "sesame"))
    file = tmp_path / "password"
    file.write_text("sesame")
    options = {"aclfile": str(acl), "masteruser": "replica", "masterauth": "sesame"}
    async with valkey_cluster(tmp_path, primaries=1, servers=2, **options) as whole:
        for node in whole.nodes:  # it was let in so far to make a cluster of them
            async with client(port_of(node)) as one:
                await one.execute_command("ACL", "SETUSER", *users[0].split()[1:])
        good = Store(
            url=whole.url,
            kind="cluster",
            timeout_s=TIMEOUT_S,
            replicas=1,
            user="danmaku",
            password_file=str(file),
        )
        store = await ValkeyStore.connect(good, Rooms())
        await store.leases.check_layout(64, 256)
        await store.leases.take([1], "one", LONG)
        await store.conversations.append([Append("p:a:b", "a", 1, b"", "c", indexed=True)])
        assert await store.leases.holders()
        await store.close()
        for bad in (
            msgspec.structs.replace(good, password_file="", password="simsim"),
            msgspec.structs.replace(good, password_file="", user=""),
        ):
            with pytest.raises(StoreDown, match="nobody tells where the store is"):
                await ValkeyStore.connect(bad, Rooms())
        store = await ValkeyStore.connect(msgspec.structs.replace(good, replicas=0, user="less"), Rooms())
        assert await store.leases.take([2], "one", LONG), "without replicas it need not tell of them"
        await store.close()


async def test_sentinels_with_a_password_of_their_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with sentinel_set(tmp_path, replicas=0, sentinels=1) as whole:
        async with client(port_of(whole.sentinels[0])) as one:
            await one.execute_command("ACL", "SETUSER", "asker", "on", ">sesame", "~*", "+@all")
            await one.execute_command("ACL", "SETUSER", "default", "off")
        good = Store(
            url=whole.url,
            kind="sentinel",
            timeout_s=TIMEOUT_S,
            sentinel_user="asker",
            sentinel_password="sesame",
        )
        store = await ValkeyStore.connect(good, Rooms())
        await store.close()
        bad = msgspec.structs.replace(good, sentinel_password="simsim")
        with pytest.raises(StoreDown, match="nobody tells where the store is"):
            await ValkeyStore.connect(bad, Rooms())
        file = tmp_path / "password"
        file.write_text("sesame")
        filed = msgspec.structs.replace(good, sentinel_password="", sentinel_password_file=str(file))
        there = servers(filed)
        file.unlink()
        with capture_logs() as said:
            for _ in range(2):  # who looks goes on looking when asked, and says once what is wrong
                there.doubt()
                await there.settled()
                assert there.all() == []
        assert [str(file) in one["error"] for one in said if one["log_level"] == "warning"] == [True]
        file.write_text("sesame")
        there.doubt()
        await there.settled()
        assert len(there.all()) == 1
        assert [one.getMessage() for one in caplog.records] == [], "no task failed unheard"
        await there.close()


async def test_a_store_with_tls(tmp_path: Path, certificates: Certificates) -> None:
    """The server that comes with the package has no TLS of its own: somebody in front of it has."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates.ca))
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.verify_mode = ssl.CERT_REQUIRED
    server = ValkeyServer(tmp_path / "valkey")
    async with running(server), AsyncExitStack() as stack:
        port = await stack.enter_async_context(tls_in_front(server, context))
        good = Store(
            url=f"rediss://{HOST}:{port}",
            timeout_s=TIMEOUT_S,
            ca_file=str(certificates.ca),
            certificate_file=str(certificates.certificate),
            key_file=str(certificates.key),
        )
        store = await ValkeyStore.connect(good, Rooms())
        assert await store.leases.take([1], "one", LONG)
        await store.close()
        other = Certificates(tmp_path / "other")
        for bad, says in (
            (msgspec.structs.replace(good, ca_file=str(other.ca)), "CERTIFICATE_VERIFY_FAILED"),
            (msgspec.structs.replace(good, certificate_file="", key_file=""), "closed|reset|pipe|CERTIF"),
        ):
            with pytest.raises(StoreDown, match=says):
                await ValkeyStore.connect(bad, Rooms())
        with pytest.raises(LoginError, match=r"store\.ca_file"):
            await ValkeyStore.connect(msgspec.structs.replace(good, ca_file="/nowhere"), Rooms())


@asynccontextmanager
async def tls_in_front(server: ValkeyServer, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Listens with TLS on a port, and hands on what it hears; ends when all have hung up."""
    serving: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(server.socket))
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
        for end in (writer, inner_writer):
            with suppress(OSError):
                await end.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    listening = await asyncio.start_server(connected, HOST, 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
        await accept_no_more(listening)
        async with asyncio.timeout(20):
            await asyncio.gather(*serving)


def signed(by: tuple[str, str], subject: str, name: str, what: dict[str, Any]) -> str:
    """A JWT of NATS: `by` says so of `subject`."""
    seed, issuer = by
    claims = {
        "jti": hashlib.sha256(subject.encode()).hexdigest(),
        "iat": int(time.time()),
        "iss": issuer,
        "sub": subject,
        "name": name,
        "nats": {**what, "version": 2},
    }
    head = {"typ": "JWT", "alg": "ed25519-nkey"}
    text = f"{_base64(json.dumps(head).encode())}.{_base64(json.dumps(claims).encode())}"
    return f"{text}.{_base64(nkeys.from_seed(bytearray(seed.encode())).sign(text.encode()))}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
