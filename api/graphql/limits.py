"""
What a query may cost, judged before it is validated or run: tokens, depth, aliases, cost.

Cost is static and counts fields: a list counts its fields as often as `first` says, a list
without `first` as if it had five, and what must be calculated says in the schema what it costs.
Introspection is counted alike.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionSetNode,
    TypeMetaFieldDef,
    VariableNode,
    get_named_type,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document

from api.graphql.errors import Problem
from api.graphql.pages import DEFAULT, MOST

TOKENS = 4_000
DEPTH = 16
ALIASES = 50
COST = 50_000
LISTED = 5  # what a list without `first` is taken to hold
CACHED = 4 * 2**20  # bytes of documents that are kept parsed
# What the lists of introspection hold, about: arguments and the rest one or none.
DESCRIBED = {"types": 50, "fields": 8, "inputFields": 2, "enumValues": 2, "directives": 6}
META = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


@dataclass(frozen=True, slots=True)
class QueryCost:
    """How deep a selection goes, how many aliases it gives, what it costs."""

    depth: int = 0
    aliases: int = 0
    cost: int = 0

    def beside(self, other: QueryCost) -> QueryCost:
        """Both, side by side."""
        return QueryCost(
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
    _known: dict[tuple[str, str], QueryCost | None] = field(default_factory=dict)

    @property
    def several(self) -> bool:
        """Whether it has more than one operation."""
        kinds = [isinstance(n, OperationDefinitionNode) for n in self.document.definitions]
        return sum(kinds) > 1

    def operations(self) -> QueryCost:
        """All operations of the document together: it is small, and one of them is run."""
        found = QueryCost()
        for node in self.document.definitions:
            if isinstance(node, OperationDefinitionNode):
                root = self.schema.get_root_type(node.operation)
                if root is not None:
                    found = found.beside(self._selected(node.selection_set, root))
        return found

    def _selected(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> QueryCost:
        found = QueryCost()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                found = found.beside(self._field(node, parent))
            elif isinstance(node, FragmentSpreadNode):
                found = found.beside(self._spread(node.name.value, parent))
            else:
                inner = getattr(node, "selection_set")  # noqa: B009  (an inline fragment)
                found = found.beside(self._selected(inner, parent))
        return found

    def _spread(self, name: str, parent: GraphQLNamedType) -> QueryCost:
        key = (name, parent.name)
        if key not in self._known:
            self._known[key] = None  # a fragment that spreads itself: validation refuses it
            for node in self.document.definitions:
                if isinstance(node, FragmentDefinitionNode) and node.name.value == name:
                    self._known[key] = self._selected(node.selection_set, parent)
        return self._known[key] or QueryCost()

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> QueryCost:
        aliases = int(node.alias is not None)
        name = node.name.value
        known = parent.fields.get(name) if isinstance(parent, GraphQLObjectType) else None
        known = known or META.get(name)
        if known is None:
            return QueryCost(0, aliases, 0)
        own = _own_cost(known)
        if node.selection_set is None:
            return QueryCost(1, aliases, own)
        inner = self._selected(node.selection_set, get_named_type(known.type))
        cost = own + self._times(node, known) * inner.cost
        return QueryCost(inner.depth + 1, inner.aliases + aliases, min(cost, COST + 1))

    def _times(self, node: FieldNode, known: GraphQLField) -> int:
        if "first" in known.args:
            return max(1, self._first(node))
        kind = known.type
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        if not isinstance(kind, GraphQLList):
            return 1
        if get_named_type(kind).name.startswith("__"):
            return DESCRIBED.get(node.name.value, 1)
        # The lists of a connection are counted once, by its `first`.
        return LISTED if node.name.value not in ("edges", "nodes") else 1

    def _first(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                value: Any = argument.value
                if isinstance(value, IntValueNode):
                    return min(int(value.value), COST)
                given = isinstance(value, VariableNode) and self.variables.get(value.name.value)
                return given if type(given) is int else MOST
        return DEFAULT


def _own_cost(known: GraphQLField) -> int:
    definition = known.extensions.get("strawberry-definition")
    return int(getattr(definition, "metadata", {}).get("cost", 1))


def _over(found: QueryCost) -> Iterator[Problem]:
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


class Documents:
    """Documents, parsed and validated: the last asked for, bounded by their bytes."""

    def __init__(self, most: int = CACHED) -> None:
        self.most, self.bytes = most, 0
        self._known: OrderedDict[str, tuple[DocumentNode, list[GraphQLError] | None]] = (
            OrderedDict()
        )
        self._turn = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, source: str) -> tuple[DocumentNode, list[GraphQLError] | None] | None:
        """What is known of a document; its errors are None until it was validated."""
        with self._turn:
            if source in self._known:
                self._known.move_to_end(source)
            return self._known.get(source)

    def keep(
        self, source: str, document: DocumentNode, errors: list[GraphQLError] | None
    ) -> None:
        """Remember it, and forget those that were not asked for the longest."""
        with self._turn:
            if self._known.pop(source, None) is None:
                self.bytes += len(source.encode())
            self._known[source] = (document, errors)
            while self.bytes > self.most:
                oldest, _ = self._known.popitem(last=False)
                self.bytes -= len(oldest.encode())


class Limits(SchemaExtension):
    """Refuses a query that is too large before any work is done for it; validates the rest."""

    def __init__(self, documents: Documents) -> None:
        super().__init__()
        self.documents = documents

    def on_parse(self) -> Iterator[None]:
        """Parse it, or take it as it was parsed before."""
        asked = self.execution_context
        source = asked.query or ""
        known = self.documents.get(source)
        if known is not None:
            asked.graphql_document = known[0]
        yield
        if known is None and asked.graphql_document is not None:
            self.documents.keep(source, asked.graphql_document, None)

    def on_validate(self) -> Iterator[None]:
        """Measure the parsed document with its variables, then validate it, once."""
        asked = self.execution_context
        schema: GraphQLSchema = asked.schema._schema
        assert asked.graphql_document is not None
        measure = Measure(schema, asked.graphql_document, asked.variables or {})
        if refused := list(_over(measure.operations())):
            asked.pre_execution_errors = list(refused)
        elif asked._provided_operation_name is None and measure.several:
            told = "The document has several operations; `operationName` says which to run."
            asked.pre_execution_errors = [Problem("BAD_REQUEST", told)]
        else:
            asked.pre_execution_errors = self._validated(schema, asked.graphql_document)
        yield

    def _validated(self, schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
        asked = self.execution_context
        source = asked.query or ""
        known = self.documents.get(source)
        if known is None or (errors := known[1]) is None:
            errors = list(validate_document(schema, document, asked.validation_rules))
            for error in errors:
                error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
            self.documents.keep(source, document, errors)
        return errors
