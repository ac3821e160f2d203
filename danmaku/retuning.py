"""What of a process's own plumbing has to be told when settings are adjusted, for it does not read them."""

from __future__ import annotations

from collections.abc import Collection

from config.live import Running
from danmaku.slow import Slow
from danmaku.tracing.spans import Spans


def retune(running: Running, slow: Slow, spans: Spans | None) -> None:
    """As long as the process runs: `log.slow_ms` and `tracing.ratio`."""

    def adjusted(_: Collection[str]) -> None:
        slow.go_by(running.settings.log.slow_ms)
        if spans is not None:
            spans.ratio = running.settings.tracing.ratio

    running.listen(adjusted)
