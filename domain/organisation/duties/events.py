"""What can happen to the duties."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

from domain.kit import event
from domain.organisation.duties.document import DutiesDocument
from domain.values import Text


@event("duties.drafted")
class DutiesDrafted:
    document: DutiesDocument
    drafted_by: Text


@event("duties.approved")
class DutiesApproved:
    approved_by: Text


@event("duties.published", day="since")
class DutiesPublished:
    """From the moment this is recorded they are in force; `since` is its day."""

    version: int
    since: date
    document: DutiesDocument


DutiesEvent: TypeAlias = DutiesDrafted | DutiesApproved | DutiesPublished
