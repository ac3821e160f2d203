"""A room that has viewers here, and what belongs to that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from danmaku.bus import Subscription
from edge.feed import Feed
from edge.forms import Topics
from edge.ride import Ride


class Stage:
    """A feed and what belongs to it: topics, subscription, those who wait for it, its end.

    `task` opens it or mends it: one thing at a time.
    """

    __slots__ = ("__weakref__", "feed", "linger", "open", "ride", "subscription", "task", "topics", "waiting")

    def __init__(self, room: str, feed: Feed) -> None:
        self.topics = Topics(room)
        self.feed = feed
        self.ride = Ride()
        self.open = False  # filled from history; before that nobody is let in
        self.waiting: list[Opened] = []
        self.subscription: Subscription | None = None
        self.task: asyncio.Task[None] | None = None
        self.linger: asyncio.TimerHandle | None = None


Opened = Callable[[Stage | None], None]
"""Told when it is filled, or with None that it could not be."""
