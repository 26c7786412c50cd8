"""Lists as files: CSV as RFC 4180 has it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def csv_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows with a column for each value in them; what has parts is flattened by its names."""
    flat = [dict(_flat("", row)) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    out = StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case {"amount": amount, "currency": currency}:
            yield name, str(amount)
            yield f"{name}.currency", str(currency)
        case dict():
            for key, each in value.items():
                yield from _flat(f"{name}.{key}" if name else key, each)
        case list():
            yield name, "; ".join(_short(each) for each in value)
        case _:
            yield name, _safe("" if value is None else str(value))


def _short(value: Any) -> str:
    parts = [text for _, text in _flat("", value)] if isinstance(value, dict) else [str(value)]
    return " ".join(parts)


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula; numbers stay numbers."""
    number = text.lstrip("+-").replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(DANGEROUS) and not number else text
