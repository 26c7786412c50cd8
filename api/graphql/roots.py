"""What can be asked at the top: things by number, lists, and what is written by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, get_type_hints

import strawberry

from api.graphql.models import SELF, Model, add_field
from api.graphql.pages import Connection
from api.graphql.scalars import Position
from api.graphql.view import Info, View

Resolver: TypeAlias = Callable[..., Any]
INFO = inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info)
NUMBER = Annotated[strawberry.ID, strawberry.argument(description="The number.")]


@strawberry.type(description="All that can be asked, at one moment and on one business day.")
class Snapshot:
    view: strawberry.Private[View]

    @strawberry.field(
        description="The position of history that is answered from: give it as `knownAt` to see"
        " the same again."
    )
    def position(self) -> Position:
        return Position(self.view.position)


@dataclass(frozen=True, slots=True)
class Root:
    """A root written by hand: a function of the view and its arguments."""

    answer: Resolver
    cost: int


ROOTS: list[Root] = []


def root(cost: int = 1) -> Callable[[Resolver], Resolver]:
    """Declare a root; its docstring describes it, its annotations are its types."""

    def declare(answer: Resolver) -> Resolver:
        ROOTS.append(Root(answer, cost))
        return answer

    return declare


def seen(self: object, info: Info) -> View:
    """The view of `at`, or of now."""
    return self.view if isinstance(self, Snapshot) else info.context.now


def add_roots(to: Any, models: list[Model]) -> None:
    """Give a type every root."""
    for model in models:
        if len(model.projection.key) == 1:
            _add_one(to, model)
        _add_many(to, model)
    for each in ROOTS:
        _add_by_hand(to, each)


def _add_one(to: Any, model: Model) -> None:
    def resolve(self: object, *, info: Info, number: str) -> Any:
        return model.one(seen(self, info), number)

    told = f"{model.type.__strawberry_definition__.description} By its number; null if none is."
    arguments = {"number": (NUMBER, inspect.Parameter.empty)}
    name = model.name[0].lower() + model.name[1:]
    kind = model.type | None
    add_field(to, name, told, kind, resolve, arguments, before=(SELF, INFO))


def _add_many(to: Any, model: Model) -> None:
    def resolve(self: object, *, info: Info, **given: Any) -> Any:
        return model.many(seen(self, info), given)

    told = f"All there are, in pages: {model.type.__strawberry_definition__.description}"
    kind = Connection[model.type]  # type: ignore[name-defined]
    name = model.projection.name
    add_field(to, name, told, kind, resolve, model.arguments, before=(SELF, INFO))


def _add_by_hand(to: Any, each: Root) -> None:
    hints = get_type_hints(each.answer, include_extras=True)
    asked = list(inspect.signature(each.answer).parameters.values())[1:]
    arguments = {one.name: (hints[one.name], one.default) for one in asked}

    def resolve(self: object, *, info: Info, **given: Any) -> Any:
        return each.answer(seen(self, info), **given)

    told = " ".join((each.answer.__doc__ or "").split())
    name, kind = each.answer.__name__, hints["return"]
    before = (SELF, INFO)
    add_field(to, name, told, kind, resolve, arguments, before=before, cost=each.cost)
