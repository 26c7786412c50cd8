"""Whatever the tariff and the usage: lines sum to the total, can be explained, and agree."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter

from domain.pricing.rating import evaluate, explain, rate, rate_all
from domain.pricing.tariff import TariffDocument, TariffVersion
from tests.pricing.tariffs_given import Asked, asked

DOCUMENT = TypeAdapter(TariffDocument)
many = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@many
@given(asked())
def test_lines_sum_to_the_total_and_evaluate_to_their_amounts(some: Asked) -> None:
    carry = rate(some.versions, some.before[0], some.first).carry
    rated = rate(some.versions, some.now[0], some.then, carry)
    whys = explain(some.versions, some.now[0], some.then, carry)

    assert sum(line.amount for line in rated.lines) == rated.total
    assert [evaluate(why) * 100 for why in whys] == [line.amount for line in rated.lines]


@many
@given(asked(accounts=5))
def test_arrays_give_the_very_bills_of_the_scalar_path(some: Asked) -> None:
    one_by_one = [rate(some.versions, usage, some.first) for usage in some.before]
    carries = [rated.carry for rated in one_by_one]
    then = [
        rate(some.versions, usage, some.then, carry)
        for usage, carry in zip(some.now, carries, strict=True)
    ]

    assert rate_all(some.versions, some.before, some.first) == one_by_one
    assert rate_all(some.versions, some.now, some.then, carries) == then


@many
@given(asked())
def test_a_document_that_was_written_and_read_prices_the_same(some: Asked) -> None:
    read = tuple(
        TariffVersion(
            tariff=version.tariff,
            version=version.version,
            since=version.since,
            document=DOCUMENT.validate_json(DOCUMENT.dump_json(version.document)),
        )
        for version in some.versions
    )

    assert read == some.versions
    assert rate(read, some.now[0], some.then) == rate(some.versions, some.now[0], some.then)


@many
@given(asked())
def test_what_a_bill_hands_on_survives_being_written(some: Asked) -> None:
    rated = rate(some.versions, some.before[0], some.first)
    adapter = TypeAdapter(type(rated.carry[0])) if rated.carry else None

    for kept in rated.carry:
        assert adapter is not None
        assert adapter.validate_json(adapter.dump_json(kept)) == kept


@many
@given(asked())
def test_a_rider_of_nothing_changes_nothing(some: Asked) -> None:
    nothing = {"kind": "rider", "code": "nothing", "price": "0"}
    versions = []
    for version in some.versions:
        said = DOCUMENT.dump_python(version.document, mode="json")
        said["charges"].insert(0, nothing)
        versions.append(replace(version, document=DOCUMENT.validate_python(said)))

    plain = rate(some.versions, some.now[0], some.then)
    more = rate(versions, some.now[0], some.then)

    assert more.total == plain.total
    assert [line for line in more.lines if line.code != "nothing"] == list(plain.lines)


@many
@given(asked())
def test_an_amount_is_quantity_times_rate_where_no_days_are_shared(some: Asked) -> None:
    rated = rate(some.versions, some.now[0], some.then)

    for line in rated.lines:
        if line.kind in ("energy", "rider") and line.version == 1 == len(some.versions):
            rounding = some.versions[0].document.rounding
            steps = (rounding.step, *(one.step for one in rounding.charges))
            most = 2 * max(step or Decimal("0.01") for step in steps)
            if rounding.remainder is None:
                exact = line.quantity * line.rate
                assert abs(exact - Decimal(line.amount) / 100) <= most
