"""The folder in which `danmaku up` keeps what must outlive it, and what belongs to one run.

It holds secrets and everybody's comments, so only its owner may look inside.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from config.settings import Settings

_SECRET_BYTES = 48


class FolderError(Exception):
    """The data folder cannot be used; the text says why and what helps."""


class DataFolder:
    """Paths below `path`, and the few things that are done with them."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.secret = self.path / "secret"
        self.nats = self.path / "nats"
        self.valkey = self.path / "valkey"
        self.metrics = self.path / "metrics"
        self.settings = self.path / "handed.toml"  # what of a file the processes of one run read again
        self._lock = self.path / "lock"
        self._url = self.path / "url"

    def make(self) -> None:
        """Make the folder, for its owner alone. Raises FolderError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(f"cannot make the data folder {self.path}: {error.strerror}") from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise FolderError(f"cannot write into the data folder {self.path}: it belongs to somebody else")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else runs on this folder while the block lasts, however it ends. Raises FolderError."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(descriptor, 32).decode(errors="replace").strip()
                raise FolderError(
                    f"danmaku already runs on the data folder {self.path} (pid {holder or 'unknown'}): "
                    "stop it, or choose another folder with --data"
                ) from None
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            yield
        finally:
            os.close(descriptor)

    def ensure_secret(self) -> Path:
        """The file with the secret that signs tokens, made if there is none. Raises FolderError.

        To be called while the folder is locked.
        """
        if not self.secret.exists():
            unfinished = self.secret.with_suffix(".new")
            unfinished.unlink(missing_ok=True)
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(_SECRET_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self.secret)
        if not self.secret.read_text().strip():
            raise FolderError(f"{self.secret} is empty: remove it to have a new one made")
        return self.secret

    def has_secret(self) -> bool:
        """Raises FolderError where nobody may look who is not the owner."""
        try:
            return self.secret.exists()
        except PermissionError:
            raise self._closed() from None

    def with_secret(self, settings: Settings) -> Settings:
        """`settings` that sign with this folder's secret, unless they bring keys or a secret of their own."""
        auth = settings.auth
        if auth.algorithm != "HS256" or auth.secret or auth.secret_file:
            return settings
        own = msgspec.structs.replace(auth, secret_file=str(self.secret))
        return msgspec.structs.replace(settings, auth=own)

    def fresh_metrics(self) -> Path:
        """An empty folder for the metrics of one run."""
        shutil.rmtree(self.metrics, ignore_errors=True)
        self.metrics.mkdir(mode=0o700)
        return self.metrics

    def readable_by_others(self) -> list[Path]:
        """What somebody else on this machine could look into and should not."""
        found = [path for path in (self.path, self.secret) if path.exists()]
        return [path for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077]

    @contextmanager
    def serving(self, url: str) -> Iterator[None]:
        """Note, while the block lasts, where the service on this folder is."""
        with self._url.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # free but for the instant in which somebody asks
            file.write(url + "\n")
            file.flush()
            try:
                yield
            finally:
                self._url.unlink(missing_ok=True)

    def url(self) -> str | None:
        """Where the service on this folder is, if it runs; what a killed one left behind does not count.

        Raises FolderError where nobody may look who is not the owner.
        """
        try:
            with self._url.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return file.read().strip() or None
                return None
        except PermissionError:
            raise self._closed() from None
        except OSError:
            return None

    def _closed(self) -> FolderError:
        return FolderError(
            f"cannot look into the data folder {self.path}: it belongs to somebody else; do it as them"
        )
