"""What keeps an edge from starting."""

from __future__ import annotations


class NotStarted(Exception):
    """The service cannot start like this; the text says why and what helps."""
