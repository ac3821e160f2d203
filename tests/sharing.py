"""How tests that start services are shared out over several processes.

Each test for itself, and what takes long first, would be best for time. But what a module starts for all its
tests is to be started once, and two services under fire at a time would be too much for a small machine.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

from xdist.scheduler import LoadScopeScheduling

_SYSTEM: Final = "tests/system/test_"
_FIRST: Final = "under fire"
_UNDER_FIRE: Final = {
    f"{_SYSTEM}{name}.py" for name in ("chaos", "chat_order", "delivery", "slow_viewers", "survival")
}


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Tests with the same scope run one after the other in one process; what takes longest begins first,
    then the largest scopes."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in _UNDER_FIRE:
            return _FIRST
        return file if _starts_for_all(Path(self.config.rootpath, file)) else nodeid

    def _assign_work_unit(self, node: Any) -> None:
        if _FIRST in self.workqueue:
            self.workqueue.move_to_end(_FIRST, last=False)
        super()._assign_work_unit(node)


@cache
def _starts_for_all(file: Path) -> bool:
    return 'scope="module"' in file.read_text()
