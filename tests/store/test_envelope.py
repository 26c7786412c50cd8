"""The envelope says who asked, for whom, where, what and why; the first release wrote less."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import psycopg

from replay.store.append import ENVELOPE, Append
from replay.store.history import History
from replay.store.mapper import Envelope, facts
from replay.store.migrations import migrate
from tests.counters import Counted, stream

AT = datetime(2026, 3, 1, tzinfo=UTC)
COUNTED = Counted(many=3)
WHOLE = ("ada", "clerk", "U1", "till-3", "bert", "count", "recount", "c", "r")
FIRST_RELEASE = (
    b'{"v":1,"by":"ada","role":"clerk","cause":"c","correlation":"",'
    b'"data":{"many":3,"on":"2026-03-01","price":"0.10"}}'
)


def test_an_envelope_of_the_first_release_is_read() -> None:
    (fact,) = facts([("test-1", 1, "test.counted", FIRST_RELEASE, 1, AT)])

    assert tuple(getattr(fact, name) for name in ENVELOPE) == (
        ("ada", "clerk", "", "", "", "", "", "c", "")
    )
    assert fact.event == COUNTED


def test_what_is_said_is_read_again_and_the_data_stand_last() -> None:
    state = Envelope(WHOLE)(COUNTED)
    (fact,) = facts([("test-1", 1, "test.counted", state, 1, AT)])

    assert tuple(getattr(fact, name) for name in ENVELOPE) == WHOLE
    assert [*orjson.loads(state)] == ["v", *ENVELOPE, "data"]


def test_what_is_empty_is_not_written() -> None:
    state = Envelope(("ada", "clerk", "", "", "", "", "", "c", ""))(COUNTED)

    assert [*orjson.loads(state)] == ["v", "by", "duty", "cause", "data"]


def test_old_and_new_stand_side_by_side(database_url: str) -> None:
    """Facts of one command share what is said; the one before may say something else."""
    rows = [
        ("test-1", 1, "test.counted", FIRST_RELEASE, 1, AT),
        ("test-1", 2, "test.counted", Envelope(WHOLE)(COUNTED), 2, AT),
        ("test-1", 3, "test.counted", FIRST_RELEASE, 3, AT),
    ]
    assert [fact.reason for fact in facts(rows)] == ["", "recount", ""]

    migrate(database_url)
    with History(database_url) as history:
        told = history.append(
            Append(
                happenings=((stream("1"), COUNTED),),
                seen={stream("1"): 0},
                by="ada",
                duty="clerk",
                cause="c",
                correlation="r",
                org_unit="U1",
                terminal="till-3",
                on_behalf_of="bert",
                command="count",
                reason="recount",
            )
        )
        (read,) = history.of(stream("1"))

    assert told.facts == (read,)
    assert tuple(getattr(read, name) for name in ENVELOPE) == WHOLE
    with psycopg.connect(database_url) as connection:
        (state,) = connection.execute("SELECT state FROM history.events").fetchone() or ("",)
    assert state == Envelope(WHOLE)(COUNTED)
