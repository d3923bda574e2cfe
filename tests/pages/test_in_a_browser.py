"""The pages as a browser shows them: what is seen first, by keyboard, light and dark, and that nothing leaves the origin."""

from __future__ import annotations

import subprocess

import pytest
from playwright.sync_api import Page, expect

from tests.operations.served import CDS, ROOT, Service
from tests.pages.conftest import accessible, seen


def test_the_first_page_says_what_this_is_and_that_it_is_well(page: Page, service: Service) -> None:
    service.post()
    page.goto("/")
    expect(page.get_by_role("heading", name="It is well")).to_be_visible()
    expect(page.get_by_role("row", name="taper-order-sign everyone 1")).to_be_visible()
    accessible(page)
    seen(page, "first")


def test_every_operation_stands_on_a_page_that_loads_nothing(page: Page) -> None:
    page.goto("/docs")
    page.get_by_text("/cds-services/taper-order-sign", exact=True).click()
    expect(page.get_by_text("order-sign-request")).to_be_visible()
    accessible(page)
    seen(page, "docs")


def test_the_keyboard_alone_gets_past_the_navigation(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_the_rule_book_is_searched_as_one_types(page: Page) -> None:
    page.goto("/rules")
    accessible(page)
    seen(page, "rules")
    page.get_by_role("searchbox").press_sequentially("long use")
    page.get_by_role("listitem").filter(has_text="CurrentDoses for long").or_(page.locator(".hits a").first).first.wait_for()
    page.locator(".hits a").first.click()
    expect(page.get_by_role("heading", name="What supports it")).to_be_visible()
    accessible(page)
    seen(page, "rule")


@pytest.fixture(scope="module")
def plan(service: Service, address: str) -> str:
    """The address that a card links to, which an EHR opens in a tab of its own."""
    _, answer = service.post(body=moved_to_today("abrupt-stop-alprazolam"))
    url = str(answer["cards"][0]["links"][0]["url"])
    assert url.startswith(address)
    return url


def moved_to_today(story: str) -> bytes:
    asked = [CDS, "ask", "--print-request", str(ROOT / "fhir_examples" / story)]
    return subprocess.run(asked, check=True, capture_output=True).stdout


def test_the_link_of_a_card_opens_its_plan(page: Page, plan: str) -> None:
    page.goto(plan)
    expect(page.get_by_role("heading", level=1)).to_contain_text("alprazolam 3 mg")
    expect(page.get_by_role("img", name="Dose by date")).to_be_visible()
    page.get_by_text("Change the plan").click()
    accessible(page)
    seen(page, "plan")


def test_another_pace_redraws_the_plan_in_place_and_says_what_changed(page: Page, plan: str) -> None:
    page.goto(plan)
    page.get_by_text("Change the plan").click()
    before = page.locator("path.line.advised").first.get_attribute("d")
    page.locator("#pace-very-slow").check()
    expect(page.locator("#changed")).to_contain_text("as advised")
    assert page.locator("path.line.advised").first.get_attribute("d") != before
    expect(page.locator("#pace-very-slow")).to_be_focused()
    page.locator("#not_borne").fill("x")
    page.keyboard.press("Enter")
    expect(page.locator("#changed .problem")).to_contain_text("expected the number of a step")
    expect(page.locator("#not_borne")).to_have_value("x")


def test_every_control_of_a_plan_is_reached_by_the_keyboard(page: Page, plan: str) -> None:
    page.goto(plan)
    page.locator("#controls summary").focus()
    page.keyboard.press("Enter")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
    assert {"pace", "interval", "basis", "kind", "has", "start", "not_borne", "back", "Draw it"} <= reached


def test_the_sheet_of_the_plan_as_chosen_opens_for_printing(page: Page, plan: str) -> None:
    page.goto(f"{plan}?pace=very-slow")
    page.get_by_role("link", name="Patient's sheet").click()
    expect(page.get_by_role("heading", name="Please read this first")).to_be_visible()
    accessible(page)
    page.emulate_media(media="print")
    seen(page, "sheet")
