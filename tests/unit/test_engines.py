"""Where bus and store are and how one is let in: what goes together, and what is said where it does not."""

from __future__ import annotations

import pytest

from config.engines import urls
from config.keys import SettingsError
from config.loading import load, load_with_origins, masked, to_toml
from config.settings import Nats, Settings, Store
from config.words import MASK

CLUSTER = "redis://a:7000,redis://b:7000"
SENTINELS = "rediss://a:26379, rediss://b:26379"


def settings(**keys: object) -> Settings:
    return load(None, {}, {key.replace("__", "."): value for key, value in keys.items()})


@pytest.mark.parametrize(
    "keys",
    [
        {"nats__url": "nats://a:4222,tls://b:4222", "nats__user": "u", "nats__password": "p"},
        {"nats__url": "wss://a:4222, wss://b", "nats__ca_file": "/ca.pem", "nats__token_file": "/token"},
        {
            "nats__url": "tls://a",
            "nats__certificate_file": "/c.pem",
            "nats__key_file": "/k.pem",
            "nats__credentials_file": "/u.creds",
        },
        {"nats__url": "nats://a", "nats__nkey_file": "/seed"},
        {"store__url": "redis://a:1/3", "store__user": "u", "store__password_file": "/p"},
        {"store__url": "unix:///run/valkey.sock", "store__password": "p"},
        {"store__url": CLUSTER, "store__kind": "cluster"},
        {"store__url": "redis://u:p@a/0,redis://u:p@b/0", "store__kind": "cluster"},
        {
            "store__url": SENTINELS,
            "store__kind": "sentinel",
            "store__ca_file": "/ca.pem",
            "store__sentinel_user": "u",
            "store__sentinel_password": "p",
        },
    ],
)
def test_keys_that_go_together_are_taken(keys: dict[str, str]) -> None:
    loaded = settings(**keys)
    for key, value in keys.items():
        section, name = key.split("__")
        assert getattr(getattr(loaded, section), name) == value


@pytest.mark.parametrize(
    ("keys", "key", "says"),
    [
        ({"nats__user": "u", "nats__password": "p"}, "nats.user", "of no use without nats.url"),
        ({"nats__ca_file": "/ca"}, "nats.ca_file", "of no use without nats.url"),
        ({"nats__url": "nats://a", "nats__ca_file": "/ca"}, "nats.ca_file", "tls:// in all of nats.url"),
        (
            {"nats__url": "tls://a,nats://b", "nats__ca_file": "/ca"},
            "nats.ca_file",
            "tls:// in all of nats.url",
        ),
        (
            {"nats__url": "nats://a", "nats__user": "u", "nats__password": "p", "nats__token": "t"},
            "nats.token",
            "there is nats.user already",
        ),
        (
            {"nats__url": "nats://a", "nats__nkey_file": "/s", "nats__credentials_file": "/c"},
            "nats.credentials_file",
            "there is nats.nkey_file already",
        ),
        (
            {"nats__url": "nats://a", "nats__token": "t", "nats__token_file": "/t"},
            "nats.token",
            "either nats.token or nats.token_file",
        ),
        ({"nats__url": "nats://a", "nats__password": "p"}, "nats.user", "must be given with a password"),
        (
            {"nats__url": "tls://a", "nats__key_file": "/k"},
            "nats.certificate_file",
            "must be given with nats.key_file",
        ),
        (
            {"nats__url": "tls://a", "nats__certificate_file": "/c"},
            "nats.key_file",
            "must be given with nats.certificate_file",
        ),
        ({"nats__url": "nats://a,http://b"}, "nats.url", "must all be nats://"),
        ({"nats__url": "http://a"}, "nats.url", "several separated by commas"),
        (
            {"nats__url": "nats://t@a", "nats__nkey_file": "/s"},
            "nats.nkey_file",
            "a login in nats.url already",
        ),
        (
            {"store__url": "redis://:p@a", "store__password_file": "/p"},
            "store.password_file",
            "a login in store.url already",
        ),
        ({"store__kind": "cluster"}, "store.kind", "of no use without store.url"),
        ({"store__url": CLUSTER}, "store.url", "set store.kind"),
        (
            {"store__url": "redis://a,rediss://b", "store__kind": "cluster"},
            "store.url",
            "all be redis:// or all be rediss://",
        ),
        (
            {"store__url": "redis://u:p@a,redis://u:q@b", "store__kind": "cluster"},
            "store.url",
            "nothing but host and port",
        ),
        ({"store__url": "redis://a/1", "store__kind": "cluster"}, "store.url", "no database but 0"),
        ({"store__url": "unix:///s", "store__kind": "sentinel"}, "store.url", "where store.kind is sentinel"),
        ({"store__url": "redis://a", "store__user": "u"}, "store.password", "given with store.user"),
        (
            {"store__url": SENTINELS, "store__kind": "sentinel", "store__sentinel_user": "u"},
            "store.sentinel_password",
            "given with store.sentinel_user",
        ),
        (
            {"store__url": "redis://a", "store__sentinel_password": "p"},
            "store.sentinel_password",
            "store.kind must be sentinel",
        ),
        (
            {"store__url": "redis://a", "store__password": "p", "store__password_file": "/p"},
            "store.password",
            "either store.password or store.password_file",
        ),
        (
            {"store__url": "redis://a", "store__ca_file": "/ca"},
            "store.ca_file",
            "rediss:// in all of store.url",
        ),
        ({"store__url": "http://a"}, "store.url", "redis://HOST:PORT/DB"),
        ({"store__kind": "tree"}, "store.kind", "one of cluster, sentinel, single"),
    ],
)
def test_keys_that_do_not_go_together_are_refused_by_name(keys: dict[str, str], key: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(**keys)
    assert (caught.value.key, caught.value.source) == (key, "command line")
    assert says in str(caught.value)


def test_where_it_is_said_is_told() -> None:
    environment = {"DANMAKU_NATS_PASSWORD": "hunter2", "DANMAKU_NATS_URL": "nats://a"}
    with pytest.raises(SettingsError) as caught:
        load(None, environment, {})
    assert caught.value.source == "DANMAKU_NATS_PASSWORD"
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    nats = Nats(url="nats://u:hunter2@a", user="u", password="hunter2", token="hunter2")
    store = Store(
        url="redis://:hunter2@a,redis://:hunter2@b", password="hunter2", sentinel_password="hunter2"
    )
    shown = masked(Settings(nats=nats, store=store))
    assert "hunter2" not in repr(shown)
    assert (shown.nats.password, shown.nats.user, shown.store.sentinel_password) == (MASK, "u", MASK)


def test_an_empty_secret_is_shown_as_such() -> None:
    assert masked(Settings()) == Settings()
    assert 'password = ""' in to_toml(load_with_origins(None, {}, {}))


def test_several_urls_are_told_from_commas_in_one() -> None:
    assert urls("redis://u:a,b@h:1, redis://h:2") == ["redis://u:a,b@h:1", "redis://h:2"]
    assert urls("") == []
