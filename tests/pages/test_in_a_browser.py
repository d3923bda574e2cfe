"""The pages as a browser shows them: what is seen first, by keyboard, light and dark, and that nothing leaves the origin."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.operations.served import Service
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
    page.get_by_role("listitem").filter(has_text="Taken for long").or_(page.locator(".hits a").first).first.wait_for()
    page.locator(".hits a").first.click()
    expect(page.get_by_role("heading", name="What supports it")).to_be_visible()
    accessible(page)
    seen(page, "rule")
