"""The utility's settings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.kit import Fact
from domain.organisation.utility import UtilityEstablished, UtilityTermsSet
from projections.kit.table import Projection, Table


@dataclass(frozen=True, slots=True)
class Settings:
    """The one row of settings."""

    key: str
    name: str
    currency: str
    zone: str
    due_days: int
    minor_digits: int


def _settings(table: Table[str, Settings], fact: Fact) -> None:
    match fact.event:
        case UtilityEstablished() as e:
            table[fact.key] = Settings(
                fact.key, e.name, e.currency, e.zone, e.due_days, e.minor_digits
            )
        case UtilityTermsSet() as e:
            table[fact.key] = replace(table[fact.key], name=e.name, due_days=e.due_days)


settings = Projection(
    name="settings",
    version=2,
    row=Settings,
    key=("key",),
    events=(UtilityEstablished, UtilityTermsSet),
    keys=lambda fact: (fact.key,),
    project=_settings,
)
