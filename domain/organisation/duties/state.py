"""What the duties then are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from domain.kit import Kind
from domain.organisation.duties.document import DutiesDocument, DutiesVersion, Duty
from domain.organisation.duties.events import (
    DutiesApproved,
    DutiesDrafted,
    DutiesEvent,
    DutiesPublished,
)
from domain.published import Published


@dataclass(frozen=True, slots=True)
class Duties(Published[DutiesDocument, DutiesVersion]):
    """A published document: the newest version is in force."""

    @property
    def document(self) -> DutiesDocument | None:
        """The one in force; None before the utility is founded."""
        return self.every[-1].document if self.every else None

    def duty(self, name: str) -> Duty | None:
        """A duty of the version in force."""
        document = self.document
        told = document.duties if document is not None else ()
        return next((each for each in told if each.name == name), None)


def evolve(duties: Duties, happened: DutiesEvent) -> Duties:
    """Change the duties as the event says."""
    match happened:
        case DutiesDrafted(document=document):
            return duties.drafted(document)
        case DutiesApproved():
            return duties.agreed()
        case DutiesPublished():
            version = DutiesVersion(happened.version, happened.since, happened.document)
            return duties.issued(version)
        case _:
            assert_never(happened)


published = Kind("duties", Duties(), evolve, only="published")
