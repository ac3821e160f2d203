"""NATS's client library, which does not cost its WebSockets at every start.

It imports aiohttp for servers that are reached by `ws://`: a fifth of the time that a process takes to
start. Here that package is only loaded once the library uses something of it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a package of this name, which is loaded when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


_LARGE = "aiohttp"
_stands_in = sys.modules.setdefault(_LARGE, _Later(_LARGE))

from nats.aio.client import Client  # noqa: E402  while the other stands there
from nats.aio.msg import Msg  # noqa: E402
from nats.aio.subscription import Subscription  # noqa: E402
from nats.errors import Error  # noqa: E402

if isinstance(_stands_in, _Later):
    del sys.modules[_LARGE]  # whoever else imports it gets all of it

__all__ = ["Client", "Error", "Msg", "Subscription"]
