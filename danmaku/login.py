"""How bus and store let one in: what settings say, and what stands in their files, read at each call."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from config.settings import Nats


class LoginError(Exception):
    """A file with a secret or a certificate cannot be used. The text says which, and why."""


def nats_options(settings: Nats) -> dict[str, Any]:
    """What nats-py wants for `connect`, beside the servers. Raises LoginError."""
    password = secret("nats.password", settings.password, settings.password_file)
    token = secret("nats.token", settings.token, settings.token_file)
    for key in ("nkey_file", "credentials_file"):
        if file := getattr(settings, key):
            _read(f"nats.{key}", file)  # nats-py would fail later, and say less
    options = {
        "user": settings.user,
        "password": password,
        "token": token,
        "nkeys_seed": settings.nkey_file,
        "user_credentials": settings.credentials_file,
        "tls": tls("nats", settings.ca_file, settings.certificate_file, settings.key_file),
    }
    return {name: value for name, value in options.items() if value}


def secret(key: str, value: str, file: str) -> str:
    """The secret that is called `key`: itself, or what stands in its file. Raises LoginError."""
    if not file:
        return value
    found = _read(f"{key}_file", file).strip()
    if not found:
        raise LoginError(f"{key}_file = {file}: there is nothing in it")
    return found


def tls(section: str, ca_file: str, certificate_file: str, key_file: str) -> ssl.SSLContext | None:
    """Trusts `ca_file`, else whom this system trusts. None where nothing is given. Raises LoginError."""
    if not ca_file and not certificate_file:
        return None
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ValueError) as error:  # what is wrong in it is an SSLError, which is an OSError
        raise LoginError(f"{section}.ca_file = {ca_file}: {error}") from error
    if certificate_file:
        try:
            context.load_cert_chain(certificate_file, key_file)
        except (OSError, ValueError) as error:
            text = (
                f"{section}.certificate_file = {certificate_file}, {section}.key_file = {key_file}: {error}"
            )
            raise LoginError(text) from error
    return context


def _read(key: str, file: str) -> str:
    try:
        return Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise LoginError(f"{key} = {file}: {error}") from error
