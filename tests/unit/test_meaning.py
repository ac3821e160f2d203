from __future__ import annotations

import pytest

from danmaku.change import AboutUser, Imposed, Lifted, Revoked
from danmaku.errors import Close
from danmaku.model import Identity, Role
from danmaku.wire import Notice
from edge.meaning import meaning
from edge.session import End

ANN = Identity("ann", "Ann", Role.VIEWER, issued_ms=100)


@pytest.mark.parametrize(("at_ms", "is_void"), [(99, False), (100, True), (101, True)])
def test_a_revocation_voids_what_was_issued_until_then(at_ms: int, is_void: bool) -> None:
    found = meaning(Revoked("ann", at_ms), ANN, 200)
    assert found == ([End(Close.UNAUTHORIZED, "the token was revoked")] if is_void else [])


def test_a_guest_holds_nothing_that_could_be_revoked() -> None:
    assert meaning(Revoked("g", 10**15), Identity("g", "", Role.GUEST), 200) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            Imposed("ann", "ban", "root", 0, None, "spam"),
            [Notice("banned", reason="spam"), End(Close.BANNED, "spam")],
        ),
        (
            Imposed("ann", "ban", "root", 0, 201),
            [Notice("banned", retry_ms=1), End(Close.BANNED, "you are banned")],
        ),
        (Imposed("ann", "ban", "root", 0, 200), []),
        (Imposed("ann", "mute", "root", 0), [Notice("muted")]),
        (Imposed("ann", "mute", "root", 0, 500, "spam"), [Notice("muted", reason="spam", retry_ms=300)]),
        (Imposed("ann", "mute", "root", 0, 200), []),
        (Lifted("ann", "mute"), [Notice("unmuted")]),
        (Lifted("ann", "ban"), []),
    ],
)
def test_a_sanction_means_something_for_everybody_but_admins(change: AboutUser, found: object) -> None:
    for role in (Role.GUEST, Role.VIEWER, Role.STREAMER):
        assert meaning(change, Identity("ann", "Ann", role, issued_ms=100), 200) == found
    assert meaning(change, Identity("ann", "Ann", Role.ADMIN, issued_ms=100), 200) == []
