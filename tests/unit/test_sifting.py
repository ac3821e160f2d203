"""Whatever is wrong, the good that stands beside it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.keys import DEFAULT
from danmaku.sifting import Said, sifted

GOOD = '[edge]\nport = 9123\nheartbeat_s = 30.0\n[store]\nurl = "redis://h"\n'
BAD = "[edge]\nport = 9123\nprot = 1\n"


def _sifted(
    tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object
) -> tuple[dict[str, object], list[str]]:
    """Values that are not as shipped, and the keys of what is wrong."""
    file = tmp_path / "my.toml"
    file.write_text(text)
    named = {name.replace("__", "."): value for name, value in flags.items()}
    loaded, wrong = sifted(Said(file, environ or {}, named))
    kept = {}
    for key, origin in loaded.origins.items():
        section, _, name = key.partition(".")
        if origin != DEFAULT:
            kept[key] = getattr(getattr(loaded.settings, section), name)
    return kept, [error.key for error in wrong]


FILE = {"edge.port": 9123, "edge.heartbeat_s": 30.0, "store.url": "redis://h"}


def test_what_is_good_is_all_in_force(tmp_path: Path) -> None:
    kept, wrong = _sifted(tmp_path, GOOD, {"DANMAKU_EDGE_PORT": "9321", "HOME": "/"}, edge__host="::1")
    assert (kept, wrong) == ({**FILE, "edge.port": 9321, "edge.host": "::1"}, [])


def test_wrong_variables_and_flags_are_left_out_by_themselves(tmp_path: Path) -> None:
    environ = {"DANMAKU_EDGE_PROT": "1", "DANMAKU_EDGE_WORKERS": "many", "DANMAKU_EDGE_HOST": "::1"}
    kept, wrong = _sifted(tmp_path, GOOD, environ, edge__port=99_999)
    assert kept == {**FILE, "edge.host": "::1"}
    assert wrong == ["DANMAKU_EDGE_PROT", "edge.workers", "edge.port"]


def test_a_wrong_file_takes_no_variables_along(tmp_path: Path) -> None:
    kept, wrong = _sifted(tmp_path, BAD, {"DANMAKU_EDGE_PORT": "9321", "DANMAKU_EDGE_PROT": "1"})
    assert kept == {"edge.port": 9321}
    assert wrong == ["edge.prot", "DANMAKU_EDGE_PROT"]


@pytest.mark.parametrize("text", ["[edge]\nport = what\n", "[egde]\nport = 1\n", '[edge]\nport = "9"\n'])
def test_a_file_that_the_environment_names_and_that_is_wrong(tmp_path: Path, text: str) -> None:
    (tmp_path / "named.toml").write_text(text)
    environ = {"DANMAKU_CONFIG": str(tmp_path / "named.toml"), "DANMAKU_EDGE_PORT": "what"}
    loaded, wrong = sifted(Said(None, environ, {"edge.host": "::1"}))
    assert (loaded.settings.edge.port, loaded.settings.edge.host, len(wrong)) == (8080, "::1", 2)
    gone = {"DANMAKU_CONFIG": str(tmp_path / "nowhere.toml")}
    assert [error.allowed for error in sifted(Said(None, gone, {}))[1]] == [
        "cannot be read: No such file or directory"
    ]


def test_a_file_that_is_good_stays_where_a_variable_does_not_go_with_it(tmp_path: Path) -> None:
    for name, text in (("IDLE_S", "20"), ("HEARTBEAT_S", "90")):
        kept, wrong = _sifted(tmp_path, GOOD, {f"DANMAKU_EDGE_{name}": text})
        assert (kept, wrong) == (FILE, ["edge.heartbeat_s"])


def test_what_is_wrong_whatever_stands_beside_it_is_left_out(tmp_path: Path) -> None:
    kept, wrong = _sifted(tmp_path, "[edge]\nheartbeat_s = 900\n", {"DANMAKU_EDGE_IDLE_S": "100"})
    assert (kept, wrong) == ({"edge.idle_s": 100}, ["edge.heartbeat_s"])


_SAID = {
    "DANMAKU_EDGE_PORT": ["1", "what"],
    "DANMAKU_EDGE_PROT": ["1"],
    "DANMAKU_EDGE_HEARTBEAT_S": ["1", "90"],
    "DANMAKU_EDGE_IDLE_S": ["20", "100"],
    "DANMAKU_EDGE_TLS_KEY": ["/k"],
    "DANMAKU_EDGE_TLS_CERTIFICATE": ["/c"],
    "DANMAKU_AUTH_SECRET": ["s"],
    "DANMAKU_AUTH_SECRET_FILE": ["/s"],
    "DANMAKU_AUTH_JWKS_URL": ["https://h/k"],
    "DANMAKU_AUTH_JWKS_FILE": ["/k"],
    "DANMAKU_AUTH_ALGORITHM": ["HS256", "RS256"],
    "DANMAKU_REVIEW_URL": ["https://h/r"],
    "DANMAKU_ROOMS_WINDOW_MS": ["20"],
    "DANMAKU_ROOMS_HISTORY_S": ["100"],
    "DANMAKU_STORE_KIND": ["cluster", "sentinel"],
    "DANMAKU_STORE_REPLICAS": ["2"],
    "DANMAKU_NATS_USER": ["u"],
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["", GOOD, BAD, "[rooms]\nhistory_batches = 900\n[auth]\nsecret_file = '/f'\n"]),
    st.fixed_dictionaries({}, optional={name: st.sampled_from(texts) for name, texts in _SAID.items()}),
)
def test_there_are_always_settings(tmp_path: Path, text: str, environ: dict[str, str]) -> None:
    kept, wrong = _sifted(tmp_path, text, environ)
    assert len(wrong) <= len(environ) + 1
    assert wrong or len(kept) >= len(environ)
