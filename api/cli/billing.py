"""bill run, issue, correct, why, touched: what a billing office does."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from api.adopting import adopt
from api.cli.kit import (
    DataOption,
    JsonOption,
    Misused,
    answer,
    day,
    money,
    myself,
    plain,
    progress,
    say,
    system,
)
from api.cli.reasons import counted_so, history_of, reasons
from api.cli.trouble import refusal
from api.dispatch import Answer, Dispatch
from api.system import System, caught_up, review
from domain.billing.bill import BillUnknown, IssueBill
from domain.billing.bill import bills as bill_kind
from domain.billing.chain import CorrectChain
from domain.billing.correcting import CorrectBill
from domain.kit import Refused
from domain.organisation.utility import UtilityNotEstablished
from domain.pricing.rating import text
from domain.values import Period, next_month
from projections.billing import Bill, bills, corrections
from projections.kit.table import Where
from projections.network import supplies
from projections.organisation import settings
from replay.billing.calculation import recalculable
from replay.billing.office import Billing

HANDS = 16  # bills asked for at the same time

app = typer.Typer(no_args_is_help=True, help="Issue, correct and explain bills.")

OnOption = Annotated[str | None, typer.Option("--on", help="The day of the bill; today.")]


@app.command()
def run(
    month: Annotated[str, typer.Argument(help="The month to bill, like 2026-03.")],
    on: OnOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue the bills of a month to every account with supply in it; run again, it goes on."""
    period = _month(month)
    with system(data) as it, progress() as tell:
        adopt(it)
        position = caught_up(it.history, it.tables, 60.0)
        billing = Billing(it.history, it.tables, lambda: position)
        asking = _Asking(Dispatch(it.history, billing.supplies), period, _on(it, on))
        due = _accounts(it, period, position)
        hands = ThreadPoolExecutor(HANDS)
        try:
            for done, _ in enumerate(hands.map(asking.issue, due), 1):
                tell("Bills", done, len(due))
        finally:
            hands.shutdown(cancel_futures=True)
        billed = _billed(it, asking.issued)
    found = {
        "period": {"since": period.since, "until": period.until},
        "issued": len(billed),
        "total": sum(bill.issued for bill in billed),
        "refused": [{"account": account, **told} for account, told in asking.refused],
    }
    if as_json:
        answer(found)
    else:
        _show_run(found, billed)
    raise typer.Exit(1 if asking.refused else 0)


@dataclass(slots=True)
class _Asking:
    """A run at work: what was issued, what was refused."""

    dispatch: Dispatch
    period: Period
    on: date
    issued: list[str] = field(default_factory=list)
    refused: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def issue(self, account: str) -> None:
        asked = IssueBill(
            account=account, since=self.period.since, until=self.period.until, on=self.on
        )
        try:
            given = self.dispatch(asked, myself("billing"))
            self.issued.append(_issued(given))
        except Refused as no:
            self.refused.append((account, {"rule": no.code, "why": refusal(no)}))


def _issued(given: Answer) -> str:
    """The bill that was issued: its number may be the next one of its days."""
    prefix = f"{bill_kind.name}-"
    return next(s.removeprefix(prefix) for s in given.streams if s.startswith(prefix))


def _accounts(it: System, period: Period, position: int) -> list[str]:
    """The accounts with supply in a period that no bill covers yet."""
    have = {
        bill.account
        for bill in it.tables.find(
            bills,
            Where("since", "<", period.until),
            Where("until", ">", period.since),
            known_at=position,
        )
        if bill.cancelled is None
    }
    reached = [
        supply.account
        for supply in it.tables.find(
            supplies, Where("since", "<", period.until), known_at=position
        )
        if supply.until is None or supply.until > period.since
    ]
    return [account for account in dict.fromkeys(sorted(reached)) if account not in have]


def _billed(it: System, keys: list[str]) -> list[Bill]:
    caught_up(it.history, it.tables, 60.0)
    return it.tables.find(bills, Where("bill", "in", keys)) if keys else []


def _show_run(found: dict[str, Any], billed: list[Bill]) -> None:
    for currency in {bill.currency for bill in billed}:
        total = sum(bill.issued for bill in billed if bill.currency == currency)
        say(f"Issued {len(billed)} bills, {money(total, currency)} in all.")
    if not billed:
        say("Issued no bills: every account with supply in the period has its bill.")
    counted = Counter(each["rule"] for each in found["refused"])
    for rule, count in counted.most_common():
        first = next(each for each in found["refused"] if each["rule"] == rule)
        say(f"Refused {count}: {rule}. First: account {first['account']}: {first['why']}")


@app.command()
def issue(
    account: Annotated[str, typer.Argument(help="The account.")],
    since: Annotated[str, typer.Argument(help="The first day.")],
    until: Annotated[str, typer.Argument(help="The day after the last.")],
    on: OnOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue one bill."""
    first, last = day(since, "SINCE"), day(until, "UNTIL")
    with system(data) as it:
        adopt(it)
        asked = IssueBill(account=account, since=first, until=last, on=_on(it, on))
        given = it.dispatch(asked, myself("billing"))
        _told(it, given, _issued(given), as_json)


@app.command()
def correct(
    bill: Annotated[str, typer.Argument(help="The bill, like 000120-2026-03.")],
    on: OnOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a bill to what is known now, by a note of the difference."""
    with system(data) as it:
        adopt(it)
        row = _bill(it, bill)
        asked = CorrectBill(account=row.account, bill=bill, on=_on(it, on))
        given = it.dispatch(asked, myself("billing"))
        _told(it, given, bill, as_json)


@app.command()
def chain(
    account: Annotated[str, typer.Argument(help="The account.")],
    on: OnOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring every bill of an account to what is known now, in order, at once."""
    with system(data) as it:
        asked = CorrectChain(account=account, on=_on(it, on))
        given = it.dispatch(asked, myself("billing"))
        position = caught_up(it.history, it.tables)
        left = [(row.bill, no) for row, no in it.billing.not_calculated(account, position)]
        notes = [
            note
            for note in it.tables.find(corrections, Where("account", "=", account))
            if it.billing.fact(note.fact).position in given.positions
        ]
    if as_json:
        refused = [{"bill": bill, "rule": no.code, "why": refusal(no)} for bill, no in left]
        answer({"positions": given.positions, "notes": plain(notes), "not_calculated": refused})
        return
    for note in notes:
        say(f"Correction {note.note}: {money(note.total, note.currency)}.")
    if not notes:
        say("Every bill that can be calculated is right as it stands; nothing was recorded.")
    for bill, no in left:
        say(f"{bill} cannot be calculated: {refusal(no)}")


@app.command()
def why(
    bill: Annotated[str, typer.Argument(help="The bill, like 000120-2026-03.")],
    line: Annotated[str | None, typer.Option(help="Only the lines of this charge.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why each line of a bill is what it is, as the bill stands."""
    with system(data) as it:
        row = _bill(it, bill)
        recalculable(row.newest)
        found = list(reasons(it, row, line))
        notes = it.tables.find(corrections, Where("bill", "=", bill))
    if as_json:
        answer(plain([{**shown, "why": tree} for shown, tree in found]))
        return
    history_of(row, notes)
    lines: dict[int, str] = {}  # trees that were shown, by what they are named below
    for shown, tree in found:
        say()
        name = " ".join(filter(None, (shown["code"], shown["period"])))
        amount = money(shown["amount"], row.currency)
        say(f"{shown['point']} {name}: {amount}", style="bold")
        for told in text(tree, lines):
            say(f"  {told}")
        for counted in shown["measured"]:
            say(f"  {counted_so(counted)}")
        lines[id(tree)] = f"line {name}"


@app.command()
def touched(
    facts: Annotated[list[str], typer.Argument(help="Facts, like meter-M1@3.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every bill that would be another without these facts, and what it should be."""
    with system(data) as it:
        found = list(it.billing.touched([it.billing.fact(ref) for ref in facts]))
    rows = [
        {
            "bill": each.bill.bill,
            "currency": each.bill.currency,
            "stands": each.stands,
            "now": each.now,
            "difference": each.difference,
            "not_calculated": each.rule,
        }
        for each in found
    ]
    if as_json:
        answer(rows)
        return
    for each in found:
        currency = each.bill.currency
        stands = f"{each.bill.bill}  stands at {money(each.stands, currency)}"
        if each.refused is not None or each.now is None:
            say(f"{stands}, cannot be calculated now: {each.refused}")
            continue
        told = (money(each.now, currency), money(each.now - each.stands, currency))
        say(f"{stands}, now {told[0]}: {told[1]}")
    if not found:
        say("No bill would be another without that.")


@app.command()
def wrong(
    first: Annotated[int, typer.Option(help="How many bills at most.", min=1)] = 1000,
    after: Annotated[str, typer.Option(help="Those behind this bill.")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the bills that would be others if they were calculated now, with their causes."""
    with system(data) as it, progress() as tell:
        keeper = review(it)
        position = caught_up(it.history, it.tables)
        keeper.catch_up(position, lambda done, of: tell("facts looked at", done, of))
        found = keeper.read(first, after)
    if as_json:
        answer(plain(found))
        return
    for each in found.bills:
        stands = f"{each.bill}  stands at {money(each.stands, each.currency)}"
        if each.now is None or each.difference is None:
            say(f"{stands}, cannot be calculated now: {each.rule}")
        else:
            more = money(each.difference, each.currency)
            say(f"{stands}, would be {money(each.now, each.currency)}: {more}")
        for cause in each.causes:
            say(f"  because of {cause.name}, {cause.fact}, at position {cause.position}")
    told = f"{found.count} bills are wrong" if found.count else "No bill is wrong"
    say(f"{told}, as known at position {found.position}.")


def _bill(it: System, bill: str) -> Bill:
    caught_up(it.history, it.tables)
    row = it.tables.get(bills, bill)
    if row is None:
        raise BillUnknown(bill=bill)
    return row


def _told(it: System, given: Answer, bill: str, as_json: bool) -> None:
    caught_up(it.history, it.tables)
    row = _bill(it, bill)
    if as_json:
        answer({"positions": given.positions, "bill": plain(row)})
    elif not given.positions:
        say(f"Bill {bill} is right as it stands; nothing was recorded.")
    elif row.notes:
        note = it.tables.find(corrections, Where("bill", "=", bill))[-1]
        say(f"Correction {note.note}: {money(note.total, note.currency)}.")
        for cause in note.causes:
            say(f"  because of {cause.name}, {cause.fact}, at position {cause.position}")
    else:
        say(f"Bill {bill}: {money(row.issued, row.currency)}, due {row.due}.")


def _month(text: str) -> Period:
    first = day(f"{text}-01", "MONTH")
    try:
        return Period(since=first, until=next_month(first))
    except OverflowError as wrong:
        raise Misused(f"MONTH is one that can be billed, not {text!r}") from wrong


def _on(it: System, given: str | None) -> date:
    """The day given, or today where the utility is."""
    if given is not None:
        return day(given, "--on")
    caught_up(it.history, it.tables)
    here = it.tables.get(settings, "settings")
    if here is None:
        raise UtilityNotEstablished
    return datetime.now(UTC).astimezone(ZoneInfo(here.zone)).date()
