"""`danmaku mod` with all its commands: a module makes its own known when it is imported."""

from __future__ import annotations

from danmaku import cli_mod, cli_recalls, cli_records, cli_review, cli_rules, cli_words
from danmaku.cli_desk import app

__all__ = ["app", "cli_mod", "cli_recalls", "cli_records", "cli_review", "cli_rules", "cli_words"]
