"""What the fields of a URDB record are: which are translated, and their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from domain.kit import Refused

TRANSLATED = """
energyratestructure energyweekdayschedule energyweekendschedule demandratestructure
demandweekdayschedule demandweekendschedule flatdemandstructure flatdemandmonths
demandwindow lookbackpercent lookbackrange lookbackmonths fixedchargefirstmeter
fixedmonthlycharge mincharge minmonthlycharge annualmincharge x_yearend_sell_rate
"""
WITHOUT_PRICE = """
_id label name utility uri source sourceparent eiaid eia country sector servicetype
approved is_default startdate enddate effectivedate latest_update latestupdate revisions
version supersedes description basicinformationcomments demandcomments energycomments
peakkwcapacitymin peakkwcapacitymax peakkwcapacityhistory peakkwhusagemin peakkwhusagemax
peakkwhusagehistory voltageminimum voltagemaximum voltagecategory phasewiring
usenetmetering dgrules fixedattrs energyattrs demandattrs fixedkeyvals energykeyvals
demandkeyvals fixedchargeeaaddl coincidentrateschedule zip zipcode
"""  # who may take it, where it is from, what is said in words
NAMED = frozenset((TRANSLATED + WITHOUT_PRICE).split())
IN_BLOCKS = frozenset(("max", "unit", "rate", "adj", "sell"))
PER: dict[str, Literal["day", "month", "year"]] = {
    "$/day": "day",
    "$/month": "month",
    "$/year": "year",
}
MONTHS = tuple(range(1, 13))
LARGEST = Decimal(10) ** 12
PLACES = Decimal("1e-12")  # of a price; records print binary fractions in full
Record: TypeAlias = Mapping[str, Any]


class UrdbRecordWrong(Refused):
    """The URDB record cannot be read as a tariff."""

    def __init__(self, place: str, rule: str) -> None:
        super().__init__(place=place, rule=rule)

    def __str__(self) -> str:
        return f"{self.details['place']}: {self.details['rule']}"


def check_fields(record: Record) -> None:
    """Raise UrdbRecordWrong naming a field that bears numbers and is not translated."""
    for key, said in record.items():
        if key not in NAMED and any(numbers(said)):
            raise UrdbRecordWrong(key, "this field is not translated")


def per_of(record: Record, name: str) -> Literal["day", "month", "year"]:
    unit = str(record.get(name) or "$/month")
    if unit not in PER:
        raise UrdbRecordWrong(name, f"{unit!r} is not one of {', '.join(PER)}")
    return PER[unit]


def number_of(said: Any, place: str) -> Decimal:
    if isinstance(said, bool) or not isinstance(said, int | Decimal):
        raise UrdbRecordWrong(place, f"{said!r} is not a number")
    number = Decimal(said)
    if not number.is_finite():
        raise UrdbRecordWrong(place, f"{said} is not a number")
    if abs(number) >= LARGEST:
        raise UrdbRecordWrong(place, f"{said} is beyond any price")
    exponent = number.as_tuple().exponent
    return number.quantize(PLACES) if isinstance(exponent, int) and exponent < -12 else number


def numbers(said: Any) -> Iterator[Any]:
    if isinstance(said, int | Decimal):
        yield said
    elif isinstance(said, Mapping):
        for one in said.values():
            yield from numbers(one)
    elif isinstance(said, list):
        for one in said:
            yield from numbers(one)
