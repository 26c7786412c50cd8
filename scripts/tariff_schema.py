"""Write docs/tariff.schema.json anew from the code."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pydantic import TypeAdapter

from domain.pricing.tariff import TariffDocument

PLACE = Path(__file__).resolve().parent.parent / "docs" / "tariff.schema.json"


def schema() -> str:
    """The JSON Schema of a tariff document."""
    said = TypeAdapter(TariffDocument).json_schema(mode="validation")
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PLACE.write_text(schema(), "utf-8")
