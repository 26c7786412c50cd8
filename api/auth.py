"""Who is asking: tokens, the keys that sign them, and what they say."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import jwt

from api.settings import Settings
from domain.organisation.duties import FIRST
from replay.server.folder import claim

ALGORITHM = "HS256"
AUDIENCE = "wattledger"
COOKIE = "wattledger-session"  # holds the token of whoever is signed in to the console
SECRET_LEAST = 32  # bytes: as many as the hash has (RFC 7518 §3.2)
SECRET_FILE = "secret"
LIFETIME = timedelta(hours=12)
LIFETIME_MOST = timedelta(days=366)
EXPIRED = "the token has expired; get a new one: sign in, or wattledger token"
KNOWN_MOST = 4096  # tokens remembered as verified
TOKEN_MOST = 4096  # characters of a token; ours have about 200
NAME = re.compile(r"^[^\x00-\x1f\x7f]{1,100}$")

LEEWAY = timedelta(seconds=30)  # by which the clock of whoever signed may be fast
ROLES = tuple(duty.name for duty in FIRST)
"""The duties that a token may say: of a person on record it is then held to that one."""


class NotAuthenticated(Exception):
    """A bearer token is required: `Authorization: Bearer <token>`, from `wattledger token`."""


class BadSecret(Exception):
    """The secret that signs tokens cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, in which duty alone if the token says so; seconds since 1970."""

    by: str
    role: str  # "" for all that they hold
    expires: float
    issued: float = 0.0


def secret_of(settings: Settings) -> bytes:
    """The secret given in the environment, or the one in the data folder, made if missing."""
    given = settings.secret
    if given is not None:
        secret = given.get_secret_value().encode()
        if len(secret) < SECRET_LEAST:
            raise BadSecret(f"WATTLEDGER_SECRET is shorter than {SECRET_LEAST} bytes")
        return secret
    return _kept(settings.data_dir / SECRET_FILE)


def _kept(file: Path) -> bytes:
    """The secret in a file that nobody else can read; made at once or not at all."""
    try:
        claim(file.parent)
        if not file.exists():
            made = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
            made.touch(0o600)
            made.write_text(secrets.token_hex(SECRET_LEAST) + "\n", "ascii")
            with suppress(FileExistsError):  # another process was first: theirs counts
                os.link(made, file)
            made.unlink()
        secret = file.read_bytes().strip()
    except OSError as wrong:
        raise BadSecret(f"the secret {file} cannot be used: {wrong.strerror}") from wrong
    if file.stat().st_mode & 0o077:
        raise BadSecret(f"others can read {file}; take their rights away: chmod 600")
    if len(secret) < SECRET_LEAST:
        raise BadSecret(f"{file} is shorter than {SECRET_LEAST} bytes; delete it for a new one")
    return secret


def mint(secret: bytes, person: str, role: str = "", lifetime: timedelta = LIFETIME) -> str:
    """A token that says who someone is and, if told, in which duty alone; or ValueError."""
    if role and role not in ROLES:
        raise ValueError(f"there is no duty {role!r}; the duties are {', '.join(ROLES)}")
    if not NAME.match(person):
        raise ValueError("a person is named by 1 to 100 printable characters")
    if not timedelta(0) < lifetime <= LIFETIME_MOST:
        raise ValueError(f"a token lives at most {LIFETIME_MOST.days} days")
    now = datetime.now(UTC)
    said = {"role": role} if role else {}
    claims = {"sub": person, "aud": AUDIENCE, "iat": now, "exp": now + lifetime, **said}
    return jwt.encode(claims, secret, ALGORITHM, headers={"kid": key_id(secret)})


def key_id(secret: bytes) -> str:
    """What names a secret, and does not tell it."""
    return hashlib.sha256(b"key id of " + secret).hexdigest()[:16]


class Tokens:
    """Reads tokens, and remembers those it has verified until they expire.  Thread-safe."""

    def __init__(self, secret: bytes, *previous: bytes) -> None:
        self._secret = secret
        self._secrets = {key_id(each): each for each in (secret, *previous)}
        self._known: OrderedDict[str, Person] = OrderedDict()
        self._lock = Lock()

    def mint(self, person: str, role: str = "", lifetime: timedelta = LIFETIME) -> str:
        """A token; see `mint`."""
        return mint(self._secret, person, role, lifetime)

    def read(self, token: str) -> Person:
        """Whom a token names.  Raises NotAuthenticated."""
        with self._lock:
            person = self._known.get(token)
        if person is None:
            person = self._verified(token)
            with self._lock:
                self._known[token] = person
                if len(self._known) > KNOWN_MOST:
                    self._known.popitem(last=False)
        if person.expires <= time.time():
            raise NotAuthenticated(EXPIRED)
        return person

    def bearer(self, header: str | None) -> Person:
        """Whom an Authorization header names.  Raises NotAuthenticated."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotAuthenticated
        return self.read(token.strip())

    def _verified(self, token: str) -> Person:
        if len(token) > TOKEN_MOST:
            raise NotAuthenticated("the token is not one of ours")
        try:
            named = jwt.get_unverified_header(token).get("kid")
            # The tokens of the first release named no key; there was but one.
            secret = self._secret if named is None else self._secrets[named]
            claims = jwt.decode(
                token,
                secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                leeway=LEEWAY,
                options={"require": ["sub", "iat", "exp", "aud"]},
            )
            return _person(claims)
        except jwt.ExpiredSignatureError as wrong:
            raise NotAuthenticated(EXPIRED) from wrong
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError) as wrong:
            raise NotAuthenticated("the token is not one of ours") from wrong


def _person(claims: Mapping[str, Any]) -> Person:
    """Whom claims name.  Raises ValueError, and whatever comes of claims without sense."""
    by, role = claims["sub"], claims.get("role", "")
    issued, expires = float(claims["iat"]), float(claims["exp"])
    longest = LIFETIME_MOST + LEEWAY
    if not NAME.match(by) or role not in ("", *ROLES):
        raise ValueError("it names no person, or no duty that we know")
    if not 0 < expires - issued <= longest.total_seconds():
        raise ValueError("no token of ours lives so long")
    return Person(by, role, expires, issued)
