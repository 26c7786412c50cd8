"""Pages over HTTP: who may see them, what stands there, and what can never stand there."""

from __future__ import annotations

import csv
import re
from io import StringIO
from pathlib import Path

import pytest

from api.console.pages import MENU, PAGES
from api.console.taking_back import COMMAND
from api.console.templating import FOLDER
from domain.catalogue import COMMANDS, EVENTS
from tests.console.conftest import MARKUP, Browser
from tests.door import ACCOUNT, BILLS
from tests.served import Door

THINGS = {
    "/customers/{number}": "C000120",
    "/accounts/{number}": ACCOUNT,
    "/bills/{number}": BILLS[0],
    "/bills/{number}/why": BILLS[0],
    "/bills/{number}/now": BILLS[0],
    "/points/{number}": "P000120",
    "/meters/{number}": "M000120",
    "/tariffs/{number}": "FLAT",
    "/corrections/{fact}": "meter-M000120@2",
    "/facts/{reference}": "meter-M000120@2",
    "/timeline/{node}": "WyJBY2NvdW50IixbIjAwMDEyMCJdXQ",
}


def place_of(path: str) -> str | None:
    """The address of a page; None where the town has no such thing."""
    if "{" not in path:
        return path
    return re.sub(r"\{\w+\}", THINGS[path], path) if path in THINGS else None


PLACES = [place for page in PAGES if (place := place_of(page.path))]


@pytest.mark.parametrize("place", PLACES)
def test_a_page_is_shown_with_its_twin(browser: Browser, place: str) -> None:
    client = browser()
    told = client.get(place)
    assert told.status_code == 200, told.text
    assert told.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in told.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|style=", told.text)
    twin = client.get(f"{'/today' if place == '/' else place}.json")
    assert twin.status_code == 200
    assert twin.json()["position"] > 0


def test_every_page_has_a_thing_in_the_town_or_says_why_not() -> None:
    without = {page.path for page in PAGES if place_of(page.path) is None}
    assert without == {"/payments/{number}"}  # nobody has paid there yet


def test_what_stands_in_the_menu_is_a_page(browser: Browser) -> None:
    client = browser()
    for _, path in (entry for entries in MENU.values() for entry in entries):
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("place", ["/", "/accounts/000120", "/forms", "/forms/read-meter"])
def test_who_is_not_signed_in_is_led_there_and_back(door: Door, place: str) -> None:
    told = door.client.get(place)
    assert told.status_code == 303
    assert told.headers["location"].startswith("/sign-in?next=%2F")


def test_a_token_that_is_not_ours_does_not_sign_in(door: Door) -> None:
    told = door.client.post("/sign-in", data={"token": "made.up.token"})
    assert told.status_code == 401
    assert "the token is not one of ours" in told.text
    assert "set-cookie" not in told.headers


def test_the_way_back_leads_to_no_other_site(door: Door) -> None:
    for wanted in ("//evil.example", "https://evil.example", "/\\evil.example"):
        told = door.client.post(
            "/sign-in", params={"next": wanted}, data={"token": door.token()}
        )
        assert told.headers["location"] == "/"
        door.client.cookies.clear()


def test_who_only_follows_the_feed_is_told_so(browser: Browser) -> None:
    told = browser("integrator").get("/accounts/000120")
    assert told.status_code == 403
    assert "may not query" in told.text


def test_what_is_not_there_is_not_found(browser: Browser) -> None:
    client = browser()
    for place in ("/accounts/nobody", "/bills/none", "/facts/meter-M9@1", "/forms/dance"):
        assert client.get(place).status_code in (404, 400), place


def test_what_somebody_wrote_is_text(browser: Browser) -> None:
    for place in ("/customers", "/customers/C-MARKUP", "/search?text=script"):
        text = browser().get(place).text
        assert MARKUP not in text
        assert "&lt;script&gt;alert(" in text


def test_the_past_is_shown_and_marked(browser: Browser) -> None:
    client = browser()
    first = client.get("/accounts/000120", params={"as_of": "2026-01-15"}).text
    assert "The past, as of 15 Jan 2026" in first
    assert "000120-2026-02" not in first
    assert 'href="/customers/C000120?as_of=2026-01-15"' in first
    assert "000120-2026-02" in client.get("/accounts/000120").text
    wrong = client.get("/accounts/000120", params={"as_of": "yesterday"})
    assert wrong.status_code == 400
    assert "is not a day" in wrong.text


def test_a_list_is_narrowed_turned_paged_and_taken_along(browser: Browser) -> None:
    client = browser()
    told = client.get("/bills", params={"account": ACCOUNT, "issued_from": "2026-02-15"})
    assert "000120-2026-02" in told.text
    assert "000120-2026-01" not in told.text
    rows = client.get("/bills.csv", params={"account": ACCOUNT}).text
    read = list(csv.DictReader(StringIO(rows)))
    assert [row["number"] for row in read] == list(BILLS)
    assert (
        read[0]["total"]
        == client.get(f"/bills/{BILLS[0]}.json").json()["bill"]["total"]["amount"]
    )
    turned = client.get("/bills.json", params={"account": ACCOUNT, "order": "last"}).json()
    assert [row["number"] for row in turned["bills"]["nodes"]] == list(BILLS[::-1])


def test_a_name_that_begins_like_a_formula_is_text_in_a_spreadsheet() -> None:
    from api.console.tables import csv_of

    told = csv_of([{"name": "=1+1", "total": {"amount": "-12.50", "currency": "GBP"}}])
    assert told == "name,total,total.currency\r\n'=1+1,-12.50,GBP\r\n"


def test_each_template_is_shown_by_a_page_or_another_template() -> None:
    shown = {page.template for page in PAGES} | {
        "form.html", "forms.html", "sign-in.html", "wrong.html", "layout.html",
    }  # fmt: skip
    text = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.html"))
    for path in FOLDER.glob("*.html"):
        assert path.name in shown or f'"{path.name}"' in text, path.name


def test_what_takes_a_fact_back_is_a_command_and_the_fact_an_event() -> None:
    assert set(COMMAND) <= set(EVENTS)
    assert set(COMMAND.values()) <= set(COMMANDS)


def test_the_files_of_others_are_what_their_makers_gave() -> None:
    from hashlib import sha256

    folder = FOLDER.parent / "static"
    for line in (folder / "SHA256SUMS").read_text("ascii").splitlines():
        digest, name = line.split()
        assert sha256(Path(folder, name).read_bytes()).hexdigest() == digest


def test_graphiql_is_signed_in_by_the_session_and_no_other_site_is(browser: Browser) -> None:
    client = browser()
    asked = {"query": "{ utility { name } }"}
    same = client.post("/graphql", json=asked, headers={"sec-fetch-site": "same-origin"})
    assert same.json() == {"data": {"utility": {"name": "Harbour Light"}}}
    for site in ("cross-site", "same-site", "none"):
        told = client.post("/graphql", json=asked, headers={"sec-fetch-site": site})
        assert told.status_code == 401
