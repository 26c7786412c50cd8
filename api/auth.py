"""Who is asking, and what their duty lets them do.  What is not allowed here is refused."""

from __future__ import annotations

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

import jwt

from api.settings import Settings
from domain.catalogue import COMMANDS
from domain.kit import ASKED
from replay.server.folder import claim

ALGORITHM = "HS256"
AUDIENCE = "wattledger"
COOKIE = "wattledger-session"  # holds the token of whoever is signed in to the console
SECRET_LEAST = 32  # bytes: as many as the hash has (RFC 7518 §3.2)
SECRET_FILE = "secret"
LIFETIME = timedelta(hours=12)
LIFETIME_MOST = timedelta(days=366)
KNOWN_MOST = 4096  # tokens remembered as verified
TOKEN_MOST = 4096  # characters of a token; ours have about 200
NAME = re.compile(r"^[^\x00-\x1f\x7f]{1,100}$")

ADMIN = "admin"
DUTIES = (
    ADMIN, "clerk", "reader", "metering", "analyst", "supervisor", "billing", "cashier",
    "privacy", "auditor", "integrator",
)  # fmt: skip
ROLES: Mapping[str, frozenset[str]] = {
    duty: frozenset(
        name for name, asked in COMMANDS.items() if duty == ADMIN or duty in ASKED[asked].duties
    )
    for duty in DUTIES
}
"""Which commands each duty may give, as the commands say; the administrator's are all."""

READERS = frozenset(ROLES) - {"integrator"}
"""Who may query: everybody who works here."""
FOLLOWERS = frozenset({"integrator", "auditor", ADMIN})
"""Who may read the feeds, and with them every fact there is."""


class NotAuthenticated(Exception):
    """Say who is asking: `Authorization: Bearer <token>`, from `wattledger token`."""


class NotAllowed(Exception):
    """The duty of this person does not include that."""

    def __init__(self, person: Person, wanted: str, allowed: frozenset[str]) -> None:
        super().__init__(f"the role {person.role} may not {wanted}")
        self.person = person
        self.wanted = wanted
        self.allowed = allowed  # the roles that may


class BadSecret(Exception):
    """The secret that signs tokens cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, in which duty, and until when the token says so (seconds since 1970)."""

    by: str
    role: str
    expires: float


def roles_for(command: str) -> frozenset[str]:
    """The roles that may give a command."""
    return frozenset(role for role, commands in ROLES.items() if command in commands)


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


def mint(secret: bytes, person: str, role: str, lifetime: timedelta = LIFETIME) -> str:
    """A token that says who someone is and in which duty.  Raises ValueError."""
    if role not in ROLES:
        raise ValueError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}")
    if not NAME.match(person):
        raise ValueError("a person is named by 1 to 100 printable characters")
    if not timedelta(0) < lifetime <= LIFETIME_MOST:
        raise ValueError(f"a token lives at most {LIFETIME_MOST.days} days")
    now = datetime.now(UTC)
    claims = {"sub": person, "role": role, "aud": AUDIENCE, "iat": now, "exp": now + lifetime}
    return jwt.encode(claims, secret, ALGORITHM)


class Tokens:
    """Reads tokens, and remembers those it has verified until they expire.  Thread-safe."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known: OrderedDict[str, Person] = OrderedDict()
        self._lock = Lock()

    def mint(self, person: str, role: str, lifetime: timedelta = LIFETIME) -> str:
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
            raise NotAuthenticated("the token has expired; get a new one: wattledger token")
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
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["sub", "role", "iat", "exp", "aud"]},
            )
        except jwt.ExpiredSignatureError as wrong:
            raise NotAuthenticated(
                "the token has expired; get a new one: wattledger token"
            ) from wrong
        except jwt.PyJWTError as wrong:
            raise NotAuthenticated("the token is not one of ours") from wrong
        by, role = claims["sub"], claims["role"]
        if not NAME.match(by) or not isinstance(role, str) or role not in ROLES:
            raise NotAuthenticated("the token names no person or no duty that we know")
        return Person(by, role, float(claims["exp"]))


def allow(person: Person, command: str) -> None:
    """Raise NotAllowed unless the duty of a person includes a command."""
    if command not in ROLES[person.role]:
        raise NotAllowed(person, command, roles_for(command))


def allow_reading(person: Person) -> None:
    """Raise NotAllowed unless a person may query."""
    if person.role not in READERS:
        raise NotAllowed(person, "query", READERS)


def allow_following(person: Person) -> None:
    """Raise NotAllowed unless a person may read the feeds."""
    if person.role not in FOLLOWERS:
        raise NotAllowed(person, "follow", FOLLOWERS)
