"""Tokens and guests: who is speaking. No clock: `now_s` is passed in.

A token is a JWT with `sub`, `name`, `role`, `rooms` ({room: role}), `iat`, `exp` and `typ`; a refresh
token also carries its family (`fam`) and number (`n`). One algorithm is accepted, the configured one,
whatever a token's header says.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import jwt

from config import settings as config
from danmaku.errors import UNAUTHORIZED, Refusal
from danmaku.model import Identity, Role, check_id

MAX_TOKEN: Final = 4096
MIN_SECRET: Final = 32
_AHEAD_S: Final = 60.0
_MAX_NAME: Final = 64
_MAX_ROOMS: Final = 64
_REQUIRED: Final = ["sub", "iat", "exp", "typ"]


class AuthError(Exception):
    """Keys that cannot be used; the text says which setting and why."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class RefreshClaims:
    """What a verified refresh token says."""

    identity: Identity
    family: str
    n: int
    issued_ms: int


class Authority:
    """Verifies tokens, names guests, and issues tokens where it holds the signing key."""

    def __init__(
        self,
        *,
        algorithm: str = "HS256",
        secret: str = "",
        public_key: str = "",
        private_key: str = "",
        guests: bool = True,
        access_ttl_s: int = 3600,
        refresh_ttl_s: int = 30 * 24 * 3600,
    ) -> None:
        """Raises AuthError for keys that are missing or too weak."""
        if algorithm == "HS256":
            if len(secret.encode()) < MIN_SECRET:
                raise AuthError(f"auth.secret must have at least {MIN_SECRET} bytes")
            self._verifying: Any = secret
            self._signing: Any = secret
        else:
            if not public_key:
                raise AuthError(f"auth.public_key_file must name a public key for {algorithm}")
            self._verifying = public_key
            self._signing = private_key or None
        self._algorithm = algorithm
        guest_secret = secret or private_key or secrets.token_hex(32)
        self._guest_key = blake2b(guest_secret.encode(), person=b"danmaku guest").digest()
        self._guests = guests
        self._access_ttl_s = access_ttl_s
        self._refresh_ttl_s = refresh_ttl_s
        self._jwt = jwt.PyJWT({"verify_exp": False, "verify_iat": False, "verify_nbf": False})

    def verify(self, token: str, now_s: float) -> Identity:
        """Whom an access token names. Raises Refusal (unauthorized) that says what is wrong with it."""
        return _identity(self._claims(token, "access", now_s))

    def read_refresh(self, token: str, now_s: float) -> RefreshClaims:
        """What a refresh token says; whether it was spent the store knows. Raises Refusal (unauthorized)."""
        claims = self._claims(token, "refresh", now_s)
        family, number = claims.get("fam"), claims.get("n")
        if not isinstance(family, str) or not isinstance(number, int) or number < 1:
            raise Refusal(UNAUTHORIZED, "the refresh token names no family")
        identity = _identity(claims)
        return RefreshClaims(identity, check_id(family, "fam"), number, identity.issued_ms)

    def guest(self, device: str | None, name: str | None) -> Identity:
        """A guest: the same uid for the same secret `device`. Raises Refusal where there are none."""
        if not self._guests:
            raise Refusal(UNAUTHORIZED, "guests are not admitted here: a token is needed")
        if device:
            mark = blake2b(device.encode(), key=self._guest_key, digest_size=8).hexdigest()
        else:
            mark = secrets.token_hex(8)
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

        Raises AuthError where only a public key is configured.
        """
        lifetime = self._access_ttl_s if ttl_s is None else ttl_s
        claims: dict[str, Any] = {"sub": identity.uid, "name": identity.name, "role": identity.role.label}
        if identity.rooms:
            claims["rooms"] = {room: role.label for room, role in identity.rooms.items()}
        claims["iat"] = math.floor(now_s * 1000) / 1000
        access = {**claims, "typ": "access", "exp": claims["iat"] + lifetime}
        refresh = {
            **claims,
            "typ": "refresh",
            "exp": claims["iat"] + max(self._refresh_ttl_s, lifetime),
            "fam": family or secrets.token_urlsafe(12),
            "n": n,
        }
        return TokenPair(self._sign(access), self._sign(refresh), lifetime)

    def _sign(self, claims: dict[str, Any]) -> str:
        if self._signing is None:
            raise AuthError("tokens are issued elsewhere: auth.private_key_file is not set")
        return self._jwt.encode(claims, self._signing, algorithm=self._algorithm)

    def _claims(self, token: str, kind: str, now_s: float) -> dict[str, Any]:
        if len(token) > MAX_TOKEN:
            raise Refusal(UNAUTHORIZED, "the token is too long")
        try:
            claims: dict[str, Any] = self._jwt.decode(
                token, self._verifying, algorithms=[self._algorithm], options={"require": _REQUIRED}
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise Refusal(UNAUTHORIZED, f"the token is not valid: {error}") from None
        if claims["typ"] != kind:
            raise Refusal(
                UNAUTHORIZED,
                f"an {kind} token is needed here" if kind == "access" else "a refresh token is needed here",
            )
        issued, expires = _time(claims["iat"]), _time(claims["exp"])
        if expires <= now_s:
            raise Refusal(UNAUTHORIZED, "the token has expired")
        if issued > now_s + _AHEAD_S:
            raise Refusal(UNAUTHORIZED, "the token is from the future")
        return claims


def from_settings(settings: config.Auth) -> Authority:
    """Read key files and build. Raises AuthError naming the setting that is wrong."""
    secret = settings.secret or _read(settings.secret_file, "auth.secret_file")
    return Authority(
        algorithm=settings.algorithm,
        secret=secret,
        public_key=_read(settings.public_key_file, "auth.public_key_file"),
        private_key=_read(settings.private_key_file, "auth.private_key_file"),
        guests=settings.guests,
        access_ttl_s=settings.access_ttl_s,
        refresh_ttl_s=settings.refresh_ttl_s,
    )


def _read(path: str, key: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AuthError(f"{key} = {path}: {error}") from None


def _identity(claims: dict[str, Any]) -> Identity:
    uid, name = claims["sub"], claims.get("name")
    try:
        check_id(uid, "sub")
        role = Role.parse(_text(claims.get("role", Role.VIEWER.label)))
        rooms = _rooms(claims.get("rooms"))
    except ValueError as error:
        raise Refusal(UNAUTHORIZED, f"the token is not valid: {error}") from None
    except Refusal as refusal:
        raise Refusal(UNAUTHORIZED, f"the token is not valid: {refusal.message}") from None
    shown = _shown_name(name if isinstance(name, str) else None) or uid
    return Identity(uid, shown, role, rooms, math.floor(_time(claims["iat"]) * 1000))


def _rooms(value: object) -> dict[str, Role] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > _MAX_ROOMS:
        raise ValueError(f"rooms must be a map of at most {_MAX_ROOMS} rooms to roles")
    return {check_id(_text(room), "rooms"): Role.parse(_text(role)) for room, role in value.items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")  # noqa: TRY004  bad data, not a mistake in the program
    return value


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal(UNAUTHORIZED, "the token is not valid: a time in it is not a number")
    return float(value)


def _shown_name(name: str | None) -> str:
    """A name fit to be shown: one line, no control characters, not too long."""
    return "".join(char for char in name or "" if char.isprintable()).strip()[:_MAX_NAME]
