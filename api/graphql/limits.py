"""
What a query may cost, judged before it is validated or run: tokens, depth, aliases, cost.

Cost is static and counts fields: a list counts its fields as often as `first` says, a list
without `first` as if it had five, and what must be calculated says in the schema what it costs.
Introspection is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from strawberry.extensions import ValidationCache

from api.graphql.errors import Problem
from api.graphql.paging import DEFAULT, MOST

TOKENS = 4_000
DEPTH = 16
ALIASES = 50
COST = 50_000
LISTED = 5  # what a list without `first` is taken to hold


@dataclass(frozen=True, slots=True)
class Measured:
    """How deep a selection goes, how many aliases it gives, what it costs."""

    depth: int = 0
    aliases: int = 0
    cost: int = 0

    def beside(self, other: Measured) -> Measured:
        """Both, side by side."""
        return Measured(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            min(self.cost + other.cost, COST + 1),
        )


@dataclass
class Measure:
    """Measures the operations of one document, each fragment once."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: Mapping[str, Any]
    _known: dict[tuple[str, str], Measured | None] = field(default_factory=dict)

    @property
    def several(self) -> bool:
        """Whether it has more than one operation."""
        kinds = [isinstance(n, OperationDefinitionNode) for n in self.document.definitions]
        return sum(kinds) > 1

    def operations(self) -> Measured:
        """All operations of the document together: it is small, and one of them is run."""
        found = Measured()
        for node in self.document.definitions:
            if isinstance(node, OperationDefinitionNode):
                root = self.schema.get_root_type(node.operation)
                if root is not None:
                    found = found.beside(self._selected(node.selection_set, root))
        return found

    def _selected(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> Measured:
        found = Measured()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                found = found.beside(self._field(node, parent))
            elif isinstance(node, FragmentSpreadNode):
                found = found.beside(self._spread(node.name.value, parent))
            else:
                inner = getattr(node, "selection_set")  # noqa: B009  (an inline fragment)
                found = found.beside(self._selected(inner, parent))
        return found

    def _spread(self, name: str, parent: GraphQLNamedType) -> Measured:
        key = (name, parent.name)
        if key not in self._known:
            self._known[key] = None  # a fragment that spreads itself: validation refuses it
            for node in self.document.definitions:
                if isinstance(node, FragmentDefinitionNode) and node.name.value == name:
                    self._known[key] = self._selected(node.selection_set, parent)
        return self._known[key] or Measured()

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> Measured:
        aliases = int(node.alias is not None)
        name = node.name.value
        known = parent.fields.get(name) if isinstance(parent, GraphQLObjectType) else None
        if name.startswith("__") or known is None:
            return Measured(0, aliases, 0)
        own = _own_cost(known)
        if node.selection_set is None:
            return Measured(1, aliases, own)
        inner = self._selected(node.selection_set, get_named_type(known.type))
        cost = own + self._times(node, known) * inner.cost
        return Measured(inner.depth + 1, inner.aliases + aliases, min(cost, COST + 1))

    def _times(self, node: FieldNode, known: GraphQLField) -> int:
        if "first" in known.args:
            return max(1, self._first(node))
        kind = known.type
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        # The lists of a connection are counted once, by its `first`.
        listed = isinstance(kind, GraphQLList)
        return LISTED if listed and node.name.value not in ("edges", "nodes") else 1

    def _first(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value: Any = argument.value
                if isinstance(value, IntValueNode):
                    return min(int(value.value), COST)
                given = isinstance(value, VariableNode) and self.variables.get(value.name.value)
                return given if type(given) is int else MOST
        return DEFAULT


def _own_cost(known: GraphQLField) -> int:
    definition = known.extensions.get("strawberry-definition")
    return int(getattr(definition, "metadata", {}).get("cost", 1))


def _over(found: Measured) -> Iterator[Problem]:
    judged = (
        ("QUERY_TOO_DEEP", "levels", found.depth, DEPTH),
        ("TOO_MANY_ALIASES", "aliases", found.aliases, ALIASES),
        ("QUERY_TOO_COSTLY", "fields, each list counted as often as it may answer",
         found.cost, COST),
    )  # fmt: skip
    for code, what, has, most in judged:
        if has > most:
            many = f"more than {most:,}" if has == COST + 1 else f"{has:,}"
            sentence = f"The query has {many} {what}; the most is {most:,}."
            yield Problem(code, sentence, most=most)


class Limits(ValidationCache):
    """Refuses a query that is too large before any work is done for it; validates the rest."""

    def on_validate(self) -> Iterator[None]:
        """Measure the parsed document with its variables, then validate it, once."""
        asked = self.execution_context
        schema: GraphQLSchema = asked.schema._schema
        assert asked.graphql_document is not None
        measure = Measure(schema, asked.graphql_document, asked.variables or {})
        if refused := list(_over(measure.operations())):
            asked.pre_execution_errors = list(refused)
            yield
        elif asked._provided_operation_name is None and measure.several:
            told = "The document has several operations; `operationName` says which to run."
            asked.pre_execution_errors = [Problem("BAD_REQUEST", told)]
            yield
        else:
            for _ in super().on_validate():
                for error in asked.pre_execution_errors or ():
                    error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
                yield
