"""Log lines: text or JSON on stderr, each with the name of its process."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, Final

import structlog

from config.settings import Log

_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure_logging(settings: Log, process: str) -> None:
    """Log lines to stderr from now on, as text or JSON, each with the name of the process.

    Both structlog and the standard library's loggers end up there. May be called again.
    """
    level = _LEVELS[settings.level]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(process),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering(settings))
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def get_logger(name: str) -> Any:
    """A logger: `log.info("an event in words", key=value)`."""
    return structlog.get_logger(name)


def _named(process: str) -> structlog.typing.Processor:
    def add(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    return add


def _rendering(settings: Log) -> list[structlog.typing.Processor]:
    drop_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if settings.format == "json":
        return [
            drop_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    plain = structlog.dev.plain_traceback  # the prettier ones show local variables, and so secrets
    console = structlog.dev.ConsoleRenderer(
        colors=_colored(), pad_event_to=0, sort_keys=False, exception_formatter=plain
    )
    return [drop_meta, console]


def _colored() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
