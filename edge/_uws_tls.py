"""The certificate of `edge.uws`: given to native code, and changed while it serves.

Why it is hard: native code takes a certificate only when it begins, by the names of files. A later one is
made into an object of its own, whose pointer takes the place of the former one in the native context, so
that the next handshake uses it. Where that place is, is looked for and must be found exactly once; every
connection holds on to the object it began with, and so do contexts of WebSockets: none is ever freed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from danmaku.certificate import Certificate, CertificateError
from edge._uws_http import Pointer

_CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; those of 1.3 are all good
_WORDS: Final = 32  # of a native context, in which the pointer is looked for
CALLS: Final = """
    void *us_socket_context_get_native_handle(int ssl, void *context);
    void *create_ssl_context_from_options(struct us_socket_context_options_t options);
"""  # which the library has, but its wrapper does not declare


@contextmanager
def options(ffi: Any, certificate: Certificate | None) -> Iterator[Pointer]:
    """The native options, while the block lasts. The two files exist in memory only, under a number."""
    if certificate is None:
        yield ffi.new("struct us_socket_context_options_t *")
        return
    with _as_file(certificate.chain) as chain, _as_file(certificate.key) as key:
        names = [ffi.new("char[]", name) for name in (key, chain, _CIPHERS)]
        fields = dict(zip(("key_file_name", "cert_file_name", "ssl_ciphers"), names, strict=True))
        yield ffi.new("struct us_socket_context_options_t *", fields)


class Swap:
    """Changes the certificate of the context that accepts. Raises CertificateError where that cannot be."""

    def __init__(self, ffi: Any, calls: Any, context: Pointer) -> None:
        self._ffi = ffi
        self._calls = calls
        self._context = context
        words = ffi.cast("void **", context)
        present = calls.us_socket_context_get_native_handle(1, context)
        places = [number for number in range(_WORDS) if words[number] == present]
        if len(places) != 1:
            raise CertificateError(
                "this build of the native library does not say where it keeps a certificate"
            )
        self._place = words + places[0]

    def use(self, certificate: Certificate) -> None:
        """Handshakes from now on use it. Raises CertificateError where native code does not take it."""
        with options(self._ffi, certificate) as given:
            made = self._calls.create_ssl_context_from_options(given[0])
        if not made:
            raise CertificateError("edge.tls_certificate: the native library does not take it")
        self._place[0] = made


@contextmanager
def _as_file(content: bytes) -> Iterator[bytes]:
    descriptor = os.memfd_create("danmaku-tls", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}".encode()
    finally:
        os.close(descriptor)
