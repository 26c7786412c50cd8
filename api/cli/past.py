"""replay, verify, rebuild: what can be done with a history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from api import past
from api.cli import proofs
from api.cli.kit import (
    DataOption,
    JsonOption,
    Misused,
    answer,
    day,
    moment,
    money,
    plain,
    progress,
    say,
    system,
)
from api.past import AccountThen, Happened, Past
from api.system import System, caught_up, review
from domain.kit import EVENTS
from domain.values import MinorUnits
from projections.catalogue import PROJECTIONS
from projections.kit.versions import TableGrowing
from projections.kit.writer import Parked
from replay.billing.verify import VerifyReport
from replay.billing.verify import verify as verified
from replay.tables.rebuild import rebuild as rebuilt

LONG = 60  # characters of something nested that are still shown


def replay(
    stream: Annotated[str, typer.Argument(help="Like account-000120, bill-000120-2026-03.")],
    known_at: Annotated[
        str | None, typer.Option(help="A position, or an instant (2026-03-31T12:00Z).")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="A business day: what is dated later is left out.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a stream, and the account, bill or meter it is, as they were known at a position."""
    until = None if as_of is None else day(as_of, "--as-of")
    with system(data, "followed") as it:
        position = _position(it, known_at)
        found = past.at(it, stream, position, until)
    if as_json:
        answer(plain(found))
    else:
        _show(found)


def _position(it: System, known_at: str | None) -> int:
    try:
        head = caught_up(it.history, it.tables)
    except TableGrowing:
        head = it.history.head()  # facts are shown all the same
    if known_at is None:
        return head
    if known_at.isdigit():
        return min(int(known_at), head)
    return it.history.moment(moment(known_at, "--known-at"))


def _show(found: Past) -> None:
    told = f", as of {found.as_of}" if found.as_of else ""
    say(f"{found.stream} as known at position {found.known_at} of {found.head}{told}")
    say()
    for fact in found.facts:
        who = f"{fact.by} ({fact.duty})"
        say(f"  {fact.position:>8}  {fact.at:%Y-%m-%d %H:%M:%S}  {who}  {fact.name}")
        say(f"            {_data(fact)}", style="dim")
    if found.growing is not None:
        say()
        say(found.growing, style="yellow")
    if found.account is not None:
        _show_account(found.account)
        return
    for name, rows in found.rows.items():
        for row in rows:
            say()
            say(f"{name}: {_short(plain(row), type(row))}", style="bold")


def _data(fact: Happened) -> str:
    return _short(fact.data, EVENTS.get(fact.name))


def _short(named: dict[str, Any], cls: type | None) -> str:
    """The fields of a class on a line: money as money, and of what is long, how much it is."""
    currency, minor = named.get("currency"), _minor(cls)
    parts = []
    for name, value in named.items():
        if value in (None, 0, [], {}) or name == "currency":
            continue
        if currency and name in minor:
            parts.append(f"{name} {money(value, currency)}")
        else:
            parts.append(f"{name} {_brief(value)}")
    return ", ".join(parts)


def _minor(cls: type | None) -> set[str]:
    """The fields of an event or a row that are money in minor units."""
    hints = {} if cls is None else get_type_hints(cls, include_extras=True)
    return {
        name
        for name, hint in hints.items()
        if any(isinstance(mark, MinorUnits) for mark in getattr(hint, "__metadata__", ()))
    }


def _brief(value: Any) -> str:
    match value:
        case list():
            return f"({len(value)})"
        case {"since": since, "until": until}:
            return f"{since} to {until}"
        case {"name": str(name)}:
            return f"“{name}”"
        case dict():
            told = " ".join(f"{key}: {each}" for key, each in value.items())
            return f"({told})" if len(told) < LONG else f"({len(value)})"
        case _:
            return str(value)


def _show_account(then: AccountThen) -> None:
    say()
    say(f"Bills of account {then.account}, customer {then.customer}:")
    for bill in then.bills:
        more = f", corrected by {money(bill.corrected, bill.currency)}" if bill.notes else ""
        open_ = money(bill.outstanding, bill.currency)
        say(
            f"  {bill.bill}  {bill.since} to {bill.until}  {money(bill.issued, bill.currency)}"
            f"{more}, open {open_}, due {bill.due}"
        )
    for note in then.corrections:
        causes = ", ".join(f"{cause.name} {cause.fact}" for cause in note.causes)
        say(f"  {note.note}  {money(note.total, note.currency)} because of {causes}")
    paid = sum(each.amount for each in then.payments if each.reversed is None)
    say(f"Payments: {len(then.payments)}, {money(paid, then.currency)} in all")
    say(f"Balance: {money(then.balance, then.currency)}", style="bold")


def _told(report: VerifyReport) -> str:
    if not report.agrees:
        return "It does not agree."
    if all(check.proven for check in report.checks):
        return "Everything agrees."
    return "Nothing is wrong, and that is not proven: `wattledger checkpoint` signs now."


def verify(
    proof: Annotated[
        Path | None, typer.Option(help="Check this one proof, offline; needs --verifier.")
    ] = None,
    verifier: Annotated[
        str | None, typer.Option(help="The notary's public line, or a file with it.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fold everything again and compare; calculate every bill again; hash every fact again."""
    if proof is not None:
        proofs.check(proof, verifier, as_json=as_json)
    with system(data) as it, progress() as tell:
        caught_up(it.history, it.tables, 60.0)
        report = verified(it.history, it.tables, PROJECTIONS, tell)
        report.checks.append(proofs.audited(it, verifier, tell))
        keeper = review(it)
        keeper.catch_up(report.position, lambda done, of: tell("facts looked at", done, of))
        differ = keeper.read(0).count
    if as_json:
        answer({"agrees": report.agrees, "wrong_now": differ, **plain(report)})
    else:
        say(f"Verified up to position {report.position}.")
        for check in report.checks:
            right = "agrees" if check.proven else "not proven"
            right = f"{len(check.wrong)} wrong" if check.wrong else right
            if check.not_recalculated:
                right += (
                    f"; {check.not_recalculated} of an earlier edition of the rules,"
                    " not re-calculated"
                )
            say(f"  {check.name}: {check.looked_at} looked at, {right}")
            for wrong in check.wrong:
                say(f"    {wrong}", style="red")
        say(_told(report))
        if differ:
            say(f"{differ} bills would be others if calculated now: wattledger bill wrong")
    raise typer.Exit(0 if report.agrees else 1)


def rebuild(
    tables: Annotated[
        list[str] | None, typer.Argument(help="Which tables; all of them if none is named.")
    ] = None,
    compare_only: Annotated[
        bool, typer.Option("--compare-only", help="Grow and compare, and change nothing.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rebuild tables from history beside the old ones, compare them, and swap them in."""
    with system(data, "none") as it, progress() as tell:
        try:
            report = rebuilt(
                it.history,
                it.url,
                PROJECTIONS,
                tables or None,
                lambda done, of: tell("facts folded again", done, of),
                swap=not compare_only,
                retired=() if tables or compare_only else it.tables.refresh().others,
            )
        except ValueError as wrong:
            raise Misused(str(wrong)) from wrong
    differ = [table.projection for table in report.tables if table.equal is False]
    if as_json:
        answer({"differ": differ, **plain(report)})
    else:
        for table in report.tables:
            told = {True: "equal", False: "differs", None: "new"}[table.equal]
            say(f"  {table.projection:20} {table.rows:>9} rows  {told}")
            for line in table.differences:
                say(f"    {line}", style="red")
        done = "compared" if compare_only else "swapped in"
        took = f"{report.facts} facts in {report.seconds:.1f} s"
        say(f"{took}; {len(report.tables)} tables {done}.")
    raise typer.Exit(1 if differ else 0)


def resume(
    tables: Annotated[
        list[str] | None, typer.Argument(help="Which tables; all of them if none is named.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try again what could not be folded, and say what still cannot be."""
    if unknown := set(tables or ()).difference(each.name for each in PROJECTIONS):
        raise Misused(f"no projection is called {', '.join(sorted(unknown))}")
    with system(data, "none") as it:
        before = _of(it.follower.parked(), tables)
        left = it.follower.resume(tables or None)
    done = len(before) - len(left)
    if as_json:
        answer({"resumed": done, "parked": [each._asdict() for each in left]})
    else:
        say(f"{done} of {len(before)} parked facts are folded.")
        for each in left:
            say(f"  {each.projection}: {each.stream} at {each.position}: {each.error}", "red")
    raise typer.Exit(1 if left else 0)


def _of(parked: list[Parked], tables: list[str] | None) -> list[Parked]:
    return [each for each in parked if not tables or each.projection in tables]
