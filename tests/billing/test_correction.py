"""Correcting the past: the difference is issued, the issued bill stays, nothing else moves."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.billing.bill import BillCorrected, BillIssued, IssueBill
from domain.billing.correcting import CorrectBill, EarlierBillUncorrected
from domain.billing.lines import differ
from domain.billing.refusals import PeriodNotMeasured
from domain.customers.account import AccountCredited, AccountDebited
from domain.kit import Fact, Refused
from domain.metering.meter import CorrectReading, ReadMeter, ReportMeterError
from domain.network.point import ChangeTariff
from domain.pricing.charges import Block, Energy, Rate
from domain.pricing.tariff import TariffDocument, WithdrawTariffVersion
from domain.receivables.payment import ReceivePayment, ReversePayment
from domain.references import packed, unpacked
from domain.values import Period
from projections.billing import bills
from projections.books import trial_balance
from projections.customers import accounts
from replay.billing.office import NoSuchFact
from tests.world import NEW_YEAR, World, document, publish, read, town

FEB, MAR, APR, MAY = (date(2026, month, 1) for month in (2, 3, 4, 5))
MONTHS = ((NEW_YEAR, FEB), (FEB, MAR), (MAR, APR))
LATER = date(2026, 6, 1)


def bill(world: World, since: date, until: date) -> list[Fact]:
    return world.ask(IssueBill(account="A1", since=since, until=until, on=until))


def three_bills() -> World:
    world = town()
    for (since, until), reading in zip(MONTHS, (400, 700, 1000), strict=True):
        read(world, until, reading)
        bill(world, since, until)
    return world


def test_a_bill_is_what_the_meter_counted_times_the_price() -> None:
    world = town()
    read(world, FEB, 400)
    issued = bill(world, NEW_YEAR, FEB)[0].event
    # 31 days at 0.40, 300 kWh at 0.25, 5 % of both: 12.40 + 75.00 + 4.37
    assert [each.line.amount for each in issued.lines] == [1240, 7500, 437]
    assert issued.total == 9177
    assert not issued.basis.estimated


def test_a_fast_meter_is_corrected_bill_by_bill_in_order() -> None:
    world = three_bills()
    issued = [world.stands(f"A1-2026-0{n}") for n in (1, 2, 3)]
    since = date(2026, 1, 16)
    world.ask(
        ReportMeterError(meter="M1", error=Decimal("0.06"), since=since, reference="test 7")
    )
    found = world.of(world.facts[-1].stream)[-1]

    touched = list(world.billing.touched([found]))
    assert [each.bill.bill for each in touched] == ["A1-2026-01", "A1-2026-02", "A1-2026-03"]
    assert all(each.difference is not None and each.difference < 0 for each in touched)

    with pytest.raises(EarlierBillUncorrected):
        world.ask(CorrectBill(account="A1", bill="A1-2026-02", on=LATER))
    notes = [
        fact.event
        for fact in world.correct("A1", "A1-2026-01", "A1-2026-02", "A1-2026-03", on=LATER)
        if isinstance(fact.event, BillCorrected)
    ]
    assert [note.total for note in notes] == [each.difference for each in touched]
    assert all([c.fact for c in note.causes] == [found.ref] for note in notes)
    # 300 kWh counted in February were 300 / 1.06 = 283.019 kWh
    energy = next(each.line for each in notes[1].lines if each.line.kind == "energy")
    assert energy.quantity == Decimal("-16.981")
    assert energy.amount == -425
    for n, before, note in zip((1, 2, 3), issued, notes, strict=True):
        row = world.tables.get(bills, f"A1-2026-0{n}")
        assert row is not None
        assert row.issued == before
        assert row.corrected == note.total


def test_a_correction_when_nothing_changed_is_quiet() -> None:
    world = three_bills()
    assert world.correct("A1", "A1-2026-01", on=LATER) == []


def test_a_late_reading_moves_what_was_estimated_on_both_sides_of_it() -> None:
    world = town()
    read(world, MAR, 690)  # nobody came in February: 590 kWh in 59 days, ten a day
    first = bill(world, NEW_YEAR, FEB)[0].event
    second = bill(world, FEB, MAR)[0].event
    assert first.basis.estimated
    assert second.basis.estimated
    assert [e.line.quantity for e in first.lines if e.line.kind == "energy"] == [310]
    read(world, FEB, 500)  # the late reading: 400 kWh in January, 190 in February

    notes = [
        fact.event
        for fact in world.correct("A1", "A1-2026-01", "A1-2026-02", on=LATER)
        if isinstance(fact.event, BillCorrected)
    ]
    assert [
        [e.line.quantity for e in note.lines if e.line.kind == "energy"] for note in notes
    ] == [[90], [-90]]
    account = world.tables.get(accounts, "A1")
    assert account is not None
    assert account.balance == sum(world.stands(f"A1-2026-0{n}") for n in (1, 2))


def test_a_wrong_tariff_is_corrected_from_the_day_it_was_wrong() -> None:
    world = three_bills()
    publish(world, NEW_YEAR, document(price="0.20"), tariff="R2")
    world.ask(ChangeTariff(point="P1", tariff="R2", since=FEB))
    assert [each.bill.bill for each in world.billing.touched(world.facts[-1:])] == [
        "A1-2026-02",
        "A1-2026-03",
    ]
    facts = world.correct("A1", "A1-2026-02", on=LATER)
    lines = [(e.line.tariff, e.line.amount) for e in facts[0].event.lines]
    assert ("R1", -7500) in lines
    assert ("R2", 6000) in lines


def test_a_withdrawn_version_is_taken_out_of_the_bills_it_priced() -> None:
    world = town()
    publish(world, FEB, document(price="2.50"))
    for (since, until), reading in zip(MONTHS, (400, 700, 1000), strict=True):
        read(world, until, reading)
        bill(world, since, until)
    world.ask(WithdrawTariffVersion(tariff="R1", version=2, reason="mistyped"), by="cleo")
    withdrawal = world.facts[-1]

    touched = list(world.billing.touched([withdrawal]))
    assert [each.bill.bill for each in touched] == ["A1-2026-02", "A1-2026-03"]
    assert all(each.difference is not None and each.difference < 0 for each in touched)
    note = world.correct("A1", "A1-2026-02", on=LATER)[0].event
    assert withdrawal.ref in [cause.fact for cause in note.causes]
    assert world.stands("A1-2026-02") == 9051  # 28 × 0.40, 300 × 0.25, and 5 %
    world.correct("A1", "A1-2026-03", on=LATER)
    assert world.correct("A1", "A1-2026-02", "A1-2026-03", on=LATER) == []


def test_a_period_nobody_measured_is_not_billed() -> None:
    world = town()
    with pytest.raises(PeriodNotMeasured) as refused:
        bill(world, NEW_YEAR, FEB)
    assert refused.value.details["point"] == "P1"
    assert refused.value.details["day"] == NEW_YEAR


def test_a_bill_reckoned_again_at_its_basis_is_the_same_for_ever() -> None:
    world = three_bills()
    issued = [fact.event for fact in world.facts if isinstance(fact.event, BillIssued)]
    world.ask(
        ReportMeterError(meter="M1", error=Decimal("0.06"), since=NEW_YEAR, reference="t")
    )
    for each in issued:
        again = world.billing.calculator.calculate("A1", each.period, each.basis.position)
        assert (again.lines, again.total, again.basis) == (each.lines, each.total, each.basis)


late_facts = st.lists(
    st.one_of(
        st.tuples(st.just("error"), st.integers(-9, 20), st.integers(0, 80)),
        st.tuples(st.just("reading"), st.integers(-40, 40), st.sampled_from((0, 1))),
        st.tuples(st.just("tariff"), st.integers(10, 40), st.integers(0, 80)),
        st.tuples(st.just("late reading"), st.integers(0, 100), st.integers(1, 88)),
        st.tuples(st.just("payment"), st.integers(1, 30_000), st.integers(0, 1)),
    ),
    min_size=1,
    max_size=6,
)


def happen(world: World, what: str, size: int, when: int, n: int) -> None:
    day = NEW_YEAR + timedelta(days=when)
    match what:
        case "error":
            error = Decimal(size) / 100
            world.ask(ReportMeterError(meter="M1", error=error, since=day, reference=str(n)))
        case "reading":
            reading = {"1.8.0": Decimal((400, 700)[when] + size)}
            on = (FEB, MAR)[when]
            world.ask(CorrectReading(meter="M1", readings=reading, on=on, reason="misread"))
        case "tariff":
            publish(world, day, document(price=f"0.{size}"))
        case "late reading":
            reading = {"1.8.0": Decimal(100 + 10 * when)}
            world.ask(ReadMeter(meter="M1", readings=reading, on=day, source="customer"))
        case _:
            world.ask(
                ReceivePayment(
                    payment=f"T{n}", account="A1", amount=size, method="cash", on=LATER
                )
            )
            if when:
                world.ask(
                    ReversePayment(payment=f"T{n}", account="A1", reason="bounced", on=LATER)
                )


@settings(max_examples=60, deadline=None)
@given(late_facts)
def test_issued_and_corrections_are_a_fresh_rating_of_all_facts(
    late: list[tuple[str, int, int]],
) -> None:
    world = three_bills()
    for n, (what, size, when) in enumerate(late):
        try:
            happen(world, what, size, when, n)
        except Refused:
            continue
        world.correct("A1", "A1-2026-01", "A1-2026-02", "A1-2026-03", on=LATER)
    head = len(world.facts)
    for month, (since, until) in enumerate(MONTHS, 1):
        row = world.tables.get(bills, f"A1-2026-0{month}")
        assert row is not None
        fresh = world.billing.calculator.calculate("A1", Period(since=since, until=until), head)
        assert world.stands(row.bill) == fresh.total
        assert not differ(fresh.lines, world.billing.stands(row, head))
    assert_books_balance(world)


def assert_books_balance(world: World) -> None:
    """The trial balance is zero; receivable and credit held are what accounts say."""
    codes = {row.code: row.balance for row in world.tables.rows(trial_balance)}
    account = world.tables.get(accounts, "A1")
    assert account is not None
    assert sum(codes.values()) == 0
    assert codes["1200"] == account.balance + account.held
    assert codes.get("2100", 0) == -account.held
    outstanding = sum(row.outstanding for row in world.tables.rows(bills))
    returned = sum(amount for item, amount in _owed(world).items() if item.startswith("T"))
    assert outstanding + returned == account.balance + account.held
    assert account.balance == sum(
        world.stands(row.bill) for row in world.tables.rows(bills)
    ) - _paid(world)


def _owed(world: World) -> dict[str, int]:
    from domain.customers.account import accounts as kind

    return dict(kind.fold(fact.event for fact in world.of(kind.stream("A1"))).owed)


def _paid(world: World) -> int:
    signs = {"payment": 1, "return": -1}
    moved = (fact.event for fact in world.facts)
    return sum(
        signs.get(each.source.kind, 0) * each.amount
        for each in moved
        if isinstance(each, AccountDebited | AccountCredited)
    )


@given(st.dictionaries(st.sampled_from(["a-1", "b-2@x"]), st.sets(st.integers(1, 40))))
def test_names_of_facts_are_packed_without_loss(named: dict[str, set[int]]) -> None:
    refs = [f"{stream}@{version}" for stream, versions in named.items() for version in versions]
    assert sorted(unpacked(packed(refs))) == sorted(refs)
    assert len(packed(refs)) <= len(refs)


def test_blocks_of_a_year_go_on_from_bill_to_bill_and_are_corrected_with_them() -> None:
    world = town()
    ladder = Energy(
        code="energy",
        rates=(
            Rate(
                blocks=(
                    Block(upto=Decimal(500), price=Decimal("0.10")),
                    Block(price=Decimal("0.30")),
                )
            ),
        ),
        blocks_per="year-to-date",
    )
    steps = TariffDocument(name="Steps", currency="GBP", charges=(ladder,))
    publish(world, NEW_YEAR, steps, tariff="R2")
    world.ask(ChangeTariff(point="P1", tariff="R2", since=NEW_YEAR))
    for (since, until), reading in zip(MONTHS, (400, 700, 1000), strict=True):
        read(world, until, reading)
        bill(world, since, until)
    # 300 at 0.10; 200 at 0.10 and 100 at 0.30; 300 at 0.30
    assert [world.stands(f"A1-2026-0{n}") for n in (1, 2, 3)] == [3000, 5000, 9000]
    world.ask(
        CorrectReading(meter="M1", readings={"1.8.0": Decimal(300)}, on=FEB, reason="misread")
    )
    notes = [
        fact.event
        for fact in world.correct("A1", "A1-2026-01", "A1-2026-02", "A1-2026-03", on=LATER)
        if isinstance(fact.event, BillCorrected)
    ]
    # 200 at 0.10; 300 at 0.10 and 100 at 0.30; the third is as it was
    assert [note.total for note in notes] == [-1000, 1000]
    assert all(
        [cause.name for cause in note.causes] == ["meter.reading-corrected"] for note in notes
    )


@pytest.mark.parametrize(
    "ref", ["", "@", "meter-M1", "meter-M1@", "meter-M1@0", "meter-M1@²", "x@9"]
)
def test_a_fact_is_named_by_its_stream_and_version(ref: str) -> None:
    world = town()
    assert world.billing.fact("meter-M1@1").name == "meter.installed"
    with pytest.raises(NoSuchFact):
        world.billing.fact(ref)
