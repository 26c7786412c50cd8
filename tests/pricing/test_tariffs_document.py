"""The tariff document: its schema is published, and its parts say what they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import orjson
import pytest
from pydantic import TypeAdapter

from domain.kit import EVENTS
from domain.pricing.charges import Charge
from replay.store.upcasts import newest
from scripts.tariff_schema import schema

DOCS = Path(__file__).resolve().parents[2] / "docs"
GOLDEN = Path(__file__).resolve().parents[1] / "store" / "golden.jsonl"


def test_the_published_schema_is_that_of_the_code() -> None:
    published = DOCS / "tariff.schema.json"

    assert published.read_text("utf-8") == schema(), (
        "write it anew: python -m scripts.tariff_schema"
    )


LATER = {
    "Fixed": ["unused"],
    "Capacity": ["unused", "schedule"],
    "Demand": ["unused", "each"],
    "Contract": ["floor_by", "below", "least", "excess_from", "steps"],
    "Rate": ["by_use"],
    "Rounding": ["charges", "bill"],
    "FixedByUsage": ["bands", "by", "bands_per", "minutes", "per"],
    "UseLadder": ["upto", "price", "blocks"],
    "ExcessStep": ["upto", "factor"],
    "ChargeRounding": ["of", "per", "mode", "step"],
    "BillRounding": ["mode", "step"],
}


@pytest.mark.parametrize("name", LATER)
def test_each_later_field_tells_its_sentence(name: str) -> None:
    fields = json.loads(schema())["$defs"][name]["properties"]

    for field in LATER[name]:
        assert fields[field]["description"].endswith("."), field
        assert fields[field].get("examples"), field


def test_every_kind_of_charge_has_its_place_in_the_manual() -> None:
    manual = (DOCS / "tariffs.md").read_text("utf-8")
    kinds = [one.__dataclass_fields__["kind"].default for one in get_args(get_args(Charge)[0])]

    assert len(kinds) == len(set(kinds)) >= 12
    assert [kind for kind in kinds if f"`{kind}`" not in manual] == []


def test_a_document_that_was_stored_is_written_again_byte_by_byte() -> None:
    lines = map(orjson.loads, GOLDEN.read_bytes().splitlines())
    stored = [
        (line["name"], orjson.dumps(line["data"]))
        for line in lines
        if line["name"].startswith("tariff.") and line["v"] == newest(line["name"])
    ]

    assert len(stored) >= 3
    for name, data in stored:
        event: TypeAdapter[object] = TypeAdapter(EVENTS[name])
        assert event.dump_json(event.validate_json(data)) == data, name
