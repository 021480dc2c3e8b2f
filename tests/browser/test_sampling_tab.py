"""The Sampling lab, clicked through on a desktop and on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, FloatRect, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, SLOW, desktop_only, expect_accessible, open_tab


def _open(page: Page, part: str) -> None:
    open_tab(page, "sampling")
    page.click(f"#tab-sampling-{part}-button")


def _set(page: Page, slider: str, value: str) -> None:
    box = page.locator(f"#{slider} input[type=number]")
    box.fill(value)
    box.press("Tab")


def _width(page: Page, word: str) -> float:
    """Length of a bar on the slide's chart, in percent of the full one."""
    row = page.locator("#sampling-slide-chart tr").filter(has_text=word)
    found = re.search(r"width:\s*([\d.]+)%", row.locator("td.bar > div").get_attribute("style") or "")
    assert found
    return float(found[1])


def _overlap(one: FloatRect, other: FloatRect) -> bool:
    beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
    below = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
    return not beside and not below


def _no_serious_fault(page: Page) -> None:
    expect_accessible(page)


@desktop_only
def test_the_slider_moves_the_slides_distribution(page: Page) -> None:
    _open(page, "slide")
    chart, verdict = page.locator("#sampling-slide-chart"), page.locator("#sampling-slide-verdict")
    expect(chart.locator("caption")).to_contain_text("T = 1.0")
    expect(verdict).to_contain_text("No.")
    expect(verdict).to_contain_text("at most 2.39 times")
    expect(verdict).to_contain_text("at least 15 times")
    cake, apple = _width(page, "cake"), _width(page, "apple")
    assert (cake, apple) == (40, 0.1)

    _set(page, "sampling-slide-temperature", "3")
    expect(chart.locator("caption")).to_contain_text("T = 3.0")
    assert _width(page, "cake") < cake
    assert _width(page, "apple") > apple
    expect(page.locator("#sampling-slide-working")).to_contain_text("T = 3.0")

    page.locator("#sampling-slide-others label").filter(has_text="10,000").click()
    expect(chart).to_contain_text("10,000\u00a0others")
    _no_serious_fault(page)


@desktop_only
def test_columns_of_ones_own(page: Page) -> None:
    _open(page, "slide")
    page.get_by_role("button", name="Two columns of your own").click()
    page.get_by_role("textbox", name="Words").fill("<b>x</b> y")
    verdict = page.locator("#sampling-slide-verdict")
    expect(verdict).to_contain_text("as many as there are numbers")
    page.get_by_label("Cool column: probabilities").fill("0.64 0.32")
    page.get_by_label("Warm column: probabilities").fill("0.50 0.35")
    expect(verdict).to_contain_text("Yes, when the warm temperature is 1.9")
    expect(page.locator("#sampling-slide-chart th").first).to_have_text("<b>x</b>")


@desktop_only
def test_the_live_models_steps(page: Page) -> None:
    _open(page, "live")
    page.fill("#sampling-live-prompt textarea", "My favourite food is")
    page.click("#sampling-live-go")
    cards = page.locator("#sampling-live-stages .sampling-step")
    expect(cards).to_have_count(5, timeout=SLOW)
    expect(cards.nth(2)).to_contain_text(
        re.compile(r"Cuts off 49,132 tokens with \d+% of the probability; 20 are left")
    )
    expect(cards.nth(4).locator("tr.cut").first).to_be_visible()
    before = cards.nth(1).locator("td.value").all_inner_texts()

    for screen in (PHONE, DESKTOP):
        page.set_viewport_size(screen)  # type: ignore[arg-type]  # two whole numbers
        boxes = [card.bounding_box() for card in cards.all()]
        for place, one in enumerate(boxes):
            assert one and all(other and not _overlap(one, other) for other in boxes[place + 1 :])

    _set(page, "sampling-live-top_k", "5")
    expect(cards.nth(2)).to_contain_text("Cuts off 49,147 tokens")
    expect(cards.nth(2).locator("tr.cut")).to_have_count(5)
    _set(page, "sampling-live-temperature", "1.6")
    expect(cards.nth(1).locator("h4")).to_have_text("Temperature 1.60")
    assert cards.nth(1).locator("td.value").all_inner_texts() != before

    page.click("#sampling-live-draw")
    draws = page.locator("#sampling-live-draws")
    expect(draws).to_contain_text("100 draws, seed")
    counts = [int(cell.split()[0]) for cell in draws.locator("td.value").all_inner_texts()]
    assert sum(counts) == 100
    _no_serious_fault(page)

    _set(page, "sampling-live-min_p", "0")  # the draws were made with other settings
    expect(draws.locator("table")).to_have_count(0)
    expect(cards).to_have_count(4)

    page.locator("#language label").filter(has_text="DE").click()
    expect(cards.nth(1).locator("h4")).to_have_text("Temperatur 1,60")


@desktop_only
def test_a_small_sweep(page: Page) -> None:
    _open(page, "sweep")
    page.fill("#sampling-sweep-temperatures textarea, #sampling-sweep-temperatures input", "0.2 1.3")
    _set(page, "sampling-sweep-seeds", "2")
    _set(page, "sampling-sweep-length", "16")
    page.click("#sampling-sweep-go")
    found = page.locator("#sampling-sweep-found")
    expect(found.locator("table.work tbody tr")).to_have_count(4, timeout=SLOW)
    expect(found).to_contain_text("6 / 6")
    expect(found.locator("article")).to_have_count(6)
    assert all(len(words) > 10 for words in found.locator("article p").all_inner_texts())
    for row in found.locator("table.work tbody tr").all():
        for cell in row.locator("td").all_inner_texts():
            assert cell == "–" or 0 <= float(cell) <= 1
    expect(found.locator("figure.lines svg[role=img]")).to_be_visible()
    _no_serious_fault(page)


@desktop_only
def test_stop_keeps_what_has_come(page: Page) -> None:
    _open(page, "sweep")
    _set(page, "sampling-sweep-length", "200")
    page.click("#sampling-sweep-go")
    found = page.locator("#sampling-sweep-found")
    expect(found).to_contain_text("tokens per second, at most", timeout=SLOW)
    page.click("#sampling-sweep-stop")
    expect(found.locator("table.work")).to_be_visible(timeout=SLOW)
    expect(found.locator("article").filter(has_text="stopped").first).to_be_visible()
    assert any(len(words) > 3 for words in found.locator("article p").all_inner_texts())


@desktop_only
def test_bad_input_gets_a_sentence(page: Page) -> None:
    _open(page, "sweep")
    for temperatures in ("hot", "0.2 5"):
        page.fill("#sampling-sweep-temperatures textarea, #sampling-sweep-temperatures input", temperatures)
        page.click("#sampling-sweep-go")
        said = page.locator(".toast-body").filter(has_text="1 to 6 numbers from 0 to 2")
        expect(said).to_be_visible()
        said.locator("button").click()
        expect(said).to_have_count(0)
    page.click("#tab-sampling-live-button")
    page.fill("#sampling-live-prompt textarea", "  ")
    page.click("#sampling-live-go")
    expect(page.locator(".toast-body").filter(has_text="type something first")).to_be_visible()


def test_a_link_opens_the_part_with_its_inputs(browser: Browser, app_url: str) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(f"{app_url}/?tab=sampling&part=slide&temperature=2.5&others=100&cool=0.6+0.3&warm=0.5+0.25&words=a+b")
    expect(page.locator("#sampling-slide-chart caption")).to_contain_text("T = 2.5", timeout=30_000)
    expect(page.locator("#sampling-slide-chart")).to_contain_text("100\u00a0others")
    expect(page.locator("#sampling-slide-verdict")).to_contain_text("Yes")

    page.goto(f"{app_url}/?tab=sampling&part=sweep&prompt=Hello&temperatures=0.3+0.9&seeds=2")
    expect(page.locator("#sampling-sweep-prompt textarea")).to_have_value("Hello", timeout=30_000)
    expect(page.locator("#sampling-sweep-seeds input[type=number]")).to_have_value("2")
    page.click("#sampling-sweep-link")
    expect(page).to_have_url(re.compile(r"tab=sampling&part=sweep&prompt=Hello&temperatures=0.3\+0.9&seeds=2"))
    context.close()
