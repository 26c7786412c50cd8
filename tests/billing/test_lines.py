"""What a line says besides its amount: its title, what is estimated, where energy stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.bill import BillIssued, IssueBill
from domain.billing.correcting import CorrectBill
from domain.billing.lines import BillLine, added, differ, difference
from domain.metering.meter import InstallMeter, ReadMeter, Register, RemoveMeter
from domain.pricing.rating import Line, rate, rate_all
from domain.pricing.tariff import TariffDocument
from domain.pricing.usage import Registered, Remark, Usage
from replay.store.mapper import READERS
from tests.pricing.test_rating import JUNE, flat, tariff
from tests.world import NEW_YEAR, World, document, publish, read, town

FEB, MAR, APR = (date(2026, month, 1) for month in (2, 3, 4))
GOLDEN = Path(__file__).parents[1] / "store" / "golden.jsonl"


def titled() -> TariffDocument:
    plain = document()
    titles = ("Standing charge", "Electricity", "VAT at 5 %")
    charges = (replace(c, title=t) for c, t in zip(plain.charges, titles, strict=True))
    return replace(plain, charges=tuple(charges))


def bill(world: World, since: date, until: date) -> tuple[BillLine, ...]:
    asked = IssueBill(account="A1", since=since, until=until, on=until)
    lines: tuple[BillLine, ...] = world.ask(asked)[0].event.lines
    return lines


def said(lines: tuple[BillLine, ...]) -> list[tuple[str, bool, str | None]]:
    return [(each.line.title, each.line.estimated, each.line.place) for each in lines]


def test_a_line_has_the_title_of_its_charge_and_energy_its_place() -> None:
    world = town()
    publish(world, NEW_YEAR, titled())
    read(world, FEB, 400)

    assert said(bill(world, NEW_YEAR, FEB)) == [
        ("Standing charge", False, None),
        ("Electricity", False, "read"),
        ("VAT at 5 %", False, None),
    ]


def test_what_rests_on_an_estimate_says_so_and_nothing_else_does() -> None:
    world = town()
    world.ask(
        ReadMeter(meter="M1", readings={"1.8.0": Decimal(400)}, on=FEB, source="estimate")
    )
    read(world, date(2026, 3, 15), 700)
    read(world, APR, 900)

    first, second = bill(world, NEW_YEAR, FEB), bill(world, FEB, MAR)
    assert [each.line.estimated for each in first] == [False, True, True]  # the tax is of both
    assert [each.line.estimated for each in second] == [False, True, True]  # between readings
    assert [each.line.estimated for each in bill(world, MAR, APR)] == [False, True, True]


def test_energy_of_a_meter_that_was_exchanged_says_so() -> None:
    world = town()
    on = date(2026, 1, 20)
    world.ask(RemoveMeter(meter="M1", point="P1", readings={"1.8.0": Decimal(300)}, on=on))
    world.ask(
        InstallMeter(
            meter="M2",
            point="P1",
            registers=(Register(code="1.8.0"),),
            readings={"1.8.0": Decimal(0)},
            on=on,
        )
    )
    for day, reading in ((FEB, 100), (MAR, 200)):
        world.ask(
            ReadMeter(meter="M2", readings={"1.8.0": Decimal(reading)}, on=day, source="reader")
        )

    places = [each.line.place for each in bill(world, NEW_YEAR, FEB)]
    assert places == [None, "exchanged", None]
    assert [each.line.place for each in bill(world, FEB, MAR)] == [None, "read", None]


def test_a_tariff_changed_in_the_period_leaves_the_read_days_unestimated() -> None:
    """A remark is of its days: the energy after them rests on none of it."""
    versions = [tariff(flat("0.10")), tariff(flat("0.20"), since=date(2025, 6, 16))]
    halves = (date(2025, 6, 1), date(2025, 6, 16), date(2025, 7, 1))
    usage = Usage(
        "UTC",
        registers=tuple(
            Registered("import", None, since, until, 100_000)
            for since, until in pairwise(halves)
        ),
        remarks=(
            Remark("estimated", "import", *halves[:2]),
            Remark("estimated", "export", *halves[1:]),
        ),
    )

    rated = rate(versions, usage, JUNE)

    assert [line.estimated for line in rated.lines] == [True, False]
    plain = replace(usage, remarks=())
    both = rate_all(versions, [usage, plain] * 3, JUNE)
    assert both == [rated, rate(versions, plain, JUNE)] * 3


def test_no_note_is_issued_for_titles_flags_or_versions() -> None:
    world = town()
    read(world, FEB, 400)
    stood = bill(world, NEW_YEAR, FEB)
    publish(world, NEW_YEAR, titled())

    asked = CorrectBill(account="A1", bill="A1-2026-01", on=MAR)
    now = world.billing.calculated(asked).lines
    assert {each.line.version for each in now} == {2}
    assert said(now) != said(stood)
    assert world.ask(asked) == []

    publish(world, NEW_YEAR, document("0.30"))
    note = world.ask(asked)[0].event
    assert note.total == 1575  # 300 kWh at 0.05, and the tax
    later = CorrectBill(account="A1", bill="A1-2026-01", on=APR)
    assert world.ask(later) == []


def test_lines_of_before_are_read_and_say_nothing_of_it() -> None:
    lines = map(orjson.loads, GOLDEN.read_bytes().splitlines())
    (old,) = (one for one in lines if (one["name"], one["v"]) == ("bill.issued", 3))

    event = READERS["bill.issued", 3](old["data"])

    assert isinstance(event, BillIssued)
    assert {(each.line.title, each.line.estimated) for each in event.lines} == {("", False)}
    assert {each.line.place for each in event.lines} == {None}


lines = st.lists(
    st.builds(
        lambda code, quantity, amount, version, title, estimated: BillLine(
            point="P1",
            line=Line(
                code=code, kind="energy", period="", tier=0, quantity=Decimal(quantity),
                unit="kWh", rate=Decimal("0.25"), amount=amount, since=NEW_YEAR, until=FEB,
                tariff="R1", version=version, title=title, estimated=estimated,
            ),
        ),
        st.sampled_from(("day", "night")),
        st.integers(-9, 9),
        st.integers(-9, 9),
        st.integers(1, 2),
        st.sampled_from(("", "Electricity")),
        st.booleans(),
    ),
    max_size=6,
)  # fmt: skip


@given(lines, lines)
def test_a_difference_added_to_what_stood_is_what_is_now(
    now: list[BillLine], stood: list[BillLine]
) -> None:
    then = added(stood, difference(now, stood))

    assert difference(now, then) == ()
    assert not differ(now, then)
    assert differ(now, stood) <= bool(difference(now, stood))
