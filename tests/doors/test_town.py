"""The town of the tests stands: what other tests take for granted is told here once."""

from __future__ import annotations

from pathlib import Path

from tests.town import town


def test_a_home_is_read_billed_and_paid(database_url: str, tmp_path: Path) -> None:
    with town(database_url, tmp_path) as harbour:
        account = harbour.story()
        harbour.settle()
        bills = harbour.bills(account)
        assert [bill.issued for bill in bills] == [9765, 9608, 9765]
        assert [bill.outstanding for bill in bills] == [0, 0, 4765]
        harbour.fast(account)
        for bill in bills:
            harbour.correct(account, bill.bill)
        harbour.settle()
        assert [bill.corrected for bill in harbour.bills(account)] == [-461, -461, -461]
