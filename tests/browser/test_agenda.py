"""The whole agenda, step by step as the presenter goes through it, and the tours: on both viewports, in four languages.

Every step is opened once. Languages and viewports take turns, so that each of the eight pairs sees its share of the
talk; what is seen on a page in one language is drawn by the same code in the others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from common.config import LANGUAGES
from common.ui.i18n import text
from common.ui.stage import Step, steps
from common.ui.tour import tours
from tests.browser.conftest import DESKTOP, KEY, PHONE, expect_accessible

PAIRS = list(itertools.product((DESKTOP, PHONE), LANGUAGES))


@pytest.fixture(scope="module")
def walker(browser: Browser, hub_url: str) -> Iterator[Page]:
    """The presenter's window, one for the whole walk: what it has fetched once, it has for every page."""
    context = browser.new_context(viewport=DESKTOP, locale="en-US")
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{hub_url}/?presenter={KEY}", wait_until="load")  # only the presenter opens the questions
    yield page
    context.close()


def test_the_whole_agenda(walker: Page, hub_url: str) -> None:
    errors: list[str] = []
    walker.on("pageerror", lambda error: errors.append(str(error)))
    # Of the questions the first: what comes before a demo is one page, whose workings test_hub.py tries.
    walk = [(place, step) for place, step in enumerate(steps()) if not step.guess or place == 0]
    for (place, step), (viewport, lang) in zip(walk, itertools.cycle(PAIRS), strict=False):
        walker.set_viewport_size(viewport)  # type: ignore[arg-type]  # two whole numbers
        walker.goto(f"{hub_url}/{step.address(lang, place)}", wait_until="load")
        bar = walker.locator(".stage")
        expect(bar).to_contain_text(step.title(lang))
        expect(walker.locator("html")).to_have_attribute("lang", lang)
        if step.guess:
            expect(walker.locator("#poll-view h2")).to_have_text(text(lang, f"ask.{step.item.id}"))
        else:
            _expect_demo(walker, step, lang)
        width = walker.evaluate("document.documentElement.scrollWidth")
        assert width <= viewport["width"], (step.item.id, lang, width)
        assert not errors, (step.item.id, lang, errors)
    last = walker.locator('.stage a[rel="next"]')
    expect(last).to_have_text(text(lang, "presenter.title"))


def _expect_demo(page: Page, step: Step, lang: str) -> None:
    """The item's space, tab and inputs, in the language, and nothing in the address that cannot be used."""
    space, tab = step.item.place
    expect(page.locator("h1")).to_have_text(text(lang, f"{space}.title"))
    expect(page.locator(f"#tab-{tab}-button").filter(visible=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".idea").filter(visible=True).first).to_contain_text(text(lang, f"{tab}.idea"))
    for value in step.item.inputs.values():
        if " " in value:  # what somebody typed; numbers and choices are the concern of test_links.py
            boxes = page.locator("textarea").filter(visible=True)
            expect(boxes.first).to_be_visible()
            assert value in [box.input_value() for box in boxes.all()]
    expect(page.locator(".notice")).to_have_count(0)


@pytest.mark.parametrize(
    ("space", "size", "lang"),
    [(space, viewport, lang) for space, (viewport, lang) in zip(tours(), (PAIRS[0], *PAIRS[5:]), strict=True)],
    ids=list(tours()),
)
def test_the_tour_leads_through_a_space(
    walker: Page, hub_url: str, space: str, size: dict[str, int], lang: str
) -> None:
    page, stops = walker, tours()[space]
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(f"{hub_url}/{space}?lang={lang}", wait_until="load")
    expect(page.locator("html")).to_have_attribute("lang", lang)
    page.locator(".tour-start").click()
    for place, stop in enumerate(stops, 1):
        expect(page.locator(".tour .caption")).to_have_text(text(lang, f"guided.{space}_{stop.tab}"))
        expect(page.locator(f"#{stop.at}.tour-target")).to_be_in_viewport()
        assert f"tour={place}" in page.url
        if place == 2:
            expect_accessible(page)
            page.keyboard.press("ArrowLeft")
            expect(page.locator(f"#{stops[0].at}.tour-target")).to_be_visible()
            page.keyboard.press("ArrowRight")
            expect(page.locator(f"#{stop.at}.tour-target")).to_be_visible()
        if place < len(stops):
            page.locator('.tour [data-go="next"]').click()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    expect(page.locator('.tour [data-go="next"]')).to_have_text(text(lang, "guided.done"))
    page.keyboard.press("Escape")
    expect(page.locator(".tour")).to_be_hidden()
    assert "tour=" not in page.url


def test_a_link_opens_the_tour_at_its_stop(walker: Page, hub_url: str, viewport: dict[str, int]) -> None:
    """And every tab of the space is in view: on a phone, too, none is hidden in a menu."""
    stop = tours()["chat"][3]
    walker.set_viewport_size(viewport)  # type: ignore[arg-type]
    walker.goto(f"{hub_url}/chat?lang=en&tour=4", wait_until="load")
    expect(walker.locator(".tour .caption")).to_have_text(text("en", f"guided.chat_{stop.tab}"))
    expect(walker.locator(f"#{stop.at}.tour-target")).to_be_in_viewport()
    tabs = walker.locator('[id^="tab-"][id$="-button"]').filter(visible=True)
    assert tabs.count() >= 10
    for tab in tabs.all():
        box = tab.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= viewport["width"]
