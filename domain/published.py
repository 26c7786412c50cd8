"""
Documents that the utility publishes: one life, whatever the document says.

    ── draft ──▶ drafted ── approve ──▶ approved ── publish ──▶ version n
       (again)  ◀──┘    (a second person)         (from any day)
    version n ── withdraw ──▶ withdrawn  (a second person)

A published noun declares its own events, commands and decisions; its state is a subclass of
`Published`, its fold calls the methods that change it, its decisions those that refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest
from typing import Generic, Protocol, Self, TypeVar

from domain.kit import Refused
from domain.values import Period

D = TypeVar("D")


class Dated(Protocol):
    """A version, as far as it matters which one applies."""

    @property
    def version(self) -> int:
        """Its number, counted from 1."""

    @property
    def since(self) -> date:
        """The day from which it applies."""


V = TypeVar("V", bound=Dated)


class NothingDrafted(Refused):
    """There is no draft to approve or to publish."""


class AlreadyApproved(Refused):
    """The draft is approved already."""


class NotApproved(Refused):
    """The draft is not approved by a second person yet."""


class NoSuchVersion(Refused):
    """No version of this was published under that number."""


@dataclass(frozen=True, slots=True)
class Published(Generic[D, V]):
    """The draft at hand, and every version ever published, in the order of their numbers."""

    draft: D | None = None
    approved: bool = False
    every: tuple[V, ...] = ()
    withdrawn: frozenset[int] = frozenset()

    @property
    def versions(self) -> tuple[V, ...]:
        """Those that were not withdrawn."""
        return tuple(one for one in self.every if one.version not in self.withdrawn)

    @property
    def next_number(self) -> int:
        """The number of the version that is published next; none is given twice."""
        return len(self.every) + 1

    # What it becomes

    def drafted(self, document: D) -> Self:
        """With a draft in the place of the one before, which needs a new approval."""
        return replace(self, draft=document, approved=False)

    def agreed(self) -> Self:
        """With its draft approved."""
        return replace(self, approved=True)

    def issued(self, version: V) -> Self:
        """With its draft published as a version."""
        return replace(self, draft=None, approved=False, every=(*self.every, version))

    def without(self, number: int) -> Self:
        """With a version withdrawn; its number stays taken."""
        return replace(self, withdrawn=self.withdrawn | {number})

    # What is refused

    def approvable(self) -> None:
        """Raise NothingDrafted or AlreadyApproved."""
        if self.draft is None:
            raise NothingDrafted
        if self.approved:
            raise AlreadyApproved

    def publishable(self) -> D:
        """The approved draft.  Raises NothingDrafted, NotApproved."""
        if self.draft is None:
            raise NothingDrafted
        if not self.approved:
            raise NotApproved
        return self.draft

    def withdrawable(self, number: int) -> V | None:
        """The version of a number; None if it is withdrawn already.  Raises NoSuchVersion."""
        if not 1 <= number < self.next_number:
            raise NoSuchVersion(version=number)
        return None if number in self.withdrawn else self.every[number - 1]


def in_force(versions: Sequence[V], period: Period) -> list[tuple[Period, V]]:
    """
    The stretches of a period, each with the version that applies to it.

    Of the versions whose date has come, the latest date applies; of two from one date, the
    higher number.  A back-dated version thus applies from its date until the next date in
    the catalogue.  Days before the first version are left out.
    """
    latest: dict[date, V] = {}
    for version in sorted(versions, key=lambda one: one.version):
        latest[version.since] = version
    ends = sorted(latest)[1:]
    stretches = []
    for since, until in zip_longest(sorted(latest), ends):
        if met := period.meet(since, until):
            stretches.append((met, latest[since]))
    return stretches


def touched(versions: Sequence[V], published: V) -> Period | None:
    """
    The days which a version decides; None at once when a higher number hides it.

    Until is 9999-12-31 when no later version ends it.
    """
    everything = Period(since=date.min, until=date.max)
    for stretch, version in in_force((*versions, published), everything):
        if version == published:
            return stretch
    return None
