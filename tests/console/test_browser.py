"""
The console in a real browser: the story of a late fact, by keyboard, without a fault of access.

Chromium is found on the path or where Debian puts it; where there is none the tests say so and
are skipped.  Pictures are kept in the folder that WATTLEDGER_PICTURES names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.console.test_pages import PLACES
from tests.door import BILLS
from tests.served import Door

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    # Playwright's event loop lets a socket go without closing it when it ends.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PICTURES = os.environ.get("WATTLEDGER_PICTURES")
LAPTOP = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, door: Door) -> Iterator[Page]:
    """A laptop's window, signed in by a person; what the browser complains of is a failure."""
    yield from window(chromium, door, LAPTOP)


def window(chromium: Browser, door: Door, size: dict[str, int]) -> Iterator[Page]:
    context = chromium.new_context(viewport=size, base_url=door.url)  # type: ignore[arg-type]
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto("/sign-in")
    page.get_by_label("Token").fill(door.token("admin", "clara"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{door.url}/")
    yield page
    context.close()
    assert wrong == []


def picture(page: Page, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def test_the_story_of_a_late_fact_is_told_by_keyboard(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("quay 120")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="P000120").click()
    page.get_by_role("link", name="000120", exact=True).first.click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Account 000120")
    page.get_by_role("link", name=BILLS[0]).first.click()
    page.get_by_role("link", name="Why is it that amount?").click()
    page.locator("#aside pre").first.wait_for()
    assert "FLAT@1 charges[standing].price" in page.locator("#aside").inner_text()
    page.get_by_role("link", name="What would it be now?").click()
    page.locator("#aside").get_by_text("would be").wait_for()
    picture(page, "bill")
    page.get_by_role("link", name="Correct it").click()
    page.get_by_label("On", exact=True).fill("2026-04-10")
    page.get_by_label("Why, in your words").fill("the meter ran fast")
    page.keyboard.press("Enter")
    page.get_by_text("Recorded at position").wait_for()
    page.get_by_role("heading", name="Correction").wait_for()
    assert "Because of" in page.locator("section.note").inner_text()
    picture(page, "corrected")
    page.get_by_role("link", name="Timeline").click()
    page.get_by_role("link", name="just before").first.click()
    assert "The past" in page.locator(".moment").inner_text()


def test_the_slider_shows_the_account_as_it_was_known(page: Page) -> None:
    page.goto("/accounts/000120")
    now = page.locator(".facts .main dd").inner_text()
    slider = page.get_by_label("As it was known after each movement")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_url("**known_at=*")
    assert page.locator(".facts .main dd").inner_text() != now
    page.get_by_role("link", name="Back to now").click()
    assert page.locator(".facts .main dd").inner_text() == now


def test_what_was_typed_is_offered_again_after_the_page_was_lost(page: Page) -> None:
    page.goto("/forms/energise-point")
    page.get_by_label("Address", exact=True).fill("9 Kept Lane")
    page.goto("/")
    page.goto("/forms/energise-point")
    assert page.get_by_label("Address", exact=True).input_value() == "9 Kept Lane"
    page.get_by_label("Point", exact=True).fill("P-KEPT")
    page.get_by_label("On", exact=True).fill("2026-01-01")
    page.get_by_role("button", name="Energise point").click()
    page.get_by_text("Recorded at position").wait_for()
    page.goto("/forms/energise-point")
    assert page.get_by_label("Address", exact=True).input_value() == ""


@pytest.mark.parametrize("place", [*PLACES, "/forms", "/forms/install-meter"])
def test_axe_finds_nothing_on_a_page(page: Page, place: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.goto(place)
    found = Axe().run(page).response["violations"]
    told = [(each["id"], [node["target"] for node in each["nodes"]]) for each in found]
    assert told == []


@pytest.mark.parametrize("place", ["/", "/accounts/000120", "/bills", f"/bills/{BILLS[0]}"])
def test_a_page_fits_a_phone(chromium: Browser, door: Door, place: str) -> None:
    for page in window(chromium, door, PHONE):
        page.goto(place)
        wide = page.evaluate("document.documentElement.scrollWidth")
        picture(page, f"phone{place.replace('/', '-')}")
        assert wide <= PHONE["width"]


def test_a_bill_is_printed_on_a4(page: Page, tmp_path: Path) -> None:
    page.goto(f"/bills/{BILLS[1]}")
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    if PICTURES:
        Path(PICTURES, "bill.pdf").write_bytes(printed)
    else:
        (tmp_path / "bill.pdf").write_bytes(printed)
