"""Edges that speak TLS themselves: certificates renewed while viewers are there, or refused by name."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import msgpack
import pytest
import trustme
import websockets

from tests.system.deployment import HOST, Deployment, environment, until

DEADLINE_S: Final = 20


class Files:
    """A certificate and its key, issued again whenever one likes."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.ca, self.chain, self.key = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
        self._authority.cert_pem.write_to_path(self.ca)

    def issue(self, name: str) -> None:
        issued = self._authority.issue_cert(HOST, name)
        self._replace(self.key, issued.private_key_pem.bytes())
        self._replace(self.chain, b"".join(part.bytes() for part in issued.cert_chain_pems))

    @staticmethod
    def _replace(path: Path, content: bytes) -> None:
        new = path.with_suffix(".new")
        new.write_bytes(content)
        new.rename(path)

    @property
    def settings(self) -> dict[str, str]:
        return {"DANMAKU_EDGE_TLS_CERTIFICATE": str(self.chain), "DANMAKU_EDGE_TLS_KEY": str(self.key)}

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca)


class Viewer:
    """Somebody who is there over wss."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket

    @property
    def names(self) -> Any:
        """Those of the certificate that it got."""
        return [name for kind, name in self._socket.transport.get_extra_info("peercert")["subjectAltName"]]

    async def ask(self, **frame: Any) -> dict[str, Any]:
        await self._socket.send(msgpack.packb(frame))
        async with asyncio.timeout(DEADLINE_S):
            while True:
                unpacker = msgpack.Unpacker()
                unpacker.feed(await self._socket.recv())
                for heard in unpacker:
                    if heard.get("id") == frame["id"]:
                        return dict(heard)


def get(port: int, context: ssl.SSLContext) -> tuple[str, list[str]]:
    """The status line of `/healthz`, and the names in the certificate of whoever answered."""
    with (
        socket.create_connection((HOST, port), timeout=DEADLINE_S) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as sock,
    ):
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        certificate: Any = sock.getpeercert()
        return sock.recv(64).decode().partition("\r\n")[0], [
            name for _, name in certificate["subjectAltName"]
        ]


async def test_a_renewed_certificate_is_taken_while_viewers_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path)
    files.issue("one.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(files.ca))  # for whatever asks by urllib
    service = Deployment(tmp_path, "--workers", "1", **files.settings)
    context = files.trusting()
    try:
        await asyncio.to_thread(service.start)
        service.url = str(service.data.url())
        assert service.url == f"https://{HOST}:{service.port}"
        url = f"wss://{HOST}:{service.port}/v1/ws"
        async with websockets.connect(url, ssl=context, proxy=None) as connected:
            viewer = Viewer(connected)
            assert "one.example" in viewer.names
            assert (await viewer.ask(t="hello", id=1))["t"] == "ok"
            assert (await viewer.ask(t="join", id=2, room="r"))["t"] == "ok"
            edges = await asyncio.to_thread(service.caller().get, "/v1/edges?room=r")
            assert [edge["address"] for edge in edges["edges"]] == [url]

            files.key.write_bytes(b"no key at all")
            await asyncio.to_thread(until, lambda: "the former certificate stays" in service.said, "refused")
            status, names = await asyncio.to_thread(get, service.port, context)
            assert (status, "one.example" in names) == ("HTTP/1.1 200 OK", True)

            files.issue("two.example")
            await asyncio.to_thread(
                until, lambda: "two.example" in get(service.port, context)[1], "the new certificate"
            )
            said = await viewer.ask(t="send", id=3, room="r", text="still here", cid="c1")
            assert (said["t"], said["shown"]) == ("ok", True)
            async with websockets.connect(url, ssl=context, proxy=None) as other:
                assert "two.example" in Viewer(other).names
            metrics = await asyncio.to_thread(service.read, "/metrics")
            assert "danmaku_edge_certificates_refused_total 1.0" in metrics
        await asyncio.to_thread(_nothing_else_is_spoken, service.port, files.ca)
    finally:
        service.kill()


def _nothing_else_is_spoken(port: int, ca: Path) -> None:
    """Neither plain HTTP, nor old TLS; who tries harms nobody else."""
    with socket.create_connection((HOST, port), timeout=DEADLINE_S) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP" not in plain.recv(64)
    old = ssl.create_default_context(cafile=ca)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        get(port, old)
    assert get(port, ssl.create_default_context(cafile=ca))[0] == "HTTP/1.1 200 OK"


def test_a_certificate_that_cannot_be_used_is_refused_by_name(tmp_path: Path) -> None:
    one, other = Files(tmp_path), tmp_path / "other"
    other.mkdir()
    one.issue("one.example")
    two = Files(other)
    two.issue("two.example")
    settings = {
        **one.settings,
        "DANMAKU_EDGE_TLS_KEY": str(two.key),
        "DANMAKU_NATS_URL": "nats://127.0.0.1:1",
        "DANMAKU_AUTH_SECRET": "x" * 32,
    }
    argv = [sys.executable, "-m", "edge", "--port", "0", "--worker", "1"]
    done = subprocess.run(argv, env=environment(**settings), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "edge: edge.tls_certificate and edge.tls_key do not belong together" in done.stderr
