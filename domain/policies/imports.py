"""What follows from an import that is taken back: each of its facts is withdrawn."""

from __future__ import annotations

from collections.abc import Iterator

from domain.kit import policy
from domain.metering.meter import WithdrawReading
from domain.readings.imports import ImportWithdrawn
from domain.readings.intervals import WithdrawIntervals


@policy("withdraw-import", gives=(WithdrawReading, WithdrawIntervals))
def withdraw_import(happened: ImportWithdrawn) -> Iterator[WithdrawReading | WithdrawIntervals]:
    """The newest first, so that no later reading of the import stands on an earlier one."""
    for one in happened.readings:
        yield WithdrawReading(meter=one.meter, on=one.on, reason=happened.reason)
    for day in happened.days:
        yield WithdrawIntervals(
            point=day.point, day=day.day, reason=happened.reason, channel=day.channel
        )
