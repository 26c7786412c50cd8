"""What import-linter cannot see: which names may cross from the domain into a projection."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import pytest

import projections
from domain.kit import COMMANDS, DECISIONS, EVENTS, KINDS, Refused

ROOMS = [
    importlib.import_module(f"projections.{module.name}")
    for module in pkgutil.iter_modules(projections.__path__)
    if not module.ispkg
]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_projections_know_what_happened_and_not_how_it_was_decided(room: ModuleType) -> None:
    decided = {decision.decide for decision in DECISIONS.values()}
    evolved = {kind.evolve for kind in KINDS.values()}
    for name, thing in vars(room).items():
        assert thing not in (*COMMANDS.values(), *KINDS, *decided, *evolved), name
        assert not (isinstance(thing, type) and issubclass(thing, Refused)), name


def test_the_rule_has_something_to_look_at() -> None:
    assert ROOMS
    assert EVENTS
    assert COMMANDS
    assert KINDS
