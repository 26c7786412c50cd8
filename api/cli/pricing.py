"""`wattledger rate`: what usage costs under a tariff, from two files, by the very engine."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo

import typer
from pydantic import TypeAdapter, ValidationError

from api.cli import rerating
from api.cli.priced import Priced, answer, table
from api.cli.usage_document import usage_of
from domain.kit import Refused
from domain.pricing.charges import LEDGER_CLASSES
from domain.pricing.rating import Rated, rate
from domain.pricing.tariff import TariffDocument, TariffVersion, check_charges
from domain.pricing.urdb import UrdbRecordWrong, is_urdb, translated
from domain.pricing.usage import Carry, Usage
from domain.values import Period, next_month
from replay.files.usage import OptionMissing, UsageFileError, read

DOCUMENT = TypeAdapter(TariffDocument)
REFUSED, MISUSED = 1, 2
Later: TypeAlias = Sequence[tuple[date, TariffDocument]]


class TariffFileError(ValueError):
    """The tariff file cannot be taken as a tariff."""


def tariff_of(path: Path) -> TariffDocument:
    """
    The document in a JSON or TOML file; a URDB record is translated.

    Raises TariffFileError or Refused with place and reason; OSError when it cannot be read.
    """
    raw = path.read_bytes().decode("utf-8-sig", errors="replace")
    try:
        if path.suffix == ".toml":
            said: Any = tomllib.loads(raw, parse_float=Decimal)
        else:
            said = json.loads(raw, parse_float=Decimal, parse_constant=Decimal)
    except ValueError as wrong:
        form = path.suffix.lstrip(".") or "json"
        raise TariffFileError(f"{path.name} is not {form}: {wrong}") from None
    if isinstance(said, Mapping) and isinstance(said.get("items"), list) and said["items"]:
        said = said["items"][0]
    try:
        if is_urdb(said):
            document = translated(said)
            check_charges(document)
            return document
        document = DOCUMENT.validate_python(said)
        check_charges(document)
    except ValidationError as wrong:
        told = "\n".join(f"{path.name}: {place}" for place in _places(wrong))
        raise TariffFileError(told) from None
    except ValueError as wrong:
        raise TariffFileError(f"{path.name}: {wrong}") from None
    except UrdbRecordWrong as wrong:
        wrong.add_note(path.name)
        raise
    return document


def _places(wrong: ValidationError) -> Iterator[str]:
    for one in wrong.errors(include_url=False):
        place = ".".join(str(step) for step in one["loc"]) or "tariff"
        if one["type"] == "union_tag_not_found":
            told = one["input"].get("code") if isinstance(one["input"], Mapping) else None
            named = f"charge {told!r}: " if told else ""
            yield f"{place}: {named}it says no kind; one of {', '.join(LEDGER_CLASSES)}"
        else:
            yield f"{place}: {one['msg'].removeprefix('Value error, ')}"


def price(
    document: TariffDocument,
    usage: Usage,
    since: date | None = None,
    until: date | None = None,
    later: Later = (),
    carry: Carry = (),
) -> Priced:
    """
    The bills for a range of local days, `until` not included; all of the usage if not said.

    A range longer than a month is cut into calendar months; what one bill hands on, the
    next takes, and the first takes `carry`.  `later` versions apply from their days on.
    """
    whole = _range(usage, since, until)
    versions = [
        TariffVersion(tariff="tariff", version=n, since=first, document=one)
        for n, (first, one) in enumerate([(date.min, document), *later], 1)
    ]
    bills: list[tuple[Period, Carry, Rated]] = []
    for period in months(whole):
        rated = rate(versions, usage, period, carry)
        bills.append((period, carry, rated))
        carry = rated.carry
    return Priced(tuple(versions), usage, tuple(bills))


def months(whole: Period) -> Iterator[Period]:
    """The range itself, or its calendar months if it is longer than a month."""
    first = whole.since
    following = next_month(first)
    try:
        month_later = following.replace(day=first.day)
    except ValueError:
        month_later = next_month(following)
    if whole.until <= month_later:
        yield whole
        return
    while first < whole.until:
        until = min(next_month(first), whole.until)
        yield Period(since=first, until=until)
        first = until


def _range(usage: Usage, since: date | None, until: date | None) -> Period:
    """The days asked for; those of the usage where nothing is said."""
    first, last = _days(usage)
    first, last = since or first, until or last
    if last <= first:
        raise typer.BadParameter(
            f"the range {first} to {last} has no day; --to is not included"
        )
    return Period(since=first, until=last)


def _days(usage: Usage) -> tuple[date, date]:
    local = ZoneInfo(usage.zone)
    if not usage.series:
        spans = [(one.since, one.until) for one in usage.registers]
        spans += [(one.since, one.until) for one in usage.demands]
        if not spans:
            raise typer.BadParameter("nothing is measured: say --from and --to")
        return min(since for since, _ in spans), max(until for _, until in spans)
    series = usage.series[0]
    end = series.start + timedelta(minutes=series.minutes * len(series.wh))
    last = (end - timedelta(microseconds=1)).astimezone(local).date()
    return series.start.astimezone(local).date(), last + timedelta(days=1)


# The command


Day: TypeAlias = datetime | None
DAY = ["%Y-%m-%d"]
SinceOption: TypeAlias = Annotated[Day, typer.Option("--from", formats=DAY)]
UntilOption: TypeAlias = Annotated[
    Day, typer.Option("--to", formats=DAY, help="first day not included")
]
StartOption: TypeAlias = Annotated[
    Day, typer.Option(formats=DAY, help="first local day of bare numbers")
]
MinutesOption: TypeAlias = Annotated[
    int | None, typer.Option(min=1, max=1440, help="of an interval")
]
ZoneOption: TypeAlias = Annotated[
    str | None, typer.Option(help="IANA time zone of the local days")
]
TariffArgument: TypeAlias = Annotated[
    Path, typer.Argument(help="tariff document, or URDB record (JSON, TOML)")
]
UsageArgument: TypeAlias = Annotated[
    Path | None,
    typer.Argument(help="start,kwh[,kvarh] as CSV; bare numbers; or a usage document (.json)"),
]
ThenOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="DATE=TARIFF: a later version, from that day on; may be repeated"),
]
WhyOption: TypeAlias = Annotated[
    bool, typer.Option("--why", help="show how each amount comes about")
]
PopulationOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="folder of usage files, one an account; with --under")
]
UnderOption: TypeAlias = Annotated[Path | None, typer.Option(help="tariff to compare with")]
CsvOption: TypeAlias = Annotated[bool, typer.Option("--csv", help="line by line; with --under")]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Answer with JSON.")]


def rate_command(
    tariff: TariffArgument,
    usage: UsageArgument = None,
    since: SinceOption = None,
    until: UntilOption = None,
    start: StartOption = None,
    minutes: MinutesOption = None,
    zone: ZoneOption = None,
    then: ThenOption = None,
    why: WhyOption = False,
    population: PopulationOption = None,
    under: UnderOption = None,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """Price usage under a tariff, or a population under two; nothing is written."""
    try:
        asked = Asked(_day(since), _day(until), _day(start), minutes, _zone(zone))
        if population is not None and under is not None and not (usage or then):
            told = _compared(asked, tariff, population, under, as_csv, as_json)
        elif usage is not None and population is None and under is None:
            priced = asked.priced(tariff_of(tariff), usage, _later(then or ()))
            told = (
                _json(answer(priced, usage.suffix == ".json"))
                if as_json
                else "\n".join(table(priced, why))
            )
        else:
            raise typer.BadParameter("give USAGE, or --population with --under")
    except OSError as wrong:
        raise _end(f"{wrong.filename}: {wrong.strerror}", MISUSED, as_json) from None
    except OptionMissing as wrong:
        raise _end(str(wrong), MISUSED, as_json) from None
    except ValueError as wrong:
        raise _end(str(wrong), REFUSED, as_json) from None
    except Refused as no:
        raise _end(_told(no), REFUSED, as_json, no.code) from None
    typer.echo(told)


@dataclass(frozen=True, slots=True)
class Asked:
    """The range that is asked for, and how the usage files are to be read."""

    since: date | None
    until: date | None
    start: date | None = None
    minutes: int | None = None
    zone: str | None = None

    def usage(self, path: Path) -> Usage:
        """What a file says.  Raises UsageFileError naming the file."""
        try:
            return read(
                path.read_bytes().decode("utf-8-sig", errors="replace"),
                zone=self.zone,
                start=self.start,
                minutes=self.minutes,
            )
        except UsageFileError as wrong:
            raise type(wrong)(f"{path.name}: {wrong}") from None

    def priced(self, document: TariffDocument, path: Path, later: Later) -> Priced:
        """The bills for a file."""
        if path.suffix == ".json":
            if (self.start, self.minutes, self.zone) != (None, None, None):
                raise OptionMissing(f"{path.name} says zone and days itself")
            usage, carry = usage_of(path)
        else:
            usage, carry = self.usage(path), ()
        return self.told(document, usage, path, later, carry)

    def told(
        self,
        document: TariffDocument,
        usage: Usage,
        path: Path,
        later: Later = (),
        carry: Carry = (),
    ) -> Priced:
        """The bills for the usage of a file, which any refusal names."""
        try:
            return price(document, usage, self.since, self.until, later, carry)
        except Refused as no:
            no.add_note(path.name)
            raise


def _compared(
    asked: Asked, tariff: Path, population: Path, under: Path, as_csv: bool, as_json: bool
) -> str:
    files = rerating.population(population)
    usages = {account: asked.usage(path) for account, path in files.items()}
    whole = _range(next(iter(usages.values())), asked.since, asked.until)
    both = tariff_of(tariff), tariff_of(under)
    try:
        found = rerating.compared(*both, usages, list(months(whole)))
    except Refused as no:
        for document in both:  # many are rated at once: which it was, each alone says
            for account, path in files.items():
                Asked(whole.since, whole.until).told(document, usages[account], path)
        raise no from None
    if as_csv:
        return found.csv().rstrip("\n")
    return _json(found.answer()) if as_json else "\n".join(found.text())


def _later(then: Sequence[str]) -> list[tuple[date, TariffDocument]]:
    found = []
    for said in then:
        day, _, path = said.partition("=")
        try:
            since = date.fromisoformat(day)
        except ValueError:
            raise typer.BadParameter(f"--then is DATE=TARIFF, not {said!r}") from None
        found.append((since, tariff_of(Path(path))))
    return found


def _json(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False)


def _zone(name: str | None) -> str | None:
    try:
        return name and ZoneInfo(name).key
    except (ValueError, KeyError, OSError):
        raise typer.BadParameter(f"{name!r} is not an IANA time zone") from None


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None


def _told(no: Refused) -> str:
    where = "".join(f"{note}: " for note in getattr(no, "__notes__", ()))
    return where + _sentence(no)


def _sentence(no: Refused) -> str:
    if isinstance(no, UrdbRecordWrong):
        return str(no)
    details = ", ".join(
        f"{key} {said.isoformat() if isinstance(said, datetime) else said}"
        for key, said in no.details.items()
    )
    return f"{no.args[0]} ({details})" if details else str(no.args[0])


def _end(told: str, code: int, as_json: bool, rule: str = "wrong-input") -> typer.Exit:
    typer.echo(json.dumps({"code": rule, "detail": told}) if as_json else told, err=True)
    return typer.Exit(code)
