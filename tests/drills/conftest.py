"""What a drill measured, printed even when it passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Tell = Callable[[str, str], None]
"""A drill and what it measured."""


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    def told(drill: str, said: str) -> None:
        with capsys.disabled():
            print(f"\n{drill}: {said}")  # noqa: T201

    return told
