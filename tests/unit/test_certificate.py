"""Certificates: which can be used, and how it is said why one cannot."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509 import CertificateBuilder, Name, random_serial_number

from danmaku.certificate import CertificateError, load, understood
from danmaku.doctor import certificate as look_at

BEGINS, ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
DAY_S = 24 * 3600
PKCS8 = Encoding.PEM, PrivateFormat.PKCS8
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def pem(key: Key, *, password: bytes | None = None) -> bytes:
    return key.private_bytes(*PKCS8, BestAvailableEncryption(password) if password else NoEncryption())


def own(key: Key) -> bytes:
    """A certificate that `key` signed for itself."""
    nobody = Name([])
    begun = CertificateBuilder(nobody, nobody, key.public_key(), random_serial_number(), BEGINS, ENDS)
    signing = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
    return begun.sign(key, signing).public_bytes(Encoding.PEM)


KEY = ec.generate_private_key(ec.SECP256R1())
CHAIN = own(KEY)


def test_a_chain_as_it_is_issued() -> None:
    issued = trustme.CA().issue_cert("live.example")
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    found = understood(chain, issued.private_key_pem.bytes())
    assert (found.chain, found.key) == (chain, issued.private_key_pem.bytes())
    assert found.begins_s < time.time() < found.ends_s


@pytest.mark.parametrize(
    ("chain", "key", "why"),
    [
        (b"", pem(KEY), "tls_certificate must name a PEM file"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", pem(KEY), "tls_certificate must"),
        (pem(KEY), pem(KEY), "tls_certificate must name a PEM file"),
        (CHAIN, b"", "tls_key must name a PEM file"),
        (CHAIN, CHAIN, "tls_key must name a PEM file"),
        (CHAIN, pem(KEY, password=b"secret"), "not encrypted"),
        (CHAIN, pem(ec.generate_private_key(ec.SECP256R1())), "do not belong together"),
    ],
)
def test_what_cannot_be_used_is_said_by_name(chain: bytes, key: bytes, why: str) -> None:
    with pytest.raises(CertificateError, match=why):
        understood(chain, key)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: rsa.generate_private_key(65537, 1024), "2048 bits"),  # noqa: S505  that is what is tested
        (ed25519.Ed25519PrivateKey.generate, "RSA or an elliptic curve"),
    ],
)
def test_keys_that_are_weak_or_that_browsers_do_not_know(make: Callable[[], Key], why: str) -> None:
    key = make()
    with pytest.raises(CertificateError, match=why):
        understood(own(key), pem(key))


def files(folder: Path) -> tuple[str, str]:
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(CHAIN)
    key.write_bytes(pem(KEY))
    return str(chain), str(key)


def test_it_is_in_force_for_a_time(tmp_path: Path) -> None:
    named = files(tmp_path)
    assert load(*named, BEGINS.timestamp()).ends_s == ENDS.timestamp()
    for now, why in ((BEGINS.timestamp() - 1, "not in force yet"), (ENDS.timestamp(), "has expired")):
        with pytest.raises(CertificateError, match=why):
            load(*named, now)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    chain, key = files(tmp_path)
    with pytest.raises(CertificateError, match="tls_key = /no/such: No such file"):
        load(chain, "/no/such", 0)
    with pytest.raises(CertificateError, match="tls_certificate = /dev/zero: is larger"):
        load("/dev/zero", key, 0)


def test_the_doctor_warns_in_time(tmp_path: Path) -> None:
    named = files(tmp_path)
    for days, state in ((30, "ok"), (20, "warning"), (-1, "broken")):
        assert look_at(*named, ENDS.timestamp() - days * DAY_S).state == state
