"""The utility's day reaches a decision through the door."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from api.dispatch import Dispatch, RequestContext
from api.local_day import LocalDay
from domain.organisation.utility import EstablishUtility
from replay.store.history import History
from replay.store.migrations import migrate
from tests.kit.toys import NotYet, WindToy


def test_today_is_the_day_where_the_utility_is(database_url: str) -> None:
    migrate(database_url)
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    anna = RequestContext("anna", "clerk")
    with History(database_url) as history:
        today = LocalDay(history, lambda: late)
        assert today.cached() is None  # the zone was not read yet
        dispatch = Dispatch(history, {}, today, today.cached)
        tomorrow = WindToy(toy="A", on=date(2026, 3, 2))
        with pytest.raises(NotYet):
            dispatch(tomorrow, anna)
        shanghai = EstablishUtility(name="Pudong", currency="CNY", zone="Asia/Shanghai")
        dispatch(shanghai, anna)
        assert today.cached() == date(2026, 3, 2)
        assert dispatch(tomorrow, anna).positions
