"""What tests of the organisation begin with: a tree of units, people, and duties."""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.organisation.duties import (
    Apart,
    DutiesDocument,
    DutiesPublished,
    Duty,
    Pair,
)
from domain.organisation.person import PersonDutyGiven, PersonEngaged
from domain.organisation.unit import UnitFounded, UnitJoined

DAY = date(2026, 3, 1)
LATER = date(2026, 6, 1)


def founded(unit: str, parent: str | None, kind: Any = "station") -> UnitFounded:
    return UnitFounded(
        unit=unit, name=unit.title(), kind=kind, parent=parent, zone="Asia/Shanghai", on=DAY
    )


TREE = (
    founded("grid", None, "utility"),
    founded("city", "grid", "city"),
    founded("lakeside", "city"),
    founded("hillside", "city"),
    founded("shore", "grid", "county"),
)
DOCUMENT = DutiesDocument(
    duties=(
        Duty(name="admin", title="Administrator", every_command=True),
        Duty(name="reader", title="Reader", commands=("read-meter",)),
        Duty(name="billing", title="Billing", commands=("issue-bill",)),
    ),
    pairs=(Pair(first="payment.received", second="payment.reversed"),),
    apart=(Apart(one="reader", other="billing"),),
)
PUBLISHED = DutiesPublished(version=1, since=DAY, document=DOCUMENT)
ENGAGED = PersonEngaged(name="Carol Rivers", unit="lakeside", on=DAY)
JOINED = UnitJoined(unit="lakeside", person="carol", on=DAY)


def given(duty: str, since: date = DAY, until: date | None = None) -> PersonDutyGiven:
    return PersonDutyGiven(
        duty=duty, unit="lakeside", since=since, until=until, given_by="anna"
    )
