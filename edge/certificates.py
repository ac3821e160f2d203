"""The certificate of an edge, kept as its files say: looked at again and again while it serves."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from danmaku.certificate import Certificate, CertificateError, load
from danmaku.telemetry import EdgeMetrics

logger = logging.getLogger(__name__)

_LOOK_S: Final = 2.0
_Marks = tuple[tuple[int, int, int] | None, ...]


class Renewal:
    """Gives `renew` what both files hold once they have changed; what cannot be used changes nothing.

    `ends_s` is when the certificate in force ends, in seconds since 1970.
    """

    def __init__(
        self,
        certificate_file: str,
        key_file: str,
        renew: Callable[[Certificate], None],
        metrics: EdgeMetrics,
        look_s: float = _LOOK_S,
    ) -> None:
        """Raises CertificateError where the files cannot be used to begin with."""
        self._files = certificate_file, key_file
        self._renew = renew
        self._metrics = metrics
        self._look_s = look_s
        self._seen = self._marks()  # of the certificate in force
        self._refused: _Marks | None = None
        self.first = load(*self._files, time.time())
        metrics.certificate_ends.set(self.first.ends_s)

    async def run(self) -> None:
        """Until cancelled. Both files are let be for a look, as they are not written at one time."""
        last = self._seen
        while True:
            await asyncio.sleep(self._look_s)
            marks = await asyncio.to_thread(self._marks)
            if marks == last != self._seen:
                await self._use(marks)
            last = marks

    async def _use(self, marks: _Marks) -> None:
        """What is refused is tried again: it may not have begun yet, or descriptors were short."""
        try:
            certificate = await asyncio.to_thread(load, *self._files, time.time())
            self._renew(certificate)
        except (CertificateError, OSError) as error:
            if marks != self._refused:
                self._metrics.certificates_refused.inc()
                logger.error("the former certificate stays: %s", error)  # noqa: TRY400  the text says it all
            self._refused = marks
            return
        self._seen = marks
        self._metrics.certificate_ends.set(certificate.ends_s)
        logger.info("new connections get the new certificate")

    def _marks(self) -> _Marks:
        """What is another as soon as somebody writes or replaces a file."""
        return tuple(_mark(Path(file)) for file in self._files)


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
