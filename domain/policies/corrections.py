"""Billing: a batch of corrections that is approved is carried out, an account at a time."""

from __future__ import annotations

from collections.abc import Iterator

from domain.billing.batch import CorrectionsApproved
from domain.billing.chain import CorrectChain
from domain.kit import policy


@policy("carry-out-corrections", gives=(CorrectChain,))
def carry_out(happened: CorrectionsApproved) -> Iterator[CorrectChain]:
    """The chain of each account, under a key of its own: one that is refused stops no other."""
    for account in happened.accounts:
        yield CorrectChain(account=account, on=happened.on)
