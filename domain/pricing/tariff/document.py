"""The tariff document: what a utility publishes, one validated value, in JSON or TOML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Literal

from domain.kit import value
from domain.pricing.calendars import Calendar, Schedule
from domain.pricing.charges import Charge
from domain.pricing.charges.kit import THIRTIETHS
from domain.pricing.charges.rates import check_rates
from domain.pricing.tariff.rounding import Rounding
from domain.values import Currency, TariffId, finest_digits, minor_digits


@value
class TariffDocument:
    """Charges in the order in which they are calculated, and the calendars they speak of."""

    name: str
    currency: Currency
    charges: tuple[Charge, ...]
    calendar: Calendar = Calendar()
    schedules: tuple[Schedule, ...] = ()
    rounding: Rounding = Rounding()
    registers_split: Literal["days", "reading"] = "days"  # where the tariff changes between two
    source: str = ""  # where its figures were published

    def __post_init__(self) -> None:
        _once("charge", (charge.code for charge in self.charges))
        _once("schedule", (schedule.name for schedule in self.schedules))
        smallest = Decimal(1).scaleb(-finest_digits(self.currency))
        self.rounding.check(smallest, self.currency, self.charges)
        for schedule in self.schedules:
            schedule.check(self.calendar)
        said: list[str] = []
        for charge in self.charges:
            self._check(charge, said)
            said += [charge.code, charge.kind]

    @property
    def looks_back(self) -> bool:
        """Whether a bill depends on the bills before it."""
        return any(getattr(charge, "looks_back", False) for charge in self.charges)

    def _check(self, charge: Charge, said: list[str]) -> None:
        named = {schedule.name: schedule for schedule in self.schedules}
        schedule = getattr(charge, "schedule", None)
        if schedule is not None and schedule not in named:
            raise ValueError(f"charge {charge.code!r}: there is no schedule {schedule!r}")
        rates = getattr(charge, "rates", None)
        if rates is not None:
            place = f"charge {charge.code!r}"
            check_rates(rates, self.calendar, named.get(schedule or ""), place)
            if any(rate.by_use for rate in rates) and not getattr(charge, "chooses", False):
                raise ValueError(f"{place}: use chooses a ladder of energy alone")
        for name in ("per", "blocks_per", "bands_per"):
            per = getattr(charge, name, None)
            if per in THIRTIETHS and not self.source:
                told = f"{per} is one of two readings of a rule: name its source"
                raise ValueError(f"charge {charge.code!r}: {told}")
        for wanted in _bases(charge):
            if wanted not in said:
                told = "is not said before it"
                raise ValueError(f"charge {charge.code!r}: its base {wanted!r} {told}")


def check_charges(document: TariffDocument) -> None:
    """Raise ValueError for a document by which nothing would ever be charged."""
    if not document.charges:
        raise ValueError("charges: a tariff has one charge or more")


def _bases(charge: Charge) -> Iterator[str]:
    for name in ("of", "but", "against"):
        named = getattr(charge, name, ())
        if isinstance(named, tuple):
            yield from named


def _once(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"there are two of the {what} {name!r}")
        seen.add(name)


@value
class TariffVersion:
    """A document that was published: it applies from `since` until the next one does."""

    tariff: TariffId
    version: int
    since: date
    document: TariffDocument
    kept_digits: int | None = None  # decimals of the currency, where the books keep other ones

    @property
    def digits(self) -> int:
        """How many decimals the minor unit of its currency has."""
        digits = self.kept_digits
        return minor_digits(self.document.currency) if digits is None else digits
