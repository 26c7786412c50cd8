"""A body for each command, as the documentation shows it; every one of them can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HOURS = [
    310, 280, 260, 250, 250, 270, 420, 610, 540, 430, 400, 410,
    450, 420, 400, 460, 690, 880, 930, 860, 740, 620, 480,
]  # fmt: skip

EXAMPLES: Mapping[str, dict[str, Any]] = {
    "establish-utility": {
        "name": "Harbour Electric",
        "currency": "GBP",
        "zone": "Europe/London",
        "due_days": 14,
    },
    "set-terms": {"name": "Harbour Electric", "due_days": 21},
    "register-customer": {
        "customer": "C-0042",
        "name": "Ada Byron",
        "contact": "ada@example.org",
    },
    "rename-customer": {"customer": "C-0042", "name": "Ada Lovelace"},
    "erase-person": {
        "customer": "C-0042",
        "reason": "asked for it, Art. 17 GDPR",
        "on": "2026-06-01",
    },
    "open-account": {"account": "000120", "customer": "C-0042", "on": "2026-01-01"},
    "energise-point": {
        "point": "P-7",
        "address": "7 Mill Lane, Whitby",
        "on": "2026-01-01",
    },
    "supply-point": {
        "point": "P-7",
        "account": "000120",
        "tariff": "R1",
        "since": "2026-01-01",
    },
    "change-tariff": {"point": "P-7", "tariff": "R2", "since": "2026-04-01"},
    "vacate-point": {"point": "P-7", "until": "2026-12-01"},
    "install-meter": {
        "meter": "M-417",
        "point": "P-7",
        "registers": [{"code": "1.8.0", "digits": 5}],
        "multiplier": 1,
        "readings": {"1.8.0": "12040"},
        "on": "2026-01-01",
    },
    "read-meter": {
        "meter": "M-417",
        "readings": {"1.8.0": "12345"},
        "on": "2026-02-01",
        "source": "reader",
    },
    "correct-reading": {
        "meter": "M-417",
        "readings": {"1.8.0": "12354"},
        "on": "2026-02-01",
        "reason": "figures were read in the wrong order",
    },
    "report-meter-error": {
        "meter": "M-417",
        "error": "0.06",
        "since": "2026-01-15",
        "reference": "test certificate 2026/118",
    },
    "remove-meter": {
        "meter": "M-417",
        "point": "P-7",
        "readings": {"1.8.0": "13001"},
        "on": "2026-04-01",
    },
    "record-intervals": {
        "point": "P-7",
        "day": "2026-01-02",
        "minutes": 60,
        "wh": [*HOURS, None],
        "channel": "import",
        "quality": "actual",
    },
    "revise-intervals": {
        "point": "P-7",
        "day": "2026-01-02",
        "minutes": 60,
        "wh": [*HOURS, 350],
        "reason": "the last hour arrived late",
        "quality": "substituted",
    },
    "draft-tariff": {
        "tariff": "R1",
        "document": {
            "name": "Domestic, one rate",
            "currency": "GBP",
            "charges": [
                {"kind": "fixed", "code": "standing", "price": "0.6097", "per": "day"},
                {"kind": "energy", "code": "units", "rates": [{"price": "0.2350"}]},
                {"kind": "tax", "code": "VAT", "rate": "0.05"},
            ],
        },
    },
    "approve-tariff": {"tariff": "R1"},
    "publish-tariff": {"tariff": "R1", "since": "2026-01-01"},
    "issue-bill": {
        "account": "000120",
        "since": "2026-01-01",
        "until": "2026-02-01",
        "on": "2026-02-03",
    },
    "correct-bill": {
        "account": "000120",
        "bill": "000120-2026-01",
        "on": "2026-04-10",
    },
    "receive-payment": {
        "payment": "BACS-88121",
        "account": "000120",
        "amount": 4250,
        "method": "transfer",
        "on": "2026-02-10",
    },
    "reverse-payment": {
        "payment": "BACS-88121",
        "account": "000120",
        "reason": "returned by the bank",
        "on": "2026-02-12",
    },
}
