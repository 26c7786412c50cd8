"""From a fact to the form that takes it back, or puts it right, filled with what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.console.forms import form_of, spelled

COMMAND = {
    "bill.issued": "correct-bill",
    "intervals.recorded": "withdraw-intervals",
    "intervals.revised": "withdraw-intervals",
    "meter.found-inaccurate": "withdraw-meter-error",
    "meter.installed": "withdraw-installation",
    "meter.multiplier-set": "set-multiplier",
    "meter.read": "withdraw-reading",
    "meter.reading-corrected": "withdraw-reading",
    "meter.registers-corrected": "correct-registers",
    "meter.removed": "withdraw-removal",
    "payment.received": "reverse-payment",
    "point.corrected": "correct-point",
    "point.energised": "correct-point",
    "point.supplied": "withdraw-supply",
    "point.tariff-changed": "withdraw-tariff-change",
    "point.vacated": "correct-move-out",
    "tariff.published": "withdraw-tariff-version",
}
"""What is asked to take back an event, by its stored name."""

ELSEWHERE = {"supplied": "since", "installed": "on"}
"""Fields that a command calls otherwise than the event."""


def taken_back(fact: Mapping[str, Any]) -> tuple[str, dict[str, str]] | None:
    """The command, and what its form is filled with; None where nothing takes it back."""
    command = COMMAND.get(str(fact["name"]))
    if command is None:
        return None
    kind, _, key = str(fact["stream"]).partition("-")
    said: dict[str, Any] = dict(fact["data"])
    for name, other in ELSEWHERE.items():
        if name in said:
            said.setdefault(other, said[name])
    said[kind] = key
    said.pop("reason", None)  # why it is taken back is another matter
    if kind == "intervals":
        said["point"] = key[: -len("-2026-01")]
    filled = {
        one.name: spelled(one.kind, said[one.name])
        for one in form_of(command).fields
        if one.kind != "json" and said.get(one.name) is not None
    }
    return command, filled
