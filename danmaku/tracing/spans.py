"""Spans as they are measured here. They are told when they have ended, so nothing has to be kept open."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from danmaku.tracing.context import Context

Words = Mapping[str, str | int | bool]

_TRACE_BITS: Final = 128
_SPAN_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Span:
    """Times are nanoseconds since 1970. parent: None in the first of a trace."""

    name: str
    context: Context
    parent: Context | None
    begin_ns: int
    end_ns: int
    words: Words


class Spans:
    """Samples, numbers and tells spans. `export` must neither wait nor raise.

    ratio: which part is followed, from 0 to 1.
    """

    def __init__(
        self,
        ratio: float,
        export: Callable[[Span], None],
        clock_ns: Callable[[], int],
        chance: random.Random | None = None,
    ) -> None:
        self.ratio = ratio
        self._export = export
        self._chance = chance or random.Random()  # noqa: S311  it only chooses and numbers
        self.now = clock_ns

    def is_sampled(self) -> bool:
        """Whether the next one is followed."""
        return self._chance.random() < self.ratio

    def new(self, parent: Context | None = None) -> Context:
        """Below `parent`, or the first of a new trace."""
        trace = self._bits(_TRACE_BITS) if parent is None else parent.trace
        return Context(trace, self._bits(_SPAN_BITS))

    def tell(self, name: str, context: Context, parent: Context | None, begin_ns: int, words: Words) -> None:
        """It ends now."""
        self._export(Span(name, context, parent, begin_ns, max(begin_ns, self.now()), words))

    def _bits(self, bits: int) -> int:
        return self._chance.getrandbits(bits) or 1
