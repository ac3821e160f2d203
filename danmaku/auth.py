"""Tokens and guests: who is speaking. No clock: `now_s` is passed in.

A token is a JWT with `sub`, `name`, `role`, `rooms` ({room: role}), `iat`, `exp` and `typ`. It may say of
its holder the rooms he is a member of (`member_of`) and follows (`follows`), lists in which "*" is every
room, and when his account was made (`since`, seconds since 1970). A refresh
token also carries its family (`fam`), its number (`n`) and, where its access token has a life of its
own, that life (`ttl`, seconds). One algorithm is accepted, the configured one, whatever a token's header
says; only which of several keys it is, `kid`, may stand there.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from config import settings as config
from danmaku.errors import BAD_FRAME, UNAUTHORIZED, Refusal
from danmaku.jwks import MIN_RSA_BITS, BadKeys, KeyRing, Keys, parsed, read
from danmaku.model import EVERY_ROOM, Identity, Role, check_id

MAX_TOKEN: Final = 4096
MAX_LIFE_S: Final = 366 * 24 * 3600  # a revocation is remembered as long
MIN_SECRET: Final = 32
_LOOK_S: Final = 2.0  # how often a file of keys is looked at
_GAP_S: Final = 5.0  # the least between two questions for keys, whoever brings which
_AHEAD_S: Final = 60.0  # how far the clock of whoever issues tokens may be ahead
_MAX_NUMBER: Final = 2**53 - 1
_MAX_NAME: Final = 64
MAX_ROOMS: Final = 64
_ROOM_CLAIMS: Final = ("rooms", "member_of", "follows")
_REQUIRED: Final = ["sub", "iat", "exp", "typ"]
_MARK_BYTES: Final = 12  # of a guest's uid: too many to find a device for somebody else's
_PARTS: Final = 3  # header, claims, signature
_BAD_KEY: Final = (ValueError, TypeError, UnsupportedAlgorithm, jwt.InvalidKeyError)


class AuthError(Exception):
    """Keys that cannot be used; the text says which setting and why."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """What a verified refresh token says. `ttl_s` is the life of its access tokens, None where as usual.

    expires_ms: neither it nor the refresh token that is given for it now lives longer.
    """

    identity: Identity
    family: str
    n: int
    issued_ms: int
    expires_ms: int
    ttl_s: int | None = None


class Authority:
    """Verifies tokens, names guests, and issues tokens where it holds the signing key.

    `secret` signs with HS256; with the other algorithms it only keys the uids of guests, which everybody
    who verifies must name alike. Without it their public key does.

    With `keys` a token names the one that signed it, and none are issued here; `source` says where keys come
    from, alike on every node, and takes the place of the public key.
    """

    def __init__(
        self,
        *,
        algorithm: str = "HS256",
        secret: str = "",
        public_key: str = "",
        private_key: str = "",
        keys: Keys | None = None,
        source: str = "",
        guests: bool = True,
        access_ttl_s: int = 3600,
        refresh_ttl_s: int = 30 * 24 * 3600,
    ) -> None:
        """Keys are PEM. Raises AuthError for keys that are missing, too weak, or not for `algorithm`."""
        self._keys = keys
        self._verifying: Any = None
        self._signing: Any = None
        if keys is None and algorithm == "HS256":
            self._verifying = self._signing = _secret(secret)
        elif keys is None:
            self._verifying = _public_key(public_key, algorithm)
            self._signing = _private_key(private_key, algorithm, self._verifying) if private_key else None
        self._algorithm = algorithm
        self._guest_key = blake2b((secret or public_key or source).encode(), person=b"danmaku guest").digest()
        self._guests = guests
        self._access_ttl_s = access_ttl_s
        self._refresh_ttl_s = refresh_ttl_s
        self._jwt = jwt.PyJWT({"verify_exp": False, "verify_iat": False, "verify_nbf": False})

    def verify(self, token: str, now_s: float) -> Identity:
        """Whom an access token names. Raises Refusal (unauthorized) that says what is wrong with it.

        With `keys` also `unavailable`, where the one that signed it may only not be known here yet.
        """
        return _identity(self._claims(token, "access", now_s))

    def read_refresh(self, token: str, now_s: float) -> RefreshClaims:
        """What a refresh token says; whether it was spent the store knows. Raises Refusal (unauthorized)."""
        claims = self._claims(token, "refresh", now_s)
        identity = _identity(claims)
        try:
            family, number = check_id(_text(claims.get("fam")), "fam"), _number(claims.get("n"))
            ttl_s = None if claims.get("ttl") is None else _number(claims["ttl"])
        except (ValueError, Refusal) as error:
            raise _invalid(error) from None
        expires_ms = _milliseconds(max(claims["exp"], now_s + self._refresh_life_s(ttl_s)))
        return RefreshClaims(identity, family, number, identity.issued_ms, expires_ms, ttl_s)

    def guest(self, device: str | None, name: str | None) -> Identity:
        """A guest: the same uid for the same secret `device`. Raises Refusal where there are none."""
        if not self._guests:
            raise Refusal(UNAUTHORIZED, "guests are not admitted here: a token is needed")
        if device:
            mark = blake2b(device.encode(), key=self._guest_key, digest_size=_MARK_BYTES).hexdigest()
        else:
            mark = secrets.token_hex(_MARK_BYTES)
        return Identity(f"g-{mark}", _shown_name(name) or f"guest-{mark[:4]}", Role.GUEST)

    def issue(
        self,
        identity: Identity,
        now_s: float,
        *,
        ttl_s: int | None = None,
        family: str | None = None,
        n: int = 1,
    ) -> TokenPair:
        """An access and a refresh token; equal arguments (with a family) give equal tokens.

        `ttl_s` is the life of the access token and of those that a refresh brings. Raises AuthError where
        only a public key is configured, Refusal for what `verify` would not take (bad_id, bad_frame).
        """
        if self._signing is None:
            raise AuthError("tokens are issued elsewhere: auth.private_key_file is not set")
        issued_ms = _milliseconds(now_s)
        lifetime_s = self._access_life_s(ttl_s)
        if not 1 <= lifetime_s <= MAX_LIFE_S:
            raise Refusal(BAD_FRAME, f"a token lives from 1 to {MAX_LIFE_S} seconds")
        uid = check_id(identity.uid, "uid")
        claims: dict[str, Any] = {"sub": uid, "name": _shown_name(identity.name) or uid}
        claims["role"] = identity.role.label
        if identity.rooms:
            claims["rooms"] = {check_id(room, "room"): role.label for room, role in identity.rooms.items()}
        for name, some in (("member_of", identity.member_of), ("follows", identity.follows)):
            if some:
                claims[name] = sorted(_room_or_every(room) for room in some)
        if identity.since_s:
            claims["since"] = identity.since_s
        claims["iat"] = issued_ms / 1000
        access = {**claims, "typ": "access", "exp": (issued_ms + lifetime_s * 1000) / 1000}
        refresh_ms = self._refresh_life_s(ttl_s) * 1000
        refresh = {**claims, "typ": "refresh", "exp": (issued_ms + refresh_ms) / 1000}
        refresh |= {"fam": family or secrets.token_urlsafe(12), "n": n}
        if ttl_s is not None:
            refresh["ttl"] = ttl_s
        return TokenPair(self._sign(access), self._sign(refresh), lifetime_s)

    def _access_life_s(self, ttl_s: int | None) -> int:
        return self._access_ttl_s if ttl_s is None else ttl_s

    def _refresh_life_s(self, ttl_s: int | None) -> int:
        """As long as the access tokens it brings, or longer."""
        return max(self._refresh_ttl_s, self._access_life_s(ttl_s))

    def _sign(self, claims: dict[str, Any]) -> str:
        token = self._jwt.encode(claims, self._signing, algorithm=self._algorithm)
        if len(token) > MAX_TOKEN or any(len(claims.get(name, ())) > MAX_ROOMS for name in _ROOM_CLAIMS):
            raise Refusal(
                BAD_FRAME, f"a token holds at most {MAX_ROOMS} rooms and {MAX_TOKEN} bytes: name fewer rooms"
            )
        return token

    def _claims(self, token: str, kind: str, now_s: float) -> dict[str, Any]:
        if len(token) > MAX_TOKEN:
            raise Refusal(UNAUTHORIZED, "the token is too long")
        try:
            key = self._verifying if self._keys is None else self._keys.key(_kid(token), now_s)
            claims: dict[str, Any] = self._jwt.decode(
                token, key, algorithms=[self._algorithm], options={"require": _REQUIRED}
            )
            starts_s = max(_time(claims["iat"]), _time(claims.get("nbf", claims["iat"])))
            ends_s = _time(claims["exp"])
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise _invalid(_unreadable(token) if type(error) is jwt.DecodeError else error) from None
        if claims["typ"] != kind:
            raise Refusal(UNAUTHORIZED, f"a token of type {kind} is needed here")
        if ends_s <= now_s:
            raise Refusal(UNAUTHORIZED, "the token has expired")
        if starts_s > now_s + _AHEAD_S:
            raise Refusal(UNAUTHORIZED, "the token is from the future")
        if _milliseconds(ends_s) - _milliseconds(claims["iat"]) > MAX_LIFE_S * 1000:
            raise Refusal(UNAUTHORIZED, "the token lives longer than a year")
        return claims


def from_settings(settings: config.Auth, keys: Keys | None = None) -> Authority:
    """Read key files and build. Raises AuthError naming the setting that is wrong.

    `keys`: those of `auth.jwks_url` or `auth.jwks_file`, where whoever calls keeps them up to date.
    """
    secret = settings.secret or _read(settings.secret_file, "auth.secret_file")
    source = settings.jwks_url or settings.jwks_file
    if source and keys is None:
        keys = key_ring(settings)
    return Authority(
        algorithm=settings.algorithm,
        keys=keys if source else None,
        source=source,
        secret=secret,
        public_key=_read(settings.public_key_file, "auth.public_key_file"),
        private_key=_read(settings.private_key_file, "auth.private_key_file"),
        guests=settings.guests,
        access_ttl_s=settings.access_ttl_s,
        refresh_ttl_s=settings.refresh_ttl_s,
    )


def key_ring(settings: config.Auth) -> KeyRing:
    """The keys that `auth.jwks_file` holds now, or none yet of `auth.jwks_url`. Raises AuthError."""
    path, every_s = settings.jwks_file, settings.jwks_refresh_s
    every_s = _LOOK_S if path else every_s
    ring = KeyRing(every_s=every_s, keep_s=settings.jwks_keep_s, gap_s=min(_GAP_S, every_s))
    if path:
        try:
            ring.found(parsed(read(path), settings.algorithm), 0.0)
        except (OSError, BadKeys) as error:
            raise AuthError(f"auth.jwks_file = {path}: {error}") from None
    return ring


def _kid(token: str) -> str:
    """Which key signed it, as it says; empty where it does not. Raises PyJWTError."""
    return str(jwt.get_unverified_header(token).get("kid", ""))


def _read(path: str, key: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AuthError(f"{key} = {path}: {error}") from None


def _secret(secret: str) -> Any:
    if len(secret.encode()) < MIN_SECRET:
        raise AuthError(f"auth.secret must have at least {MIN_SECRET} bytes")
    try:
        return jwt.get_algorithm_by_name("HS256").prepare_key(secret)
    except jwt.InvalidKeyError as error:
        raise AuthError(f"auth.secret is not a secret: {error}") from None


def _public_key(pem: str, algorithm: str) -> Any:
    what = f"auth.public_key_file must name a PEM file with a public key for {algorithm}"
    if not pem:
        raise AuthError(what)
    try:
        key: Any = jwt.get_algorithm_by_name(algorithm).prepare_key(load_pem_public_key(pem.encode()))
    except _BAD_KEY:
        raise AuthError(what) from None
    if algorithm == "RS256" and key.key_size < MIN_RSA_BITS:
        raise AuthError(f"{what} of at least {MIN_RSA_BITS} bits")
    return key


def _private_key(pem: str, algorithm: str, public_key: Any) -> Any:
    what = f"auth.private_key_file must name a PEM file with a private key for {algorithm}, not encrypted"
    try:
        key: Any = jwt.get_algorithm_by_name(algorithm).prepare_key(load_pem_private_key(pem.encode(), None))
    except _BAD_KEY:
        raise AuthError(what) from None
    if key.public_key() != public_key:
        raise AuthError("auth.private_key_file and auth.public_key_file do not belong together")
    return key


def _identity(claims: dict[str, Any]) -> Identity:
    uid, name = claims["sub"], claims.get("name")
    try:
        check_id(uid, "sub")
        role = Role.parse(_text(claims.get("role", Role.VIEWER.label)))
        rooms = _rooms(claims.get("rooms"))
        member_of, follows = (_some_rooms(name, claims.get(name)) for name in ("member_of", "follows"))
        since_s = 0 if claims.get("since") is None else int(_time(claims["since"]))
    except (ValueError, Refusal) as error:
        raise _invalid(error) from None
    shown = _shown_name(name if isinstance(name, str) else None) or uid
    return Identity(uid, shown, role, rooms, _milliseconds(claims["iat"]), member_of, follows, since_s)


def _invalid(error: Exception | str) -> Refusal:
    why = error.message if isinstance(error, Refusal) else error
    return Refusal(UNAUTHORIZED, f"the token is not valid: {why}")


def _unreadable(token: str) -> str:
    """Why there is nothing to verify in it."""
    parts = token.count(".") + 1
    if parts != _PARTS:
        return f"it has {parts} instead of {_PARTS} parts with dots between them"
    return "one of its parts cannot be read: it was altered, or is not all there"


def _rooms(value: object) -> dict[str, Role] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > MAX_ROOMS:
        raise ValueError(f"rooms must be a map of at most {MAX_ROOMS} rooms to roles")
    return {check_id(_text(room), "rooms"): Role.parse(_text(role)) for room, role in value.items()}


def _some_rooms(name: str, value: object) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or len(value) > MAX_ROOMS:
        raise ValueError(f"{name} must be a list of at most {MAX_ROOMS} rooms")
    return frozenset(_room_or_every(_text(room)) for room in value)


def _room_or_every(room: str) -> str:
    return room if room == EVERY_ROOM else check_id(room, "room")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")  # noqa: TRY004  bad data, not a mistake in the program
    return value


def _number(value: object) -> int:
    if type(value) is not int or not 1 <= value <= _MAX_NUMBER:
        raise ValueError(f"{value!r} is not a number from 1 on")
    return value


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_NUMBER:
        raise ValueError("a time in it is not a number of seconds")
    return float(value)


def _milliseconds(seconds: float) -> int:
    """Whole milliseconds, not rounded up; what was made from whole ones gives the same again."""
    return math.floor(round(seconds * 1000, 2))  # a float of seconds is some thousandths off at most


def _shown_name(name: str | None) -> str:
    """A name fit to be shown: one line, no control characters, not too long."""
    return "".join(char for char in name if char.isprintable()).strip()[:_MAX_NAME] if name else ""
