"""A process that appends what it is told on standard input, to be killed at any moment."""

from __future__ import annotations

import sys
from concurrent.futures import Future

from replay.store.append import Appended
from replay.store.history import History
from tests.counters import counting


def main(database_url: str) -> None:
    """A key a line; answers `key position` when it is durable."""
    with History(database_url) as history:
        for line in sys.stdin:
            key = line.strip()

            def acknowledge(done: Future[Appended], key: str = key) -> None:
                sys.stdout.write(f"{key} {done.result().facts[0].position}\n")
                sys.stdout.flush()

            append = counting(key, 0, 1, 2, cause=key, idempotency=key, digest=b"d")
            history.submit(append).add_done_callback(acknowledge)


if __name__ == "__main__":
    main(sys.argv[1])
