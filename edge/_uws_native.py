"""The native library of `edge.uws`: loaded once per process, with what its wrapper does not declare.

The only file that imports socketify, and of it no more than the library itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from types import TracebackType
from typing import Any, Final

from cffi import FFI

from danmaku.certificate import Certificate, CertificateError
from edge._uws_http import HEADER, Pointer
from edge._uws_tls import CALLS, Swap, options
from edge.loop_bridge import LibuvMissing

logger = logging.getLogger("edge.uws")

_READABLE: Final = 1  # what a listening socket is when somebody waits there
_LISTEN_SHARED: Final = 0
_LISTEN_EXCLUSIVE: Final = 1


class NativeLibrary:
    """The loaded library, its one event loop per process, and who owns it."""

    def __init__(self) -> None:
        try:
            from socketify.native import ffi, lib, library_path
        except OSError as error:
            if "libuv" in str(error):
                raise LibuvMissing from error
            raise
        self.ffi: Any = ffi
        self.lib: Any = lib
        loop = lib.socketify_get_native_loop(lib.socketify_create_loop())
        lib.uws_get_loop_with_native(loop)
        self.loop_address = int(ffi.cast("uintptr_t", loop))
        more = self._declare(ffi)
        self._sockets = more.dlopen(library_path)
        self.header = more.typeof("struct header *")
        self.ssl = 0  # the first argument of nearly every native call: whether it is about TLS
        self._callbacks: list[Pointer] = []  # kept for ever: native code never says that it forgot one
        self._owner: object | None = None

    def create_app(self, owner: object, certificate: Certificate | None) -> Pointer:
        if self._owner is not None:
            raise RuntimeError("this process already has a Server")
        self.ssl = int(certificate is not None)
        with options(self.ffi, certificate) as given:
            app = self.lib.uws_create_app(self.ssl, given[0])
        if self.lib.uws_constructor_failed(self.ssl, app):
            raise CertificateError("edge.tls_certificate: the native library does not take it")
        self._owner = owner
        return app

    def swap(self, context: Pointer) -> Swap:
        return Swap(self.ffi, self._sockets, context)

    def is_owned_by(self, server: object) -> bool:
        return self._owner is server

    def release(self, server: object) -> None:
        if self._owner is server:
            self._owner = None

    def keep(self, signature: str, function: Callable[..., None]) -> Pointer:
        """`function` as a native callback that never dies and never lets an exception through."""
        callback = self.ffi.callback(signature, function, onerror=_log_error)
        self._callbacks.append(callback)
        return callback

    def listen(self, app: Pointer, host: str, port: int, *, shared: bool) -> Pointer:
        """The listening socket, or None. Native code tells nothing of why."""
        answers: list[Pointer] = []
        on_answer = self.ffi.callback(
            "uws_listen_handler", lambda listening, _config, _data: answers.append(listening)
        )
        address = self.ffi.new("char[]", host.encode())
        options = _LISTEN_SHARED if shared else _LISTEN_EXCLUSIVE
        config = self.ffi.new(
            "uws_app_listen_config_t *", {"host": address, "port": port, "options": options}
        )
        self.lib.uws_app_listen_with_config(self.ssl, app, config[0], on_answer, self.ffi.NULL)
        return answers[0] if answers and answers[0] else None

    def context_of(self, native_socket: Pointer) -> Pointer:
        return self._sockets.us_socket_context(self.ssl, native_socket)

    def look(self, listening: Pointer, looks: bool) -> None:
        """Whether to see who waits to be accepted."""
        self._sockets.us_poll_change(listening, self.lib.uws_get_loop(), _READABLE if looks else 0)

    def is_closed(self, native_socket: Pointer) -> bool:
        """Whether the TCP connection is, and not only what was said over it."""
        return bool(self._sockets.us_socket_is_closed(self.ssl, native_socket))

    def close_all(self, context: Pointer) -> None:
        """Close every HTTP connection, idle ones too, which nothing else can name."""
        if context is not None:
            self._sockets.us_socket_context_close(self.ssl, context)

    @staticmethod
    def _declare(declared: Any) -> Any:
        """The library has these, but its wrapper does not declare them."""
        ffi = FFI()
        ffi.include(declared)
        ffi.cdef(CALLS)
        ffi.cdef(HEADER)
        ffi.cdef(
            """
            void *us_socket_context(int ssl, void *);
            void us_socket_context_close(int ssl, void *);
            int us_socket_is_closed(int ssl, void *);
            void us_poll_change(void *poll, void *loop, int events);
            """
        )
        return ffi


@cache
def load_native() -> NativeLibrary:
    return NativeLibrary()


def _log_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logger.error("a handler failed", exc_info=(kind, error, traceback))
