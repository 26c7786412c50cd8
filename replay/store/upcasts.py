"""
The only file that remembers how events used to look.

An upcast works from the stored data alone.  Most make a shape one version newer; some make
another event of it (RETYPED).  `Fact.written` keeps the name and version that are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

Data: TypeAlias = dict[str, Any]
Upcast: TypeAlias = Callable[[Data], Data]
Retype: TypeAlias = Callable[[Data], tuple[str, int, Data]]


def newest(name: str) -> int:
    """The version in which an event is written today."""
    version = 1
    while (name, version) in UPCASTS:
        version += 1
    return version


def upcast(name: str, version: int, data: Data) -> tuple[str, Data]:
    """Bring data written in an old version to the newest one, a version at a time."""
    while True:
        if made := RETYPED.get((name, version)):
            name, version, data = made(data)
        elif (name, version) in UPCASTS:
            data = UPCASTS[name, version](data)
            version += 1
        else:
            return name, data


def _readings(old: Data) -> Data:
    """What the registers showed was called `dials`."""
    return {"readings" if name == "dials" else name: each for name, each in old.items()}


# How many decimals the first release gave a currency: its own books keep them for ever.
FIRST_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3, "BHD": 3, "TND": 3}


def _with_digits(old: Data) -> Data:
    return {**old, "minor_digits": FIRST_DIGITS.get(old["currency"], 2)}


def _turned(old: Data) -> Data:
    """Nobody said which registers rolled over, nor did the counts of later readings follow."""
    return {**old, "turned": (), "recounts": ()}


def _reading_corrected(old: Data) -> Data:
    """The last reading of an installation could not be corrected; the source was kept."""
    return {**_turned(old), "last": False, "source": None}


def _billable(old: Data) -> Data:
    """A step of nothing, by which no bill could be rounded, was allowed; it rounds nothing."""
    charges = [
        {key: said for key, said in one.items() if key != "step" or not _nothing(said)}
        for one in old["document"]["charges"]
    ]
    return old | {"document": old["document"] | {"charges": charges}}


def _nothing(step: object) -> bool:
    return step is not None and Decimal(str(step)) <= 0


def _first_edition(old: Data) -> Data:
    """Nobody said by which edition of the rating rules a bill was calculated."""
    return old | {"basis": old["basis"] | {"edition": 1}}


# One fact of money.  The first release had four events for what moved an account, and posted
# revenue by the bill's: its rule is kept here as it was, and the account's entry is but the
# move between what is owed and what is held.

BANK, RECEIVABLE, CREDIT_HELD, TAX = "1000", "1200", "2100", "2200"
REVENUE = {
    "fixed": ("4100", "standing"),
    "energy": ("4200", "energy"),
    "demand": ("4300", "demand"),
    "reactive": ("4400", "reactive"),
    "minimum": ("4500", "minimum"),
    "rider": ("4600", "rider"),
    "export": ("4700", "export"),
    "tax": (TAX, "tax"),
}
OTHER = ("4900", "other")
POLICY = "oldest-first-v1"

Postings: TypeAlias = dict[tuple[str, str], int]  # (account code, ledger class) -> amount


def _bill(old: Data, kind: str, document: str) -> Data:
    """A bill, or a note, with the entry that the first release made of it."""
    money: Postings = {(RECEIVABLE, ""): old["total"]}
    for each in old["lines"]:
        side = REVENUE.get(each["line"]["kind"], OTHER)
        money[side] = money.get(side, 0) - each["line"]["amount"]
    last = date.fromisoformat(old["period"]["until"]) - timedelta(days=1)
    said = {"account": old["account"], "due": old["due"], "about": last.isoformat()}
    return {**old, "entry": _entry(old, kind, document, money) | said}


def _bill_issued(old: Data) -> Data:
    document = f"{old['account']}-{_month_or_day(old['period']['since'])}"
    return _bill(old, "bill", document)


def _month_or_day(since: str) -> str:
    return since[:7] if since.endswith("-01") else since


def _bill_corrected(old: Data) -> Data:
    return _bill(old, "note", old["note"])


def _untitled(old: Data) -> Data:
    """Lines had no title, no place, and did not say whether they are estimated."""
    return old  # each has a default


def _debited_by_bill(old: Data, kind: str, reference: str) -> tuple[str, int, Data]:
    """A charge or an adjustment: debited, or credited where it was less than nothing."""
    held = old["to_advance"] - old["from_advance"]
    money: Postings = {(RECEIVABLE, ""): held, (CREDIT_HELD, ""): -held}
    said = _moved(old, kind, reference, held, money) | {"period": old.get("period")}
    if old["amount"] < 0:
        allocations = _allocated(old["allocations"])
        return "account.credited", 2, said | {
            "amount": -old["amount"], "allocations": allocations
        }  # fmt: skip
    bill, due = old["bill"], old["due"]
    item = {"item": bill, "kind": "energy", "amount": old["amount"], "due": due}
    met = [{**item, "amount": old["from_advance"]}] if old["from_advance"] else []
    return "account.debited", 1, said | {"items": [item], "allocations": met}


def _charged(old: Data) -> tuple[str, int, Data]:
    return _debited_by_bill(old, "bill", old["bill"])


def _adjusted(old: Data) -> tuple[str, int, Data]:
    return _debited_by_bill(old, "note", old["note"])


def _credited(old: Data) -> Data:
    """A payment."""
    settled = sum(each["amount"] for each in old["allocations"])
    money: Postings = {
        (BANK, ""): settled + old["to_advance"],
        (RECEIVABLE, ""): -settled,
        (CREDIT_HELD, ""): -old["to_advance"],
    }
    said = _moved(old, "payment", old["payment"], old["to_advance"], money)
    return said | {"policy": old["policy"], "allocations": _allocated(old["allocations"])}


def _returned(old: Data) -> tuple[str, int, Data]:
    """A payment that was reversed.  The account knows when what it reopens was due."""
    owed = sum(each["amount"] for each in old["allocations"])
    money: Postings = {
        (BANK, ""): -owed - old["from_advance"],
        (RECEIVABLE, ""): owed,
        (CREDIT_HELD, ""): old["from_advance"],
    }
    payment = old["payment"]
    said = _moved(old, "return", payment, -old["from_advance"], money)
    if said["entry"]:
        said["entry"]["reverses"] = payment
    items = [
        {**each, "kind": "other" if each["item"] == payment else "energy", "due": old["on"]}
        for each in old["allocations"]
    ]
    return "account.debited", 1, said | {"items": items}


def _moved(old: Data, kind: str, reference: str, held: int, money: Postings) -> Data:
    return {
        "source": {"kind": kind, "reference": reference},
        "amount": old["amount"],
        "currency": old["currency"],
        "on": old["on"],
        "policy": POLICY,
        "held": held,
        "entry": _entry(old, kind, reference, money) if any(money.values()) else None,
    }


def _allocated(allocations: Iterable[Data]) -> list[Data]:
    return [{"item": each["item"], "amount": each["amount"]} for each in allocations]


def _entry(old: Data, kind: str, document: str, money: Postings) -> Data:
    return {
        "on": old["on"],
        "month": old["on"][:7],
        "about": old["on"],
        "source": {"kind": kind, "reference": document},
        "document": document,
        "currency": old["currency"],
        "postings": [
            {"code": code, "amount": amount, "ledger_class": name}
            for (code, name), amount in sorted(money.items())
            if amount
        ],
    }


def _longer_keys(old: Data) -> Data:
    """An item had a key of forty characters at most, too few for the bill of a long account."""
    return old


# (name, version) -> how to make it one version newer.  Today's version is counted from these.
def _on_top(old: Data) -> Data:
    """Of the first releases nothing lay in a unit: it belongs to the one on top."""
    return {**old, "org_unit": ""}


UPCASTS: dict[tuple[str, int], Upcast] = {
    ("account.opened", 1): _on_top,
    ("customer.registered", 1): _on_top,
    ("point.energised", 1): _on_top,
    ("account.credited", 1): _credited,
    ("account.credited", 2): _longer_keys,
    ("account.debited", 1): _longer_keys,
    ("bill.corrected", 1): _bill_corrected,
    ("bill.issued", 1): _bill_issued,
    ("bill.cancelled", 1): _first_edition,
    ("bill.corrected", 2): _first_edition,
    ("bill.issued", 2): _first_edition,
    ("bill.cancelled", 2): _untitled,
    ("bill.corrected", 3): _untitled,
    ("bill.issued", 3): _untitled,
    ("meter.installed", 1): _readings,
    ("meter.read", 1): _readings,
    ("meter.reading-corrected", 1): _readings,
    ("meter.removed", 1): _readings,
    ("meter.read", 2): _turned,
    ("meter.reading-corrected", 2): _reading_corrected,
    ("tariff.drafted", 1): _billable,
    ("tariff.published", 1): _billable,
    ("payment.received", 1): lambda old: {**old, "allocations": None, "held": 0},
    ("payment.received", 2): _longer_keys,
    ("utility.established", 1): _with_digits,
    ("utility.established", 2): lambda old: {**old, "edition": 1},
}

# (name, version) -> the event that it is read as: its name and version today, and its data.
RETYPED: dict[tuple[str, int], Retype] = {
    ("account.adjusted", 1): _adjusted,
    ("account.charged", 1): _charged,
    ("account.payment-returned", 1): _returned,
}
