"""Public keys of a login service that changes them: which are accepted now, and when to look for new ones.

Why it is hard: whoever asks must be answered at once, and keys come from elsewhere, late or not at all. So a
token of a key that nobody has seen is told to come back (unavailable) until a look that began after it came
has found no such key; only then it is no token (unauthorized). Everything is bounded, also what is
remembered of keys that do not exist. No clock: `now_s` is passed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from danmaku.errors import UNAUTHORIZED, UNAVAILABLE, Refusal

MOST_BYTES: Final = 256 * 1024
MIN_RSA_BITS: Final = 2048
MOST_KEYS: Final = 64
_MAX_KID: Final = 256
_MOST_UNKNOWN: Final = 256
_SOON_MS: Final = 1000
_KINDS: Final[dict[str, type]] = {"RS256": RSAPublicKey, "EdDSA": Ed25519PublicKey}
_BAD_KEY: Final = (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm)
_set: Final = msgspec.json.Decoder(dict[str, Any])

Key: TypeAlias = Any  # what PyJWT takes for one


class BadKeys(Exception):
    """What was found is no set of keys, or none of them can be used. The text says why."""


class Keys(Protocol):
    """Where tokens find the key that signed them."""

    def key(self, kid: str, now_s: float) -> Key:
        """Raises Refusal: unauthorized, or unavailable where it may only not be known yet."""


def parsed(document: bytes, algorithm: str) -> dict[str, Key]:
    """By `kid` the public keys of a JSON Web Key Set that verify `algorithm`; others in it are passed over.

    Raises BadKeys.
    """
    if len(document) > MOST_BYTES:
        raise BadKeys(f"it is larger than {MOST_BYTES} bytes")
    try:
        listed = _set.decode(document).get("keys")
    except (ValueError, RecursionError) as error:
        raise BadKeys(f"it is not a JSON Web Key Set: {error}") from None
    if not isinstance(listed, list):
        raise BadKeys('it is not a JSON Web Key Set: it has no list "keys"')
    found: dict[str, Key] = {}
    for one in listed[:MOST_KEYS]:
        key = _usable(one, algorithm)
        if key is not None:
            found[one["kid"]] = key
    if not found:
        raise BadKeys(f"it has no public key for {algorithm} with a kid")
    return found


def read(path: str) -> bytes:
    """A file with a set of keys, or somewhat more than may be read. Raises OSError."""
    with Path(path).open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _usable(one: Any, algorithm: str) -> Key | None:
    if not isinstance(one, dict) or not _is_kid(one.get("kid")):
        return None
    if one.get("use", "sig") != "sig" or one.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(one, algorithm).key
    except _BAD_KEY:
        return None
    if not isinstance(key, _KINDS[algorithm]):  # a private one, or of another kind
        return None
    return None if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS else key


def _is_kid(kid: object) -> bool:
    return isinstance(kid, str) and 0 < len(kid) <= _MAX_KID


class KeyRing:
    """The keys accepted now. One that is no longer listed is accepted for `keep_s` more.

    A look is wanted each `every_s`, and as soon as somebody brings an unknown key, but not within `gap_s` of
    the last one.
    """

    def __init__(self, *, every_s: float, keep_s: float, gap_s: float) -> None:
        self._every_s = every_s
        self._keep_s = keep_s
        self._gap_s = gap_s
        self._listed: dict[str, Key] = {}
        self._leaving: dict[str, tuple[Key, float]] = {}  # until when
        self._unknown: dict[str, float] = {}  # since when, the oldest first
        self._found_s: float | None = None  # when the last look that found keys began
        self._looked_s: float | None = None  # when the last one began

    def __len__(self) -> int:
        return len(self._listed) + len(self._leaving)

    def key(self, kid: str, now_s: float) -> Key:
        """Raises Refusal: unauthorized, or unavailable where it may only not be known yet."""
        found = self._listed.get(kid)
        if found is not None:
            return found
        leaving = self._leaving.get(kid)
        if leaving is not None and now_s < leaving[1]:
            return leaving[0]
        if not _is_kid(kid):
            raise Refusal(UNAUTHORIZED, "the token names no key")
        since_s = self._unknown.get(kid)
        if since_s is None:
            since_s = self._unknown[kid] = now_s
            if len(self._unknown) > _MOST_UNKNOWN:
                del self._unknown[next(iter(self._unknown))]
        if self._found_s is not None and self._found_s > since_s:
            raise Refusal(UNAUTHORIZED, "the token is signed with a key that is not known")
        raise Refusal(UNAVAILABLE, "the key of this token is looked for", retry_ms=_SOON_MS)

    def wait_s(self, now_s: float) -> float:
        """How long until the next look is due."""
        if self._looked_s is None or now_s < self._looked_s:  # never, or the clock was set back
            return 0.0
        every_s = self._gap_s if self._is_wanted(self._looked_s) else self._every_s
        return max(self._looked_s + every_s - now_s, 0.0)

    def _is_wanted(self, looked_s: float) -> bool:
        """Whether the last look failed, or somebody brought a key that none has looked for since."""
        found_s = self._found_s
        return found_s != looked_s or any(since_s >= found_s for since_s in self._unknown.values())

    def looked(self, began_s: float) -> None:
        """A look began; nothing may come of it."""
        self._looked_s = began_s

    def found(self, keys: Mapping[str, Key], began_s: float) -> None:
        """What a look that began then has found."""
        gone = {kid: key for kid, key in self._listed.items() if kid not in keys}
        self._leaving = {
            kid: (key, until_s)
            for kid, (key, until_s) in self._leaving.items()
            if kid not in keys and began_s < until_s
        }
        self._leaving |= {kid: (key, began_s + self._keep_s) for kid, key in gone.items()}
        for kid in list(self._leaving)[:-MOST_KEYS]:
            del self._leaving[kid]
        self._listed = dict(keys)
        self._found_s = began_s
        for kid in keys:
            self._unknown.pop(kid, None)
