"""What `danmaku doctor` says of one thing that it looked at."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["ok", "warning", "broken"]


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at. `broken` must be mended, a `warning` should be; `mend` says how."""

    name: str
    state: State
    text: str
    mend: str = ""
