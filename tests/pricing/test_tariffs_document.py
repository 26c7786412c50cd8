"""The tariff document: its schema is published, and its parts say what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from domain.pricing.charges import Charge
from scripts.tariff_schema import schema

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_published_schema_is_that_of_the_code() -> None:
    published = DOCS / "tariff.schema.json"

    assert published.read_text("utf-8") == schema(), (
        "write it anew: python -m scripts.tariff_schema"
    )


def test_every_kind_of_charge_has_its_place_in_the_manual() -> None:
    manual = (DOCS / "tariffs.md").read_text("utf-8")
    kinds = [one.__dataclass_fields__["kind"].default for one in get_args(get_args(Charge)[0])]

    assert len(kinds) == len(set(kinds)) >= 12
    assert [kind for kind in kinds if f"`{kind}`" not in manual] == []
