"""What is counted, in the text format that Prometheus reads (exposition format 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from threading import Lock

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NAME = "wattledger_http_request"


class Requests:
    """How many requests of each route were answered with what, and how long that took."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._buckets: defaultdict[str, list[int]] = defaultdict(
            lambda: [0] * (len(BUCKETS) + 1)
        )
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """One more."""
        with self._lock:
            self._answers[route, status] += 1
            self._buckets[route][bisect_left(BUCKETS, seconds)] += 1
            self._seconds[route] += seconds

    def lines(self) -> Iterator[str]:
        """All of it, as text."""
        with self._lock:
            answers = dict(self._answers)
            buckets = {route: list(counts) for route, counts in self._buckets.items()}
            seconds = dict(self._seconds)
        yield f"# HELP {NAME}s_total Requests answered, by route and status."
        yield f"# TYPE {NAME}s_total counter"
        for (route, status), count in sorted(answers.items()):
            yield f'{NAME}s_total{{route="{route}",status="{status}"}} {count}'
        yield f"# HELP {NAME}_seconds How long it took to answer."
        yield f"# TYPE {NAME}_seconds histogram"
        for route, counts in sorted(buckets.items()):
            total = 0
            for bound, count in zip((*BUCKETS, "+Inf"), counts, strict=True):
                total += count
                yield f'{NAME}_seconds_bucket{{route="{route}",le="{bound}"}} {total}'
            yield f'{NAME}_seconds_sum{{route="{route}"}} {seconds[route]:.6f}'
            yield f'{NAME}_seconds_count{{route="{route}"}} {total}'


def gauge(name: str, text: str, value: float) -> Iterator[str]:
    """One number that goes up and down."""
    yield f"# HELP wattledger_{name} {text}"
    yield f"# TYPE wattledger_{name} gauge"
    yield f"wattledger_{name} {value}"
