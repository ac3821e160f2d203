from __future__ import annotations

import msgspec
import pytest

from danmaku.envelope import Row
from danmaku.model import Appointed, Role
from rooms.live import _rank
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.staff import Staff
from tests.unit.test_envelope import ROWS

NOW = Moment(0, 0)
ASKED = [row for row in ROWS if "role" in row.__struct_fields__]


@pytest.mark.parametrize("row", ASKED, ids=lambda row: type(row).__name__)
def test_the_role_that_counts_is_that_of_who_asks_and_not_of_whom_it_is_about(row: Row) -> None:
    names = ("by", "uid") if "by" in row.__struct_fields__ else ("uid", None)
    words = {name: who for name, who in zip(names, ("asker", "target"), strict=True) if name is not None}
    words = {name: who for name, who in words.items() if name in row.__struct_fields__}
    asked = msgspec.structs.replace(row, **words, role=Role.VIEWER)
    _rank(asked, Staff([Appointed("target", "ann", 5)]), Sanctions(), NOW)
    assert role_of(asked) is Role.VIEWER
    _rank(asked, Staff([Appointed("asker", "ann", 5)]), Sanctions(), NOW)
    assert role_of(asked) is Role.MODERATOR


def role_of(row: Row) -> Role:
    role = msgspec.structs.asdict(row)["role"]
    assert isinstance(role, Role)
    return role
