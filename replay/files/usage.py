"""
Usage from a file: `start,kwh[,kvarh]` with ISO stamps, or bare numbers, one a line.

Below zero is export; kvarh of either direction count alike.  Numbers are decimals and stay
exact.  Nothing is guessed: a line that is no number, a stamp that is missing or there twice,
is refused with its place.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import chain, pairwise
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from domain.pricing.usage import Channel, Series, Usage
from domain.values import midnight
from replay.files.columns import Ints, decimals, shortest, stamps, steady

PREFERRED = ("UTC", *(f"Etc/GMT{n:+}" for n in range(-14, 13)))
COMMON = (
    *("Europe/London", "Europe/Berlin", "Europe/Helsinki"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    *("Asia/Kolkata", "Australia/Sydney", "Australia/Adelaide", "America/St_Johns"),
)
KWH = ("kwh", "value", "import", "consumption")
KVARH = ("kvarh",)
LARGEST, FINEST = Decimal(10**9), Decimal("1e-9")


class UsageFileError(ValueError):
    """The usage file says something that cannot be taken as usage."""


class OptionMissing(UsageFileError):
    """The file cannot be read without an option that was not given."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file: where it is, when it begins, what it counts."""

    line: int
    start: datetime
    kwh: Decimal
    kvarh: Decimal | None


def read(
    text: str,
    *,
    zone: str | None = None,
    start: date | None = None,
    minutes: int | None = None,
) -> Usage:
    """
    The usage of a file.

    `zone` is where the days are local; if it is not given, stamps with offsets tell (any
    zone that shows the same wall clock at every stamp), and stamps without are taken as
    UTC.  Bare numbers need `start`, their first local day, and `minutes`.  Raises
    UsageFileError.
    """
    lines = [
        (n, line.strip())
        for n, line in enumerate(text.lstrip("\ufeff").splitlines(), 1)
        if line.strip()
    ]
    if not lines:
        raise UsageFileError("the file is empty")
    if (usage := _at_once(lines, zone, start, minutes)) is not None:
        return usage
    if "," in lines[0][1]:
        rows, where = _stamped(lines, zone)
    else:
        rows, where = _bare(lines, zone or "UTC", start, minutes), zone or "UTC"
    return Usage(where, series=tuple(_series(rows, minutes)))


# The usual file


def _at_once(
    lines: Sequence[tuple[int, str]],
    zone: str | None,
    start: date | None,
    minutes: int | None,
) -> Usage | None:
    """The usage of a file that is written as most are; None for any other, or if in doubt."""
    if "," not in lines[0][1]:
        if start is None or minutes is None:
            return None
        where, first, length = zone or "UTC", midnight(start, zone or "UTC"), minutes
        found = [decimals([text for _, text in lines])]
    else:
        columns = _columns(lines[0][1])
        kwh, kvarh = columns or (1, None)
        cells = [text.split(",") for _, text in lines[0 if columns is None else 1 :]]
        if min(map(len, cells), default=0) <= max(kwh, kvarh or 0):
            return None
        if (told := stamps([row[0] for row in cells])) is None:
            return None
        where = zone or _zone(told.telling)
        if (spaced := steady(told, where)) is None or minutes not in (None, spaced[1]):
            return None
        first, length = spaced
        found = [decimals([row[n] for row in cells]) for n in (kwh, kvarh) if n is not None]
    channels = [*_split(found)]
    if len(channels) < 1 + len(found):
        return None
    series = (
        Series(channel, first, length, whole, digits=fine) for channel, whole, fine in channels
    )
    return Usage(where, series=tuple(s for s in series if s.channel != "export" or any(s.wh)))


def _split(
    found: Sequence[tuple[Ints, int] | None],
) -> Iterator[tuple[Channel, tuple[int, ...], int]]:
    for n, column in enumerate(found):
        if column is None:
            continue
        wh, digits = column
        if n:
            yield "reactive", *shortest(np.abs(wh), digits)
        else:
            yield "import", *shortest(np.maximum(wh, 0), digits)
            yield "export", *shortest(np.maximum(-wh, 0), digits)


# Bare numbers


def _bare(
    lines: Sequence[tuple[int, str]], zone: str, start: date | None, minutes: int | None
) -> list[Row]:
    if start is None or minutes is None:
        raise OptionMissing("bare numbers need --start DATE and --minutes N")
    first = midnight(start, zone)
    step = timedelta(minutes=minutes)
    return [
        Row(n, first + at * step, _number(text, n, "kwh"), None)
        for at, (n, text) in enumerate(lines)
    ]


# Stamps


def _stamped(lines: Sequence[tuple[int, str]], zone: str | None) -> tuple[list[Row], str]:
    columns = _columns(lines[0][1])
    body = lines if columns is None else lines[1:]
    kwh, kvarh = columns or (1, None)
    if not body:
        raise UsageFileError("the file has a header and no values")
    cells = [(n, next(csv.reader(io.StringIO(text)))) for n, text in body]
    read = [(n, _stamp(row[0], n)) for n, row in cells]
    where = zone or _zone([stamp for _, stamp in read])
    rows = []
    for (n, row), (_, start) in zip(cells, _instants(read, where), strict=True):
        if len(row) <= max(kwh, kvarh or 0):
            raise UsageFileError(f"line {n}: a value is missing")
        reactive = None if kvarh is None else _number(row[kvarh], n, "kvarh")
        rows.append(Row(n, start, _number(row[kwh], n, "kwh"), reactive))
    return rows, where


def _columns(header: str) -> tuple[int, int | None] | None:
    """The columns of kWh and kvarh; None when the first line is already a value."""
    names = [name.strip().lower() for name in next(csv.reader(io.StringIO(header)))]
    if names[0][:1].isdigit():
        return None
    kwh = [n for n, name in enumerate(names) if name in KWH]
    kvarh = [n for n, name in enumerate(names) if name in KVARH]
    if names[0] != "start" or not kwh:
        raise UsageFileError(f"line 1: the header is start,kwh[,kvarh], not {header}")
    return kwh[0], kvarh[0] if kvarh else None


def _stamp(text: str, line: int) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageFileError(f"line {line}: {text!r} is not an ISO 8601 time") from None


def _zone(stamps: Sequence[datetime]) -> str:
    """A zone whose wall clock is that of every stamp."""
    aware = [stamp for stamp in stamps if stamp.tzinfo is not None]
    if not aware:
        return "UTC"
    changes = [aware[0]]
    for before, after in pairwise(aware):
        if before.utcoffset() != after.utcoffset():
            changes += [before, after]
    changes.append(aware[-1])
    for name in chain(PREFERRED, _every_zone()):
        zone = ZoneInfo(name)
        if all(one.astimezone(zone).utcoffset() == one.utcoffset() for one in changes):
            return name
    raise UsageFileError("no time zone has the offsets of the stamps; say which with --zone")


def _every_zone() -> Iterator[str]:
    """By name, those first in which most people live that move their clocks."""
    yield from COMMON
    yield from sorted(available_timezones())


def _instants(
    stamps: Sequence[tuple[int, datetime]], zone: str
) -> Iterator[tuple[int, datetime]]:
    """The stamps in UTC; of two alike without offset, the second is the later hour."""
    local = ZoneInfo(zone)
    seen: set[datetime] = set()
    for n, stamp in stamps:
        if stamp.tzinfo is not None:
            instant = stamp.astimezone(UTC)
        else:
            instant = stamp.replace(tzinfo=local).astimezone(UTC)
            if instant.astimezone(local).replace(tzinfo=None) != stamp:
                raise UsageFileError(
                    f"line {n}: {stamp.isoformat()} does not exist in {zone}: clocks go forward"
                )
            if instant in seen:
                instant = stamp.replace(tzinfo=local, fold=1).astimezone(UTC)
        if instant in seen:
            told = "" if stamp.tzinfo else " (where the clocks change, say --zone)"
            raise UsageFileError(f"line {n}: {stamp.isoformat()} is there twice{told}")
        seen.add(instant)
        yield n, instant


# Values


def _series(rows: Sequence[Row], minutes: int | None) -> Iterator[Series]:
    ordered = sorted(rows, key=lambda row: row.start)
    step = timedelta(minutes=minutes) if minutes else _step(ordered)
    for before, after in pairwise(ordered):
        if after.start - before.start != step:
            gap = (before.start + step).isoformat()
            raise UsageFileError(f"line {after.line}: nothing is said for {gap}")
    length = int(step.total_seconds()) // 60
    for channel, numbers in _channels(ordered):
        if channel != "export" or any(numbers):
            digits = max((_decimals(number) for number in numbers), default=0)
            whole = tuple(int(number.scaleb(3 + digits)) for number in numbers)
            yield Series(channel, ordered[0].start, length, whole, digits=digits)


def _step(rows: Sequence[Row]) -> timedelta:
    steps = [after.start - before.start for before, after in pairwise(rows)]
    return min(steps, default=timedelta(hours=1))


def _channels(rows: Sequence[Row]) -> Iterator[tuple[Channel, list[Decimal]]]:
    zero = Decimal(0)
    yield "import", [max(row.kwh, zero) for row in rows]
    yield "export", [max(-row.kwh, zero) for row in rows]
    if rows[0].kvarh is not None:
        yield "reactive", [abs(row.kvarh or zero) for row in rows]


def _decimals(kwh: Decimal) -> int:
    """How many decimals of a Wh a number has."""
    exponent = kwh.normalize().as_tuple().exponent
    return max(0, -exponent - 3) if isinstance(exponent, int) else 0


def _number(text: str, line: int, column: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise UsageFileError(
            f"line {line}: {text.strip()!r} is not a number ({column})"
        ) from None
    if not number.is_finite() or abs(number) >= LARGEST:
        raise UsageFileError(f"line {line}: {text.strip()} is beyond any {column}")
    return number.quantize(FINEST) if _decimals(number) > 6 else number
