"""Rating: tariff versions, usage and a period give lines.  Asked the same, it says the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from domain.kit import Refused
from domain.pricing.charges import BillSegment, Charge, UnroundedLine
from domain.pricing.charges.kit import Memory
from domain.pricing.exact import CONTEXT, ONE, ZERO, Number, to_step, total
from domain.pricing.rating.lines import Line, Rated
from domain.pricing.rating.measured import Meters, plain
from domain.pricing.rating.remarks import is_estimated, place_of
from domain.pricing.tariff import TariffVersion
from domain.pricing.tariff.rounding import Rounds
from domain.pricing.usage import Carry, Kept, Remark, Usage
from domain.published import in_force
from domain.values import Period

PLACES = Decimal("1e-12")


class NoTariff(Refused):
    """No version of the tariff applies on some day of the period."""


class TwoCurrencies(Refused):
    """The tariff versions of a bill are in two currencies."""


@dataclass(frozen=True, slots=True)
class Calculation:
    """The drafts of a bill, each with its version, and the sum that they must come to."""

    drafts: tuple[tuple[UnroundedLine, TariffVersion], ...]
    total: Number


def rate(
    versions: Sequence[TariffVersion], usage: Usage, period: Period, carry: Carry = ()
) -> Rated:
    """
    Price the usage of a period.

    `versions` may be of one tariff or, where an account changes tariff, of several, each
    with the day from which it applies to the account as `since`.  `carry` is what the bill
    before handed on. Raises NoTariff, TwoCurrencies, UsageMissing, UsageTwice and the
    refusals of the charges.
    """
    with localcontext(CONTEXT):
        memory = memory_of(carry)
        calculated = calculate(versions, Meters(usage, plain), usage, period, memory)
        currency = calculated.drafts[0][1].document.currency if calculated.drafts else ""
        lines = tuple(_lines(calculated, versions[0].digits, usage.remarks))
        return Rated(
            currency or versions[0].document.currency,
            lines,
            sum(line.amount for line in lines),
            carry_of(memory),
        )


def calculate(
    versions: Sequence[TariffVersion],
    meters: Meters,
    usage: Usage,
    period: Period,
    memory: Memory,
) -> Calculation:
    """The rounded drafts of a bill, in whatever numbers the meters give."""
    stretches = in_force(versions, period)
    reached = period.since
    for days, _ in stretches:
        if days.since > reached:
            break
        reached = days.until
    if reached < period.until:
        raise NoTariff(day=reached)
    if len({version.document.currency for _, version in stretches}) > 1:
        raise TwoCurrencies
    drafts: list[tuple[UnroundedLine, TariffVersion]] = []
    last = stretches[-1][1]  # a bill is rounded as the version at its end says
    for days, version in stretches:
        document = version.document
        if document.registers_split == "reading":
            meters.check_read(days)
        part = BillSegment(
            days,
            period,
            document.calendar,
            {schedule.name: schedule for schedule in document.schedules},
            meters,
            memory,
        )
        for charge in document.charges:
            if charge.code not in usage.exempt:
                rounding = last.document.rounding.of_charge(charge, last.digits)
                _charge(part, charge, rounding)
        drafts += [(draft, version) for draft in part.settled]
    return _balanced(drafts, last)


def _charge(part: BillSegment, charge: Charge, rounding: Rounds | None) -> None:
    """Settle the lines of a charge, with its title and what each of them rests on."""
    part.rests.clear()
    for draft, amount in _settled(charge.lines(part), rounding):
        part.settled.append(draft.told(amount, charge.title, tuple(part.rests)))


def _settled(
    drafts: Iterable[UnroundedLine], rounding: Rounds | None
) -> Iterator[tuple[UnroundedLine, Number]]:
    """The lines of a charge, and their amounts as rounded; exact where only the bill is."""
    if rounding is None:
        for draft in drafts:
            yield draft, draft.amount
        return
    mode, step, per = rounding
    if per == "line":
        for draft in drafts:
            yield draft, to_step(draft.amount, mode, step)
        return
    exact: Number = ZERO
    before: Number = ZERO  # what the lines so far come to
    for draft in drafts:
        exact = exact + draft.amount
        after = to_step(exact, mode, step)
        yield draft, after - before
        before = after


def _balanced(
    drafts: list[tuple[UnroundedLine, TariffVersion]], last: TariffVersion
) -> Calculation:
    """Lines in minor units whose sum is that of the bill, as its rounding says."""
    rounding, currency = last.document.rounding, last.document.currency
    exact = total(draft.amount for draft, _ in drafts)
    bill = rounding.of_bill(last.digits)
    if bill is None:
        return Calculation(tuple(drafts), exact)
    target = to_step(exact, bill.mode, bill.step)
    lines = drafts
    if rounding.per == "document":
        minor = Decimal(1).scaleb(-last.digits)
        lines = [
            (draft.worth(to_step(draft.amount, rounding.mode, minor)), version)
            for draft, version in drafts
        ]
    rest = target - total(draft.amount for draft, _ in lines)
    at = _flat(lines, rounding.remainder)
    if at is not None:
        draft, version = lines[at]
        lines[at] = (draft.worth(draft.amount + rest), version)
    elif lines:
        first, until = lines[0][0].since, lines[-1][0].until
        line = UnroundedLine(
            "rounding", "rounding", rest, currency, Decimal(1), rest, first, until
        )
        lines.append((line, last))
    return Calculation(tuple(lines), target)


def _flat(
    lines: list[tuple[UnroundedLine, TariffVersion]], remainder: str | None
) -> int | None:
    """The line that takes the remainder: the last one with that code or period."""
    at = None
    for n, (draft, _) in enumerate(lines):
        if remainder is not None and remainder in (draft.code, draft.period):
            at = n
    return at


def lines_of(calculation: Calculation) -> Iterator[tuple[UnroundedLine, TariffVersion]]:
    """The drafts that become lines: those that say something."""
    for draft, version in calculation.drafts:
        if draft.amount or (draft.quantity and draft.kind not in ("minimum", "rounding")):
            yield draft, version


def _lines(calculation: Calculation, digits: int, remarks: Sequence[Remark]) -> Iterator[Line]:
    for draft, version in lines_of(calculation):
        amount = int(draft.amount.scaleb(digits))
        yield Line(
            draft.code,
            draft.kind,
            draft.period,
            draft.tier,
            printed(draft.quantity),
            draft.unit,
            printed(draft.rate),
            amount,
            draft.since,
            draft.until,
            version.tariff,
            version.version,
            draft.title,
            is_estimated(draft, remarks),
            place_of(draft, remarks),
        )


def printed(quantity: Decimal) -> Decimal:
    """A quantity in its one form: no more than twelve decimals, no zeros behind them."""
    short = quantity.normalize()
    exponent = int(short.as_tuple().exponent)
    if exponent > 0:
        return short.quantize(ONE)
    return short if exponent >= -12 else short.quantize(PLACES).normalize()


def memory_of(carry: Carry) -> Memory:
    """What an earlier bill handed on, by its key."""
    return {(kept.what, kept.code, kept.period, kept.since): kept.quantity for kept in carry}


def carry_of(memory: Memory) -> Carry:
    """What the next bill must know."""
    return tuple(
        Kept(what=what, code=code, period=period, since=since, quantity=printed(quantity))
        for (what, code, period, since), quantity in sorted(
            memory.items(), key=lambda item: item[0]
        )
    )
