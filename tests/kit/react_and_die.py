"""Policies that answer until they are killed."""

from __future__ import annotations

import sys
from threading import Event

from replay.policies.runner import Runner
from replay.store.history import History
from tests.kit.toys import TOYS, giving


def main(database_url: str) -> None:
    """Says a line when it begins."""
    with History(database_url) as history:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        Runner(history, giving(history), database_url, TOYS).run(Event())


if __name__ == "__main__":
    main(sys.argv[1])
