"""NATS's client library without aiohttp, which it imports for servers that are reached by `ws://`.

That package would cost every process, each edge worker too, 10 MB of memory beside its 26 and 0.1 s of its
start, for what hardly anybody uses (`python -X importtime -c "import aiohttp"`). The library does without it
where it is not installed, but here it is, for the webhook; and what importlib.util.LazyLoader makes is loaded
by the very import statement. So something stands in its place while the library is imported, and loads it
once it is used. Whoever else imports it gets the package itself (`tests/unit/test_starting.py`).
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
