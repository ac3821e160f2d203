"""A certificate and its key, as files of PEM say them: whether they can be used together, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

MIN_RSA_BITS: Final = 2048
_MOST_BYTES: Final = 256 * 1024  # of one file; a chain has a few kilobytes
_BAD: Final = (ValueError, TypeError, UnsupportedAlgorithm)


class CertificateError(Exception):
    """A certificate that cannot be used; the text says which setting and why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two files as they were read, known to belong together; in force between two times (s since 1970)."""

    chain: bytes
    key: bytes
    begins_s: float
    ends_s: float


def load(certificate_file: str, key_file: str, now_s: float) -> Certificate:
    """Read both files and look at them at `now_s`. Raises CertificateError."""
    certificate = understood(_read(certificate_file, "certificate"), _read(key_file, "key"))
    if not certificate.begins_s <= now_s < certificate.ends_s:
        when = "is not in force yet" if now_s < certificate.begins_s else "has expired"
        raise CertificateError(f"edge.tls_certificate = {certificate_file}: it {when}")
    return certificate


def understood(chain: bytes, key: bytes) -> Certificate:
    """What the bytes of both files say. Raises CertificateError."""
    try:
        first = x509.load_pem_x509_certificates(chain)[0]
        public = first.public_key()
    except _BAD as error:
        raise CertificateError(
            f"edge.tls_certificate must name a PEM file with a certificate: {error}"
        ) from None
    try:
        private = load_pem_private_key(key, None)
    except _BAD:
        raise CertificateError(
            "edge.tls_key must name a PEM file with a private key, not encrypted"
        ) from None
    if not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise CertificateError("edge.tls_certificate must be of an RSA or an elliptic curve key")
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < MIN_RSA_BITS:
        raise CertificateError(f"edge.tls_certificate must be of a key of at least {MIN_RSA_BITS} bits")
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(*form) != public.public_bytes(*form):
        raise CertificateError("edge.tls_certificate and edge.tls_key do not belong together")
    begins, ends = first.not_valid_before_utc, first.not_valid_after_utc
    return Certificate(chain, key, begins.timestamp(), ends.timestamp())


def _read(path: str, which: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            found = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CertificateError(f"edge.tls_{which} = {path}: {error.strerror}") from None
    if len(found) > _MOST_BYTES:
        raise CertificateError(f"edge.tls_{which} = {path}: is larger than {_MOST_BYTES} bytes")
    return found
