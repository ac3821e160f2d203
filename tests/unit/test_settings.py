from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.handing import kind_of
from config.keys import KEYS, SettingsError
from config.loading import CONFIG_VARIABLE, DEFAULTS, load, load_with_origins, masked, to_environment, to_toml
from config.settings import Auth, Edge, Nats, Settings, Store
from config.words import MASK, allowed, masked_url


def _file(folder: Path, text: str) -> Path:
    file = folder / "my.toml"
    file.write_text(text)
    return file


def _refused(
    file: Path | None = None, environ: dict[str, str] | None = None, flags: dict[str, object] | None = None
) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(file, environ or {}, flags or {})
    return caught.value


def test_the_shipped_file_and_the_types_agree_on_every_key() -> None:
    shipped = tomllib.loads(DEFAULTS.read_text())
    assert shipped == msgspec.to_builtins(Settings())


def test_every_key_of_the_shipped_file_is_explained() -> None:
    for paragraph in DEFAULTS.read_text().split("\n\n"):
        lines = paragraph.splitlines()
        if any(" = " in line and not line.startswith("#") for line in lines):
            assert lines[0].startswith("# "), paragraph


def test_without_anything_the_defaults_are_in_force() -> None:
    loaded = load_with_origins(None, {}, {})
    assert loaded.settings == Settings()
    assert set(loaded.origins) == set(KEYS)
    assert set(loaded.origins.values()) == {"default"}


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = _file(tmp_path, "[edge]\nport = 1\nworkers = 2\nframes_burst = 3\n")
    loaded = load_with_origins(
        file, {"DANMAKU_EDGE_PORT": "4", "DANMAKU_EDGE_WORKERS": "5"}, {"edge.port": 6, "edge.host": None}
    )
    edge = loaded.settings.edge
    assert (edge.port, edge.workers, edge.frames_burst, edge.host) == (6, 5, 3, Edge().host)
    assert [loaded.origins[f"edge.{name}"] for name in ("port", "workers", "frames_burst", "host")] == [
        "command line",
        "DANMAKU_EDGE_WORKERS",
        str(file),
        "default",
    ]


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = _file(tmp_path, "[log]\nlevel = 'debug'\n")
    assert load(None, {CONFIG_VARIABLE: str(file)}, {}).log.level == "debug"
    other = tmp_path / "other.toml"
    other.write_text("[log]\nlevel = 'error'\n")
    assert load(other, {CONFIG_VARIABLE: str(file)}, {}).log.level == "error"


@pytest.mark.parametrize("name", ["default", "default.toml", "command line", "DANMAKU_EDGE_PORT"])
def test_a_file_is_told_from_other_origins_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("[edge]\nidle_s = 20\n")
    error = _refused(Path(name))
    assert (error.source, error.key) == (str(tmp_path / name), "edge.idle_s")
    Path(name).write_text("[edge]\nport = 9000\n")
    origin = load_with_origins(Path(name), {}, {}).origins["edge.port"]
    assert (origin, kind_of(origin)) == (str(tmp_path / name), "file")


def test_the_shipped_file_is_the_shipped_one_by_whatever_way_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(DEFAULTS)
    monkeypatch.chdir(DEFAULTS.parent)
    for file in (DEFAULTS, Path("default.toml"), link):
        assert set(load_with_origins(file, {}, {}).origins.values()) == {"default"}


def test_words_of_the_environment_become_what_the_key_is() -> None:
    settings = load(
        None,
        {
            "DANMAKU_EDGE_ORIGINS": "https://a.example, https://b.example",
            "DANMAKU_EDGE_CORS": "",
            "DANMAKU_AUTH_GUESTS": "false",
            "DANMAKU_EDGE_HELLO_S": "2",
            "DANMAKU_STORE_PREFIX": "7",
            "PATH": "/bin",
            "DANMAKU_URL": "http://for.the.command.line",
        },
        {},
    )
    assert settings.edge.origins == ["https://a.example", "https://b.example"]
    assert settings.edge.cors == []
    assert settings.auth.guests is False
    assert settings.edge.hello_s == 2.0
    assert settings.store.prefix == "7"


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("[edge]\nprot = 1", "edge.prot", "no such key; did you mean edge.port?"),
        ("[egde]\nport = 1", "[egde]", "no such section; did you mean edge?"),
        ("[xyzzy]\n", "[xyzzy]", "no such section"),
        ("edge = 1", "edge", "must be a section: [edge]"),
        ("[edge]\nport = 'x'", "edge.port", "must be a whole number from 0 to 65535"),
        ("[edge]\nport = '80'", "edge.port", "must be a whole number"),
        ("[edge]\nport = true", "edge.port", "must be a whole number"),
        ("[edge]\nhello_s = inf", "edge.hello_s", "must be a number from 0.05 to 3600, in seconds"),
        ("[edge]\nframes_per_s = nan", "edge.frames_per_s", "a number above 0 up to 1000000000"),
        ("[edge]\norigins = 'x'", "edge.origins", "must be a list; each: text without spaces and commas"),
        ("[edge]\norigins = ['a,b']", "edge.origins", "must be a list"),
        ("[edge]\naddresses = ['live.example']", "edge.addresses", 'like "wss://live.example/v1/ws"'),
        ("[log]\nlevel = 'loud'", "log.level", "must be one of"),
        ("[auth]\nguests = 1", "auth.guests", "must be true or false"),
        ("[auth]\nsecret = 1", "auth.secret", "must be text"),
        ("[nats]\nurl = 'localhost:4222'", "nats.url", "nats://HOST:PORT"),
        ("[nats]\nprefix = 'a.b'", "nats.prefix", "letters, digits"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str, key: str, says: str) -> None:
    file = _file(tmp_path, text)
    error = _refused(file)
    assert (error.source, error.key) == (str(file), key)
    assert says in error.allowed
    assert str(error).startswith(f"{file}: {key}")


def test_a_file_that_is_not_there_or_not_toml(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in str(_refused(tmp_path / "none.toml"))
    assert "is not TOML" in str(_refused(_file(tmp_path, "edge:\n  port: 1\n")))
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    assert "is not TOML" in str(_refused(binary))


def test_a_variable_that_means_nothing_is_refused() -> None:
    error = _refused(environ={"DANMAKU_EDGE_PROT": "1"})
    assert str(error) == (
        "environment: DANMAKU_EDGE_PROT: there is no such variable; did you mean DANMAKU_EDGE_PORT?"
    )


def test_a_bad_variable_or_flag_is_named() -> None:
    assert str(_refused(environ={"DANMAKU_EDGE_PORT": "99999"})) == (
        "DANMAKU_EDGE_PORT: edge.port = '99999': must be a whole number from 0 to 65535"
    )
    assert str(_refused(flags={"edge.port": -1})) == (
        "command line: edge.port = -1: must be a whole number from 0 to 65535"
    )
    assert _refused(flags={"edge.prot": 1}).source == "command line"


def test_a_bound_that_is_told_is_good() -> None:
    for thousandths in range(51, 40_000, 31):
        request_s = thousandths / 1000 + 0.0000123
        flags: dict[str, object] = {"edge.request_s": request_s, "edge.gather_ms": 1000.0}
        told = str(_refused(flags=flags)).partition("at most ")[2].partition(",")[0]
        load(None, {}, {**flags, "edge.gather_ms": float(told)})


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"edge.heartbeat_s": 60.0}, "edge.heartbeat_s = 60.0: must be below edge.idle_s (60)"),
        ({"edge.idle_s": 20}, "edge.idle_s = 20: must be above edge.heartbeat_s (25.0)"),
        (
            {"edge.frame_bytes": 1024 * 1024},
            "edge.frame_bytes = 1048576: may be at most edge.buffered_bytes (262144)",
        ),
        (
            {"edge.buffered_bytes": 1024},
            "edge.buffered_bytes = 1024: must be at least edge.frame_bytes (16384)",
        ),
        (
            {"edge.gather_ms": 126.0},
            "edge.gather_ms = 126.0: may be at most 125, a fortieth of edge.request_s (5): it grows to four"
            " times as long",
        ),
        (
            {"edge.request_s": 0.1},
            "edge.request_s = 0.1: must be at least 0.2, forty times edge.gather_ms (5)",
        ),
        ({"auth.secret": "a", "auth.secret_file": "b"}, "auth.secret = ********: give either auth.secret or"),
        (
            {"rooms.history_batches": 2399},
            "rooms.history_batches = 2399: must be at least 2400, which is rooms.repeat_memory_s (120)"
            " / rooms.window_ms (50)",
        ),
        (
            {"rooms.window_ms": 49.9},
            "rooms.window_ms = 49.9: must be at least 50, so that rooms.history_batches (2400) reach as far"
            " as rooms.repeat_memory_s (120)",
        ),
        (
            {"rooms.repeat_memory_s": 121},
            "rooms.repeat_memory_s = 121: may be at most 120, for so far rooms.history_batches (2400) reach"
            " with rooms.window_ms (50)",
        ),
        ({"rooms.history_s": 119}, "rooms.history_s = 119: must be at least rooms.repeat_memory_s (120)"),
        (
            {"rooms.repeat_memory_s": 601, "rooms.history_batches": 20_000},
            "rooms.repeat_memory_s = 601: may be at most rooms.history_s (600)",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused_by_what_was_set(
    flags: dict[str, object], told: str
) -> None:
    error = _refused(flags=flags)
    assert error.source == "command line"
    assert error.told.startswith(told)


def test_secrets_are_never_shown() -> None:
    assert "hunter2" not in str(_refused(flags={"auth.secret": "hunter2", "auth.secret_file": "b"}))
    assert "hunter2" not in str(_refused(environ={"DANMAKU_STORE_URL": "http://me:hunter2@host"}))
    settings = Settings(
        auth=Auth(secret="hunter2"),
        nats=Nats(url="nats://me:hunter2@a,nats://hunter2@b"),
        store=Store(url="redis://:hunter2@c/0?password=hunter2&x=1"),
    )
    shown = masked(settings)
    assert "hunter2" not in repr(shown)
    assert shown.nats.url == f"nats://{MASK}@a,nats://{MASK}@b"
    assert shown.store.url == f"redis://{MASK}@c/0?password={MASK}&x=1"
    loaded = load_with_origins(None, to_environment(settings), {})
    assert "hunter2" not in to_toml(loaded)


def test_without_secrets_nothing_is_masked() -> None:
    assert masked(Settings()) == Settings()
    assert masked_url("nats://a:4222,nats://b:4222") == "nats://a:4222,nats://b:4222"


@given(
    st.text(st.characters(exclude_characters="@/"), min_size=1), st.sampled_from(["nats", "redis", "rediss"])
)
def test_no_password_survives_masking(password: str, scheme: str) -> None:
    shown = masked_url(f"{scheme}://user:<{password}>@host:1/0")
    assert shown == f"{scheme}://{MASK}@host:1/0"


def test_what_is_printed_is_toml_that_makes_the_same_settings(tmp_path: Path) -> None:
    environ = {"DANMAKU_EDGE_ORIGINS": 'https://a/"x"', "DANMAKU_POLICY_USER_PER_S": "0.5"}
    loaded = load_with_origins(None, environ, {})
    text = to_toml(loaded)
    assert "user_per_s = 0.5  # DANMAKU_POLICY_USER_PER_S" in text
    assert load(_file(tmp_path, text), {}, {}) == loaded.settings


def test_another_process_gets_exactly_these_settings() -> None:
    settings = load(
        None,
        {},
        {"edge.origins": ["a", "b"], "edge.cors": [], "auth.guests": False, "edge.gather_ms": 0.1},
    )
    assert load(None, to_environment(settings), {}) == settings
    assert settings.edge == msgspec.structs.replace(Edge(), origins=["a", "b"], cors=[], gather_ms=0.1)


def test_every_key_can_say_what_it_may_be() -> None:
    for key in KEYS.values():
        assert allowed(key.name, key.type)
    port: Any = KEYS["edge.port"]
    assert allowed(port.name, port.type) == "a whole number from 0 to 65535"
    assert allowed("drain_s", KEYS["edge.drain_s"].type) == "a number from 0 to 86400, in seconds"


def test_a_webhook_needs_a_secret_of_which_nobody_is_told() -> None:
    environ = {"DANMAKU_REVIEW_URL": "https://hook:pass@example.org/x"}
    assert "review.secret" in str(_refused(environ=environ))
    secret = {**environ, "DANMAKU_REVIEW_SECRET": "s3cret"}
    loaded = load_with_origins(None, secret, {})
    told = to_toml(loaded)
    assert "s3cret" not in told
    assert "pass@" not in told
    assert f'secret = "{MASK}"' in told
    both = {**secret, "DANMAKU_REVIEW_SECRET_FILE": "/x"}
    assert "not both" in str(_refused(environ=both))
    assert "s3cret" not in str(_refused(environ=both))
    assert load(None, {**environ, "DANMAKU_REVIEW_SECRET_FILE": "/x"}, {}).review.secret_file == "/x"


@pytest.mark.parametrize(
    ("auth", "key", "rule"),
    [
        ({"jwks_url": "https://login/keys"}, "auth.jwks_url", "needs auth.algorithm RS256 or EdDSA"),
        (
            {"algorithm": "EdDSA", "jwks_file": "k", "private_key_file": "p"},
            "auth.jwks_file",
            "no auth.private_key_file",
        ),
        (
            {"algorithm": "EdDSA", "jwks_url": "https://login/keys", "jwks_file": "k"},
            "auth.jwks_url",
            "not both",
        ),
        ({"algorithm": "EdDSA", "jwks_file": "k", "public_key_file": "p"}, "auth.jwks_file", "not both"),
        ({"algorithm": "EdDSA", "jwks_url": "http://login.example/keys"}, "auth.jwks_url", "https://HOST"),
    ],
)
def test_keys_of_a_login_service(auth: dict[str, object], key: str, rule: str) -> None:
    with pytest.raises(SettingsError, match=rule) as error:
        load(None, {}, {f"auth.{name}": value for name, value in auth.items()})
    assert error.value.key == key


@pytest.mark.parametrize("given", ["tls_certificate", "tls_key"])
def test_a_certificate_and_its_key_are_given_together(given: str) -> None:
    with pytest.raises(SettingsError, match="give both") as error:
        load(None, {}, {f"edge.{given}": "file.pem"})
    assert error.value.key == f"edge.{given}"
