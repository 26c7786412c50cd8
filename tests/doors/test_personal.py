"""What is personal stands in history sealed, and is gone everywhere once its key is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from api.settings import Settings
from api.system import opened as system_opened
from domain.catalogue import EVENTS
from domain.customers.customer import (
    CustomerErased,
    CustomerRegistered,
    CustomerRenamed,
    ErasePerson,
    RegisterCustomer,
    RenameCustomer,
    customers,
)
from domain.kit import NAMES, value
from domain.values import ERASED, PersonalText
from projections.billing import bills
from projections.books import trial_balance
from projections.catalogue import PROJECTIONS
from projections.customers import accounts
from projections.customers import customers as people
from replay.billing.verify import verify
from replay.store.append import Append
from replay.store.history import History, Stale, Unreadable
from replay.store.keys import overdue
from replay.store.mapper import facts
from replay.store.migrations import migrate
from replay.store.sealing import MARK, PERSONALS, new_key, opened, sealed
from replay.tables.rebuild import rebuild
from tests.town import town

MARCH = date(2026, 3, 1)
CANARY = "Zephyrine Quillfeather"
ADA = customers.stream("C1")
ERASE = CustomerErased(reason="asked for it", on=MARCH)


@pytest.fixture
def history(database_url: str) -> Iterator[History]:
    migrate(database_url)
    with History(database_url) as opened:
        yield opened


def about(seen: int, *events: object, customer: str = "C1", key: str | None = None) -> Append:
    stream = customers.stream(customer)
    happened = tuple((stream, event) for event in events)
    return Append(
        happened, {stream: seen}, "ada", "clerk", f"{customer}.{seen}", "r", key, b"digest"
    )


def stored(url: str) -> list[tuple[str, bytes]]:
    with psycopg.connect(url) as connection:
        query = "select topic, state from history.events order by notification_id"
        return connection.execute(query, binary=True).fetchall()


def keys_in(url: str) -> dict[str, bytes | None]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select person, key from history.keys", binary=True)
        return dict(rows.fetchall())


# Sealed


def test_a_name_is_stored_sealed_and_read_as_it_was(
    history: History, database_url: str
) -> None:
    registered = CustomerRegistered(name=CANARY, contact="zq@example.org")
    renamed = CustomerRenamed(name="Zephyrine Q.", was=CANARY)

    history.append(about(0, registered))
    history.append(about(1, renamed))

    assert [fact.event for fact in history.of(ADA)] == [registered, renamed]
    assert [fact.event for fact in history.since()] == [registered, renamed]
    states = b"".join(state for _, state in stored(database_url))
    assert states.count(MARK) == 4
    assert b"Zephyrine" not in states
    assert b"zq@" not in states


def test_a_person_has_one_key_and_the_next_another(history: History, database_url: str) -> None:
    history.append(about(0, CustomerRegistered(name="Ada")))
    history.append(about(1, CustomerRenamed(name="Ada L.", was="Ada")))
    history.append(about(0, CustomerRegistered(name="Ada"), customer="C2"))

    keys = keys_in(database_url)

    assert set(keys) == {"customer-C1", "customer-C2"}
    assert len(set(keys.values())) == 2


def test_two_who_register_in_one_batch_get_what_they_asked(history: History) -> None:
    futures = [
        history.submit(
            about(0, CustomerRegistered(name=f"Customer {n}"), customer=f"C{n}", key=f"k{n}")
        )
        for n in range(50)
    ]
    for future in futures:
        future.result()

    names = {fact.key: fact.event.name for fact in history.since()}
    assert names == {f"C{n}": f"Customer {n}" for n in range(50)}
    again = history.append(about(0, CustomerRegistered(name="x"), customer="C7", key="k7"))
    assert again.repeated
    assert again.facts[0].event == CustomerRegistered(name="Customer 7")


def test_what_is_sealed_cannot_be_moved(history: History, database_url: str) -> None:
    history.append(about(0, CustomerRegistered(name="Ada", contact="ada@example.org")))
    rows = history.rows()
    stream, version, name, state, position, at = next(rows)[0]
    keys = keys_in(database_url)

    moved = facts(
        [(stream, version + 1, name, state, position, at)], keys=keys, unreadable=True
    )

    assert isinstance(moved[0].event, Unreadable)
    assert "does not open" in str(moved[0].event)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=99)


@given(texts, texts | st.none(), st.lists(texts, max_size=3))
def test_what_is_opened_is_what_was_sealed(
    name: str, contact: str | None, former: list[str]
) -> None:
    data = {"name": name, "contact": contact, "former": former, "plain": {"a": [1, name]}}
    key = new_key()

    kept = sealed(data, ("name", "contact", "former"), key, "customer-C1@1")

    assert opened(kept, key, "customer-C1@1") == data
    gone = opened(kept, None, "customer-C1@1")
    assert gone["plain"] == data["plain"]
    assert gone["name"] == ERASED
    assert gone["contact"] == (None if contact is None else ERASED)
    assert gone["former"] == [ERASED] * len(former)


def test_what_was_sealed_by_the_first_version_opens_for_ever() -> None:
    kept = {
        "sealed": "AAAAAAAAAAAAAAAAj8MhPU1ga24HTsXTuvOdGHJgA8o3pip00aL1"
        "jnUGNY4fUQQ4mWqd4oAj3UWDxiol"
    }
    assert opened({"name": kept}, bytes(32), "customer-C1@1") == {"name": "Ada"}


def test_what_is_personal_is_marked_and_is_nowhere_else() -> None:
    assert {name: PERSONALS[cls] for name, cls in EVENTS.items() if PERSONALS[cls]} == {
        "customer.registered": ("name", "contact"),
        "customer.renamed": ("name", "was"),
        "customer.contact-changed": ("contact", "was"),
    }


def test_something_personal_inside_a_value_cannot_be_declared() -> None:
    @value
    class Person:
        name: PersonalText

    @dataclass
    class Met:
        whom: tuple[Person, ...]

    Met.__annotations__["whom"] = tuple[Person, ...]
    with pytest.raises(TypeError, match="which only an event can"):
        PERSONALS[Met]


def test_a_fact_that_cannot_be_read_does_not_tell_what_is_in_it(
    history: History, database_url: str
) -> None:
    history.append(about(0, CustomerRegistered(name=CANARY)))
    row = next(history.rows())[0]
    renamed = (*row[:2], "customer.renamed", row[3].replace(b'"v":2', b'"v":1'), *row[4:])

    lost = facts([renamed], keys=keys_in(database_url), unreadable=True)[0].event

    assert isinstance(lost, Unreadable)
    assert "was" in str(lost)
    assert CANARY not in str(lost)


# Erased


def test_the_fact_that_a_person_is_erased_destroys_their_key(
    history: History, database_url: str
) -> None:
    history.append(about(0, CustomerRegistered(name=CANARY, contact="zq@example.org")))
    history.append(about(0, CustomerRegistered(name="Bob"), customer="C2"))
    before = stored(database_url)

    history.append(about(1, ERASE))

    assert [fact.event for fact in history.of(ADA)] == [
        CustomerRegistered(name=ERASED, contact=ERASED),
        ERASE,
    ]
    assert history.of(customers.stream("C2"))[0].event == CustomerRegistered(name="Bob")
    keys = keys_in(database_url)
    assert keys["customer-C1"] is None
    assert keys["customer-C2"] is not None
    assert stored(database_url)[:2] == before
    with psycopg.connect(database_url) as connection:
        assert overdue(connection) == []


def test_no_key_is_made_anew_for_who_was_erased(history: History, database_url: str) -> None:
    history.append(about(0, CustomerRegistered(name="Ada")))
    history.append(about(1, ERASE))

    with pytest.raises(Stale):
        history.append(about(0, CustomerRegistered(name=CANARY)))
    with pytest.raises(Stale):
        history.append(about(1, CustomerRenamed(name=CANARY, was="Ada")))
    history.append(about(2, CustomerRenamed(name=CANARY, was=CANARY)))  # no rule would say so

    assert keys_in(database_url) == {"customer-C1": None}
    assert history.of(ADA)[-1].event == CustomerRenamed(name=ERASED, was=ERASED)


def test_an_erasure_that_is_not_committed_destroys_nothing(history: History) -> None:
    history.append(about(0, CustomerRegistered(name="Ada")))
    with pytest.raises(Stale):
        history.append(about(0, ERASE))

    assert history.of(ADA)[0].event == CustomerRegistered(name="Ada")


def test_the_digest_of_what_was_asked_about_them_is_gone_as_well(
    history: History, database_url: str
) -> None:
    history.append(about(0, CustomerRegistered(name="Ada"), key="k1"))
    history.append(about(0, CustomerRegistered(name="Bob"), customer="C2", key="k2"))
    history.append(about(1, ERASE, key="k3"))

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select key, digest from history.commands order by key")
        assert rows.fetchall() == [("k1", b""), ("k2", b"digest"), ("k3", b"digest")]


def test_no_process_remembers_a_person(history: History, database_url: str) -> None:
    wanted = {"customer": (customers, ADA)}
    with History(database_url) as other:
        history.append(about(0, CustomerRegistered(name=CANARY)))
        assert other.states(wanted)["customer"].state.name == CANARY
        assert other.cached(wanted) is None
        history.append(about(1, ERASE))
        assert other.states(wanted)["customer"].state.name == ERASED


# Gone from everything that people look at


def everything(url: str) -> str:
    """All that the database holds, as text, but for the keys."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname in ('history', 'books')"
        ).fetchall()
        told = []
        for (table,) in tables:
            if table != "history.keys":
                query = f"select coalesce(string_agg(t::text, ' '), '') from {table} t"
                told += [str(row) for row in connection.execute(query.encode())]
    return " ".join(told)


def test_tables_and_their_past_are_then_what_a_rebuild_makes_of_them(
    database_url: str, tmp_path: Path
) -> None:
    with town(database_url, tmp_path) as harbour:
        account = harbour.story()
        harbour.ask(RegisterCustomer(customer="C1", name=CANARY, contact="zq@example.org"))
        harbour.ask(RenameCustomer(customer="C1", name=f"{CANARY} II"))
        harbour.ask(RegisterCustomer(customer="C2", name="Bob"))
        harbour.settle()
        system = harbour.system
        money = [system.tables.find(each) for each in (accounts, bills, trial_balance)]
        assert CANARY in everything(database_url)

        harbour.ask(ErasePerson(customer="C1", reason="asked for it", on=MARCH), role="privacy")
        head = harbour.settle()

        assert CANARY not in everything(database_url)
        assert "zq@example.org" not in everything(database_url)
        row = system.tables.get(people, "C1")
        assert row is not None
        assert (row.name, row.contact, row.erased) == (ERASED, None, MARCH)
        then = system.tables.get(people, "C1", known_at=head - 2)
        assert then is not None
        assert (then.name, then.contact, then.erased) == (ERASED, ERASED, None)
        bob = system.tables.get(people, "C2")
        assert bob is not None
        assert bob.name == "Bob"
        assert money == [system.tables.find(each) for each in (accounts, bills, trial_balance)]
        assert verify(system.history, system.tables, PROJECTIONS).agrees
        report = rebuild(system.history, database_url, PROJECTIONS, swap=False)
        assert all(table.equal for table in report.tables)
        assert system.tables.get(people, f"C{account}") is not None


def test_who_was_erased_before_anybody_followed_is_folded_as_erased(
    database_url: str, tmp_path: Path
) -> None:
    with town(database_url, tmp_path) as harbour:
        harbour.ask(RegisterCustomer(customer="C1", name=CANARY))
        harbour.ask(ErasePerson(customer="C1", reason="asked for it", on=MARCH), role="privacy")
        harbour.settle()
    with psycopg.connect(database_url) as db:
        db.execute("drop schema books cascade")
    with system_opened(
        Settings(database_url=SecretStr(database_url), data_dir=tmp_path)
    ) as system:
        assert system.tables.wait_for(system.history.head(), 20)
        row = system.tables.get(people, "C1")
        assert row is not None
        assert (row.name, row.erased) == (ERASED, MARCH)


def test_a_projection_about_persons_has_rows_of_one_person_each() -> None:
    """Such rows are folded again from the stream of the person alone."""
    for projection in PROJECTIONS:
        if any(PERSONALS[wanted] for wanted in projection.events):
            assert {NAMES[wanted].partition(".")[0] for wanted in projection.events} == {
                "customer"
            }
            assert CustomerErased in projection.events
