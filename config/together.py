"""What only shows when settings are seen side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Final

from config.engines import wrong_with_nats, wrong_with_store
from config.keys import DEFAULT, KEYS, SettingsError, value_of
from config.settings import Edge, Rooms, Settings

_GATHERINGS: Final = 40  # of edge.gather_ms fit into edge.request_s, in which what is gathered is answered
_ROUNDED: Final = 1.00001  # a bound is told with six digits, and has to be good


def check(settings: Settings, origins: Mapping[str, str]) -> None:
    """What they may not be together. Raises SettingsError; some key that it is about is no `default`.

    Of keys that limit each other it names one that is none, and what stands against it.
    """
    for limits in (*_limits_of_edges(settings.edge), *_limits_of_rooms(settings.rooms)):
        key = _later(origins, *limits)
        raise SettingsError(origins[key], key, value_of(settings, KEYS[key]), limits[key])
    _check_ours(settings, origins)
    _check_engines(settings, origins)


def _limits_of_edges(edge: Edge) -> Iterator[Mapping[str, str]]:
    """Of keys that do not go together, what each of them may be beside the others."""
    if edge.heartbeat_s >= edge.idle_s:
        yield {
            "edge.heartbeat_s": f"must be below edge.idle_s ({edge.idle_s})",
            "edge.idle_s": f"must be above edge.heartbeat_s ({edge.heartbeat_s})",
        }
    if edge.buffered_bytes < edge.frame_bytes:
        yield {
            "edge.buffered_bytes": f"must be at least edge.frame_bytes ({edge.frame_bytes})",
            "edge.frame_bytes": f"may be at most edge.buffered_bytes ({edge.buffered_bytes})",
        }
    if edge.gather_ms > edge.request_s * 1000 / _GATHERINGS * _ROUNDED:
        yield {
            "edge.gather_ms": f"may be at most {edge.request_s * 1000 / _GATHERINGS:g}, a fortieth of "
            f"edge.request_s ({edge.request_s:g}): it grows to four times as long",
            "edge.request_s": f"must be at least {edge.gather_ms / 1000 * _GATHERINGS:g}, forty times "
            f"edge.gather_ms ({edge.gather_ms:g})",
        }


def _limits_of_rooms(rooms: Rooms) -> Iterator[Mapping[str, str]]:
    """As `_limits_of_edges`."""
    batches, window_ms, memory_s = rooms.history_batches, rooms.window_ms, rooms.repeat_memory_s
    kept, window = f"rooms.history_batches ({batches})", f"rooms.window_ms ({window_ms:g})"
    memory = f"rooms.repeat_memory_s ({memory_s})"
    least = ceil(memory_s * 1000 / window_ms)
    if batches < least:
        shortest_ms = ceil(memory_s * 1_000_000 / batches) / 1000
        longest_s = int(batches * window_ms / 1000)
        yield {
            "rooms.window_ms": f"must be at least {shortest_ms:g}, so that {kept} reach as far as {memory}",
            "rooms.repeat_memory_s": f"may be at most {longest_s}, for so far {kept} reach with {window}",
            "rooms.history_batches": f"must be at least {least}, which is {memory} / {window}",
        }
    if rooms.history_s < memory_s:
        yield {
            "rooms.history_s": f"must be at least {memory}",
            "rooms.repeat_memory_s": f"may be at most rooms.history_s ({rooms.history_s})",
        }


def _check_ours(settings: Settings, origins: Mapping[str, str]) -> None:
    edge, review, auth = settings.edge, settings.review, settings.auth
    if bool(edge.tls_certificate) != bool(edge.tls_key):
        key = "edge.tls_certificate" if edge.tls_certificate else "edge.tls_key"
        rule = "give both edge.tls_certificate and edge.tls_key, or none of them"
        raise SettingsError(origins[key], key, None, rule)
    if review.secret and review.secret_file:
        key, rule = "review.secret", "give either review.secret or review.secret_file, not both"
        raise SettingsError(origins[key], key, review.secret, rule)
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
        raise SettingsError(origins[key], key, auth.secret, rule)


def _check_engines(settings: Settings, origins: Mapping[str, str]) -> None:
    for section, wrongs in (
        ("nats", wrong_with_nats(settings.nats)),
        ("store", wrong_with_store(settings.store)),
    ):
        for wrong in wrongs:
            others = [f"{section}.{other}" for other in wrong.others]
            value = value_of(settings, KEYS[wrong.key]) or None
            raise SettingsError(origins[_later(origins, wrong.key, *others)], wrong.key, value, wrong.rule)


def _later(origins: Mapping[str, str], *keys: str) -> str:
    """The first of `keys` that was changed: there to look."""
    return next((key for key in keys if origins[key] != DEFAULT), keys[0])
