"""Who may do what, and whose word is taken for who they are."""

from __future__ import annotations

import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from api.auth import BadSecret, NotAuthenticated, Tokens, mint, secret_of
from api.settings import Settings
from domain.catalogue import COMMANDS
from domain.organisation.duties import first_document

SECRET = b"s" * 32
tokens = Tokens(SECRET)


def claims(**other: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    later = now + timedelta(hours=1)
    given = {"sub": "ada", "role": "clerk", "aud": "wattledger", "iat": now, "exp": later}
    return {name: value for name, value in (given | other).items() if value is not None}


def test_every_command_is_somebodys_or_said_to_be_the_administrators() -> None:
    document = first_document()
    placed = {name for duty in document.duties for name in duty.commands}
    of_organisation = {n for n, c in COMMANDS.items() if ".organisation." in c.__module__}
    assert set(COMMANDS) - placed == of_organisation


def test_who_enters_facts_is_not_who_bills_and_not_who_takes_money() -> None:
    def may(command: str) -> set[str]:
        return {duty.name for duty in first_document().duties if command in duty.commands}

    assert may("read-meter") == {"reader", "metering"}
    assert may("issue-bill") == {"billing"}
    assert may("receive-payment") == {"cashier"}
    assert may("draft-tariff").isdisjoint(may("approve-tariff"))


def test_a_token_names_a_person_and_a_duty() -> None:
    person = tokens.bearer("Bearer " + mint(SECRET, "Ada Byron", "clerk"))
    assert (person.by, person.role) == ("Ada Byron", "clerk")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        mint(b"t" * 32, "ada", "admin"),
        jwt.encode(claims(aud="somebody else"), SECRET, "HS256"),
        jwt.encode(claims(aud=None), SECRET, "HS256"),
        jwt.encode(claims(exp=None), SECRET, "HS256"),
        jwt.encode(claims(exp=datetime.now(UTC) - timedelta(seconds=1)), SECRET, "HS256"),
        jwt.encode(claims(iat=datetime.now(UTC) + timedelta(hours=1)), SECRET, "HS256"),
        jwt.encode(claims(sub=None), SECRET, "HS256"),
        jwt.encode(claims(sub="a\nb"), SECRET, "HS256"),
        jwt.encode(claims(sub=["ada"]), SECRET, "HS256"),
        jwt.encode(claims(exp=10**400), SECRET, "HS256"),
        jwt.encode(claims(exp=1e308), SECRET, "HS256"),
        jwt.encode(claims(exp="tomorrow"), SECRET, "HS256"),
        jwt.encode(claims(exp=datetime(9999, 1, 1, tzinfo=UTC)), SECRET, "HS256"),
        jwt.encode(claims(iat=-(10**400)), SECRET, "HS256"),
        jwt.encode(claims(iat=0), SECRET, "HS256"),
        jwt.encode(claims(), SECRET, "HS256", headers={"kid": "nobody's"}),
        jwt.encode(claims(role="king"), SECRET, "HS256"),
        jwt.encode(claims(role=["admin"]), SECRET, "HS256"),
        jwt.encode(claims(), "", "none"),
        jwt.encode(claims(), b"s" * 64, "HS512"),
        "x" * 100_000,
    ],
)
def test_what_is_not_a_token_of_ours_names_nobody(token: str) -> None:
    with pytest.raises(NotAuthenticated):
        tokens.bearer(f"Bearer {token}")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "x"])
def test_nobody_is_named_by_another_header(header: str | None) -> None:
    with pytest.raises(NotAuthenticated):
        tokens.bearer(header)


def test_of_two_keys_the_old_one_goes_on_being_read_while_it_is_rotated() -> None:
    new = b"n" * 32
    rotated = Tokens(new, SECRET)
    assert rotated.read(mint(SECRET, "ada")).by == "ada"
    assert rotated.read(rotated.mint("bert")).by == "bert"
    with pytest.raises(NotAuthenticated):
        Tokens(new).read(mint(SECRET, "ada"))
    with pytest.raises(NotAuthenticated):
        tokens.read(rotated.mint("bert"))


def test_a_clock_may_be_some_seconds_fast() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=5)
    assert tokens.read(jwt.encode(claims(iat=soon), SECRET, "HS256")).by == "ada"


def test_a_token_that_was_good_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    token = mint(SECRET, "ada", "clerk", timedelta(minutes=1))
    tokens.read(token)
    later = time.time() + 61
    monkeypatch.setattr("api.auth.time.time", lambda: later)
    with pytest.raises(NotAuthenticated, match="expired"):
        tokens.read(token)


@pytest.mark.parametrize(
    ("person", "role", "lifetime"),
    [
        ("", "clerk", timedelta(hours=1)),
        ("a\0", "clerk", timedelta(hours=1)),
        ("ada", "king", timedelta(hours=1)),
        ("ada", "clerk", timedelta(0)),
        ("ada", "clerk", timedelta(days=1000)),
    ],
)
def test_no_token_is_minted_for_nobody_or_for_ever(
    person: str, role: str, lifetime: timedelta
) -> None:
    with pytest.raises(ValueError, match=r"."):
        mint(SECRET, person, role, lifetime)


def test_the_secret_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new", secret=None)
    secret = secret_of(settings)
    assert secret_of(settings) == secret
    file = tmp_path / "new" / "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(file.parent.glob("secret.*"))
    file.chmod(0o644)
    with pytest.raises(BadSecret, match="chmod"):
        secret_of(settings)
    file.write_text("short")
    file.chmod(0o600)
    with pytest.raises(BadSecret, match="shorter"):
        secret_of(settings)


def test_a_given_secret_is_taken_when_it_is_long_enough(tmp_path: Path) -> None:
    assert secret_of(Settings(data_dir=tmp_path, secret=SecretStr("x" * 32))) == b"x" * 32
    with pytest.raises(BadSecret):
        secret_of(Settings(data_dir=tmp_path, secret=SecretStr("x" * 31)))
    assert not list(tmp_path.iterdir())
