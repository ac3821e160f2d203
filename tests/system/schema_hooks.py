"""What schemathesis may not ask: it loads this file by itself, test_schema.py says where it is."""

from __future__ import annotations

import re
from typing import Any

import schemathesis


@schemathesis.hook
def map_headers(context: schemathesis.HookContext, headers: dict[str, Any] | None) -> dict[str, Any] | None:
    """The native server knows letters, digits and dashes in a header's name: for more it waits in vain."""
    if headers is None:
        return None
    return {re.sub("[^A-Za-z0-9-]", "-", name): value for name, value in headers.items()}
