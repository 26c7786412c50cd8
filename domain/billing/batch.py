"""
Batches: chains of many accounts, planned by one person and approved by another.

    unknown ── plan ──▶ planned ── approve (a second person) ──▶ approved
                           └──── drop ──▶ dropped

What is approved is carried out by a policy, each account by a command of its own, so that one
that is refused stops no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal, TypeAlias, assert_never

from pydantic import Field

from domain.customers.account import Account, AccountUnknown
from domain.kit import (
    MANY_MOST,
    BeforeItBegan,
    EachOnce,
    InTheFuture,
    Kind,
    Many,
    Refused,
    Today,
    command,
    decision,
    event,
)
from domain.values import AccountId, Key, Text

Accounts: TypeAlias = Annotated[
    tuple[AccountId, ...], EachOnce, Field(min_length=1, max_length=MANY_MOST)
]

# What can happen


@event("corrections.planned", day="on")
class CorrectionsPlanned:
    accounts: tuple[AccountId, ...]
    reason: Text
    on: date


@event("corrections.approved", day="on")
class CorrectionsApproved:
    """Each of these accounts is to be corrected, by notes of that day."""

    accounts: tuple[AccountId, ...]
    on: date


@event("corrections.dropped", day="on")
class CorrectionsDropped:
    reason: Text
    on: date


CorrectionsEvent: TypeAlias = CorrectionsPlanned | CorrectionsApproved | CorrectionsDropped


# What it then is


@dataclass(frozen=True, slots=True)
class Corrections:
    """A batch of chains."""

    accounts: tuple[str, ...] = ()
    on: date = date.min
    state: Literal["unknown", "planned", "approved", "dropped"] = "unknown"


def evolve(batch: Corrections, happened: CorrectionsEvent) -> Corrections:
    """Change it as the event says."""
    match happened:
        case CorrectionsPlanned():
            return Corrections(happened.accounts, happened.on, "planned")
        case CorrectionsApproved():
            return replace(batch, state="approved")
        case CorrectionsDropped():
            return replace(batch, state="dropped")
        case _:
            assert_never(happened)


batches = Kind("corrections", Corrections(), evolve)


# What can be asked


@command(
    "plan-corrections",
    duty="billing",
    example={
        "corrections": "2026-07",
        "accounts": ["000120", "000121"],
        "reason": "the July prices were published with a wrong night rate",
        "on": "2026-08-10",
    },
)
class PlanCorrections:
    """Name the accounts of which every bill that differs is to be corrected."""

    corrections: Key
    accounts: Accounts
    reason: Text
    on: date


@command(
    "approve-corrections",
    duty="supervisor",
    example={"corrections": "2026-07", "on": "2026-08-11"},
)
class ApproveCorrections:
    """Let a batch be carried out: the chain of each account, by notes of that day."""

    corrections: Key
    on: date


@command(
    "drop-corrections",
    duty=("billing", "supervisor"),
    example={"corrections": "2026-07", "reason": "the rate was right", "on": "2026-08-11"},
)
class DropCorrections:
    """Do not carry out what was planned."""

    corrections: Key
    reason: Text
    on: date


# What we answer


class CorrectionsAlreadyPlanned(Refused):
    """A batch of corrections is on record under this number."""


class CorrectionsNotPlanned(Refused):
    """No batch of corrections waits under this number."""


@decision(refuses=(AccountUnknown, CorrectionsAlreadyPlanned, InTheFuture))
def plan(
    asked: PlanCorrections, corrections: Corrections, accounts: Many[Account], today: Today
) -> Iterator[CorrectionsEvent]:
    """A number names one batch; all of its accounts are open."""
    today.has_come(asked.on)
    if corrections.state != "unknown":
        raise CorrectionsAlreadyPlanned(corrections=asked.corrections)
    for key, account in accounts.items():
        if not account.customer:
            raise AccountUnknown(account=key)
    yield CorrectionsPlanned(accounts=asked.accounts, reason=asked.reason, on=asked.on)


@decision(
    apart_from=(CorrectionsPlanned,),
    refuses=(BeforeItBegan, CorrectionsNotPlanned, InTheFuture),
)
def approve(
    asked: ApproveCorrections, corrections: Corrections, today: Today
) -> Iterator[CorrectionsEvent]:
    """A second person; what is approved is no longer dropped."""
    _waits(asked, corrections, today)
    yield CorrectionsApproved(accounts=corrections.accounts, on=asked.on)


@decision(refuses=(BeforeItBegan, CorrectionsNotPlanned, InTheFuture))
def drop(
    asked: DropCorrections, corrections: Corrections, today: Today
) -> Iterator[CorrectionsEvent]:
    """Whoever sees that it is wrong."""
    _waits(asked, corrections, today)
    yield CorrectionsDropped(reason=asked.reason, on=asked.on)


def _waits(
    asked: ApproveCorrections | DropCorrections, corrections: Corrections, today: Today
) -> None:
    today.has_come(asked.on)
    if corrections.state != "planned":
        raise CorrectionsNotPlanned(corrections=asked.corrections, state=corrections.state)
    if asked.on < corrections.on:
        raise BeforeItBegan(on=asked.on, began=corrections.on)
