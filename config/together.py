"""What only shows when settings are seen side by side."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from config.engines import wrong_with_nats, wrong_with_store
from config.keys import DEFAULT, KEYS, SettingsError, value_of
from config.settings import Settings


def check(settings: Settings, origins: Mapping[str, str]) -> None:
    """What they may not be together. Raises SettingsError; some key that it is about is no `default`."""
    _check_ours(settings, origins)
    _check_engines(settings, origins)


def _check_ours(settings: Settings, origins: Mapping[str, str]) -> None:
    edge, rooms, auth = settings.edge, settings.rooms, settings.auth
    if bool(edge.tls_certificate) != bool(edge.tls_key):
        key = "edge.tls_certificate" if edge.tls_certificate else "edge.tls_key"
        rule = "give both edge.tls_certificate and edge.tls_key, or none of them"
        raise SettingsError(origins[key], key, None, rule)
    if edge.heartbeat_s >= edge.idle_s:
        key, rule = "edge.heartbeat_s", f"must be below edge.idle_s ({edge.idle_s})"
        raise SettingsError(_later(origins, key, "edge.idle_s"), key, edge.heartbeat_s, rule)
    if edge.buffered_bytes < edge.frame_bytes:
        key, rule = "edge.buffered_bytes", f"must be at least edge.frame_bytes ({edge.frame_bytes})"
        raise SettingsError(_later(origins, key, "edge.frame_bytes"), key, edge.buffered_bytes, rule)
    least = ceil(rooms.repeat_memory_s * 1000 / rooms.window_ms)
    if rooms.history_batches < least:
        key, window, memory = "rooms.history_batches", "rooms.window_ms", "rooms.repeat_memory_s"
        rule = f"must be at least {least}, which is {memory} / {window}"
        raise SettingsError(_later(origins, key, window, memory), key, rooms.history_batches, rule)
    if rooms.history_s < rooms.repeat_memory_s:
        key, rule = "rooms.history_s", f"must be at least rooms.repeat_memory_s ({rooms.repeat_memory_s})"
        raise SettingsError(_later(origins, key, "rooms.repeat_memory_s"), key, rooms.history_s, rule)
    review = settings.review
    if review.secret and review.secret_file:
        key, rule = "review.secret", "give either review.secret or review.secret_file, not both"
        raise SettingsError(_later(origins, key, "review.secret_file"), key, review.secret, rule)
    if review.url and not (review.secret or review.secret_file):
        rule = "needs review.secret or review.secret_file, with which what is asked is signed"
        raise SettingsError(origins["review.url"], "review.url", review.url, rule)
    given = [key for key in ("jwks_url", "jwks_file", "public_key_file") if getattr(auth, key)]
    if len(given) > 1:
        key, rule = f"auth.{given[0]}", f"give either auth.{given[0]} or auth.{given[1]}, not both"
        raise SettingsError(origins[key], key, getattr(auth, given[0]), rule)
    for key in ("jwks_url", "jwks_file"):
        if getattr(auth, key) and (auth.algorithm == "HS256" or auth.private_key_file):
            rule = "needs auth.algorithm RS256 or EdDSA, and no auth.private_key_file"
            raise SettingsError(origins[f"auth.{key}"], f"auth.{key}", getattr(auth, key), rule)
    if auth.secret and auth.secret_file:
        key, rule = "auth.secret", "give either auth.secret or auth.secret_file, not both"
        raise SettingsError(_later(origins, key, "auth.secret_file"), key, auth.secret, rule)


def _check_engines(settings: Settings, origins: Mapping[str, str]) -> None:
    for section, wrongs in (
        ("nats", wrong_with_nats(settings.nats)),
        ("store", wrong_with_store(settings.store)),
    ):
        for wrong in wrongs:
            others = [f"{section}.{other}" for other in wrong.others]
            value = value_of(settings, KEYS[wrong.key]) or None
            raise SettingsError(_later(origins, wrong.key, *others), wrong.key, value, wrong.rule)


def _later(origins: Mapping[str, str], *keys: str) -> str:
    """Where to look: the origin of the first of `keys` that was changed."""
    return next(origins[key] for key in keys if origins[key] != DEFAULT)
