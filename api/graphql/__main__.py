"""`python -m api.graphql > docs/schema.graphql`: the schema in its own language."""

from __future__ import annotations

import sys

from api.graphql.schema import schema

sys.stdout.write(schema.as_str() + "\n")
