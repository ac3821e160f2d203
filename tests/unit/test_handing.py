from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.handing import handed, kind_of, remade, taken
from config.live import LIVE
from config.loading import CONFIG_VARIABLE, Loaded, load_with_origins

SOME = ("edge.hello_s", "log.level", "policy.links", "policy.slow_s")
HANDED = Path("/run/handed.toml")


def loaded(folder: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object) -> Loaded:
    """With `flags` like policy__slow_s=3."""
    file = folder / "my.toml"
    file.write_text(text)
    return load_with_origins(
        file, environ or {}, {key.replace("__", "."): word for key, word in flags.items()}
    )


def child(folder: Path, of: Loaded) -> Loaded:
    """What a child makes of what it is given."""
    file = folder / "handed.toml"
    given = handed(of, file)
    file.write_text(given.text)
    flags: dict[str, object] = {}
    for flag in given.flags:
        key, _, value = flag.removeprefix("--set=").partition("=")
        flags[key] = tomllib.loads(f"value = {value}")["value"]
    return load_with_origins(None, given.environment, flags)


def kinds(of: Loaded) -> dict[str, str]:
    return {key: kind_of(of.origins[key]) for key in LIVE}


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        ("default", "default"),
        ("command line", "flag"),
        ("DANMAKU_EDGE_PORT", "environment"),
        ("DANMAKU_FILE", "file"),
        ("/etc/danmaku.toml", "file"),
    ],
)
def test_origins_are_of_four_kinds(origin: str, kind: str) -> None:
    assert kind_of(origin) == kind


def test_a_child_has_the_same_settings_from_the_same_kinds_of_places(tmp_path: Path) -> None:
    parent = loaded(
        tmp_path,
        '[policy]\nslow_s = 3\nreview = true\n[log]\nlevel = "debug"\n[edge]\norigins = ["https://a.example"]\n',
        {"DANMAKU_POLICY_LINKS": "hold", "DANMAKU_LOG_LEVEL": "error"},
        edge__hello_s=20.0,
    )
    made = child(tmp_path, parent)
    assert made.settings == parent.settings
    assert {key: kinds(made)[key] for key in SOME} == {
        "policy.slow_s": "file",
        "policy.links": "environment",
        "log.level": "environment",
        "edge.hello_s": "flag",
    }


def test_what_cannot_change_is_not_in_the_file(tmp_path: Path) -> None:
    given = handed(loaded(tmp_path, "[policy]\nslow_s = 3\n[auth]\nsecret = 'hunter2'\n"), HANDED)
    assert tomllib.loads(given.text) == {"policy": {"slow_s": 3}}
    assert given.environment["DANMAKU_AUTH_SECRET"] == "hunter2"
    assert given.environment[CONFIG_VARIABLE] == str(HANDED)
    assert "DANMAKU_POLICY_SLOW_S" not in given.environment
    assert "DANMAKU_LOG_LEVEL" not in given.environment  # a file may say it later
    assert given.flags == []


SLOW = st.none() | st.integers(0, 100)
LEVEL = st.none() | st.sampled_from(["debug", "info", "warning", "error"])


@given(SLOW, SLOW, SLOW, LEVEL, LEVEL)
def test_a_child_never_differs(
    tmp_path_factory: pytest.TempPathFactory,
    in_file: int | None,
    in_environment: int | None,
    as_flag: int | None,
    level: str | None,
    other: str | None,
) -> None:
    folder = tmp_path_factory.mktemp("child")
    text = f"policy.slow_s = {in_file}\n" if in_file is not None else ""
    text += f'log.level = "{level}"\n' if level else ""
    environ = {} if in_environment is None else {"DANMAKU_POLICY_SLOW_S": str(in_environment)}
    environ |= {"DANMAKU_LOG_LEVEL": other} if other else {}
    parent = loaded(folder, text, environ, policy__slow_s=as_flag)
    made = child(folder, parent)
    assert made.settings == parent.settings
    assert kinds(made) == kinds(parent)


def test_what_waits_for_a_restart_is_not_handed_on(tmp_path: Path) -> None:
    """Else a child that is started again meanwhile would be refused its settings."""
    before = loaded(tmp_path, "[policy]\nslow_s = 3\n")
    parent = child(tmp_path, before)
    text = "[policy]\nslow_s = 4\n[rooms]\nwindow_ms = 10.0\nhistory_batches = 12000\n"
    read = loaded(tmp_path, text)
    found = taken(read, before, ["rooms.window_ms", "rooms.history_batches"])
    assert kind_of(found.origins["rooms.window_ms"]) == "default"
    (tmp_path / "handed.toml").write_text(handed(found, HANDED).text)
    environ = {**handed(before, HANDED).environment, CONFIG_VARIABLE: str(tmp_path / "handed.toml")}
    made = load_with_origins(None, environ, {}).settings
    assert (made.policy.slow_s, made.rooms) == (4, parent.settings.rooms)


def test_what_a_process_made_of_its_settings_it_makes_again_of_the_same(tmp_path: Path) -> None:
    first = loaded(tmp_path, "[policy]\nslow_s = 3\n").settings
    made = loaded(tmp_path, '[policy]\nslow_s = 3\n[nats]\nurl = "nats://localhost:1"\n').settings
    assert remade(first, first, made) == made
    read = loaded(tmp_path, "[policy]\nslow_s = 4\n").settings
    assert remade(read, first, made).nats == made.nats
    assert remade(read, first, made).policy == read.policy
    other = loaded(tmp_path, '[nats]\nurl = "nats://localhost:2"\n').settings
    assert remade(other, first, made).nats == other.nats
