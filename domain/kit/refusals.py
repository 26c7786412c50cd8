"""Refusals: an exception named after the rule that was kept, its docstring the sentence."""

from __future__ import annotations

import re


class Refused(Exception):
    """The rules of the utility say no.  The class is named after the rule that was kept."""

    def __init__(self, **details: object) -> None:
        sentence = " ".join((type(self).__doc__ or "").split())
        super().__init__(sentence)
        self.details = details

    @property
    def code(self) -> str:
        """The class name as the world outside spells it: NotRead -> not-read."""
        return code_of(type(self))


class SamePerson(Refused):
    """A second person is needed, other than the one who recorded what this is about."""


class InTheFuture(Refused):
    """That day has not come yet."""


class BeforeItBegan(Refused):
    """That day is before the thing began that this is about."""


def code_of(refusal: type[Refused]) -> str:
    """The same of a class."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", refusal.__name__).lower()
