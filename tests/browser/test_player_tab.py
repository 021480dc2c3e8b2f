"""The Step player in a real browser: play, pause, scrub, look through one head, force a token and go back."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import SLOW, desktop_only, expect_accessible, open_tab, phone_only


def _play(page: Page) -> Locator:
    """Play the seminar's sentence, and pause."""
    open_tab(page, "player")
    page.click("#player-go")
    player = page.locator("#player-view .player")
    expect(player).to_be_visible(timeout=SLOW)
    expect(player.locator(".controls .playing")).to_be_visible()
    player.locator('[data-do="play"]').click()
    expect(player.locator(".controls .playing")).to_have_count(0)
    return player


def _scrub(player: Locator, step: int) -> None:
    player.locator('input[type="range"]').evaluate(
        "(box, step) => { box.value = step; box.dispatchEvent(new Event('input', {bubbles: true})); }", step
    )


def _steps(player: Locator) -> int:
    return int(player.locator('input[type="range"]').get_attribute("max") or 0)


@desktop_only
def test_from_the_encoder_to_the_last_token(translate_page: Page) -> None:
    player = _play(translate_page)
    steps = _steps(player)
    assert steps >= 2
    player.locator('[data-do="first"]').click()
    expect(player.locator(".says p").filter(visible=True)).to_contain_text("Before the first step")
    expect(player.locator(".dec li:not(.later)")).to_have_count(1)
    expect(player.locator(".links path")).to_have_count(0)
    # A coloured cell in every vector: the strips are drawn, not only laid out.
    drawn = """(strip) => {
      const cells = strip.getContext('2d').getImageData(0, 0, strip.width, 1).data;
      return cells.some((value) => value > 0) && strip.getBoundingClientRect().width > 30;
    }"""
    assert all(strip.evaluate(drawn) for strip in player.locator(".enc canvas").all())

    player.locator('[data-do="next"]').click()
    expect(player.locator(".dec li:not(.later)")).to_have_count(2)
    assert player.locator(".links path").count() >= 1
    expect(player.locator(".choices table").filter(visible=True)).to_have_count(1)
    expect(player.locator(".choices caption").filter(visible=True)).to_contain_text("Step 1")
    # Lines begin at the token being written: the height of its middle is that of the line's first point.
    level = """(svg) => {
      const token = svg.closest('.player').querySelector('.dec li.now').getBoundingClientRect();
      const [, , y] = svg.querySelector('path').getAttribute('d').match(/M([\\d.]+) ([\\d.]+)C/);
      return Math.abs(svg.getBoundingClientRect().top + Number(y) - (token.top + token.height / 2));
    }"""
    assert player.locator(".links svg").evaluate(level) < 2

    player.locator('[data-do="last"]').click()
    expect(player.locator(".dec li.later")).to_have_count(0)
    expect(player.locator(".result")).to_be_visible()
    _scrub(player, 2)
    expect(player.locator(".result")).to_be_hidden()
    expect_accessible(translate_page)
    expect(player.locator(".timeline .now")).to_have_attribute("data-step", "2")
    player.locator('input[type="range"]').press("ArrowLeft")
    expect(player.locator(".choices caption").filter(visible=True)).to_contain_text("Step 1")


@desktop_only
def test_it_plays_by_itself_and_stops_at_the_end(translate_page: Page) -> None:
    player = _play(translate_page)
    player.locator("[data-speed]").select_option("4")
    _scrub(player, _steps(player) - 1)
    player.locator('[data-do="play"]').click()
    expect(player.locator(".result")).to_be_visible()
    expect(player.locator(".controls .playing")).to_have_count(0)


@desktop_only
def test_one_head_looks_elsewhere_than_the_mean(translate_page: Page) -> None:
    player = _play(translate_page)
    _scrub(player, 1)
    lines = "(svg) => [...svg.querySelectorAll('path')].map((line) => line.getAttribute('stroke-width')).join()"
    svg = player.locator(".links svg")
    mean = svg.evaluate(lines)
    player.locator('[data-pick="head"]').select_option("2")
    assert svg.evaluate(lines) != mean
    translate_page.wait_for_timeout(500)
    translate_page.click("#player-link")
    expect(translate_page).to_have_url(re.compile(r"tab=player&head=2$"))


@phone_only
def test_another_token_is_forced_and_taken_back(translate_page: Page) -> None:
    player = _play(translate_page)
    _scrub(player, 1)
    own = player.locator(".dec li.now .chip").text_content()
    other = player.locator(".choices section:not([hidden]) tbody button").nth(1)
    name = other.text_content()
    other.click()
    expect(player.locator(".dec li.forced .chip")).to_have_text(name or "")
    _scrub(player, 1)
    expect(player.locator(".says p").filter(visible=True)).to_contain_text(f"you forced “{name}”")
    player.locator('[data-do="last"]').click()
    expect(player.locator(".result p")).to_have_count(2)
    translate_page.click("#player-link")
    expect(translate_page).to_have_url(re.compile(r"force=1%3D"))

    _scrub(player, 1)
    player.locator("[data-release]").filter(visible=True).click()
    expect(player.locator(".dec li.forced")).to_have_count(0)
    _scrub(player, 1)
    expect(player.locator(".dec li.now .chip")).to_have_text(own or "")


@desktop_only
def test_what_cannot_be_played_gets_a_sentence(translate_page: Page) -> None:
    open_tab(translate_page, "player")
    toasts = translate_page.locator(".toast-body")
    for typed, said in (("🎉🎉", "knows no sign"), ("dom " * 100, "at most 64"), ("", "type something first")):
        translate_page.fill("#player-sentence textarea, #player-sentence input", typed)
        translate_page.click("#player-go")
        expect(toasts.filter(has_text=said)).to_be_visible(timeout=SLOW)


def test_a_link_brings_everything_back_and_motion_can_be_declined(browser: Browser, translate_url: str) -> None:
    context = browser.new_context(locale="it-IT", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{translate_url}/?tab=player&q=dom+%3Cb%3E&src=sk&tgt=en&head=3&force=2%3D%3C%2Fs%3E", wait_until="load")
    expect(page.locator("#player-sentence textarea, #player-sentence input")).to_have_value("dom <b>", timeout=30_000)
    page.click("#player-go")
    player = page.locator("#player-view .player")
    expect(player).to_be_visible(timeout=SLOW)
    expect(player.locator('input[type="range"]')).to_have_attribute("max", "2")
    expect(player.locator('[data-pick="head"]')).to_have_value("3")
    page.wait_for_timeout(1800)  # longer than a step takes when it plays
    expect(player.locator('input[type="range"]')).to_have_value("0")
    expect(player.locator(".says p").filter(visible=True)).to_contain_text("Prima del primo passo")
    page.locator("#language label").filter(has_text="DE").click()
    expect(player.locator(".says p").filter(visible=True)).to_contain_text("Vor dem ersten Schritt")
    page.click("#player-link")
    expect(page).to_have_url(re.compile(r"head=3&force=2%3D%3C%2Fs%3E"))
    # Forced tokens belong to their sentence.
    page.locator("#player-sentence textarea, #player-sentence input").press_sequentially(" dom")
    page.wait_for_timeout(500)
    page.click("#player-link")
    expect(page).to_have_url(re.compile(r"q=dom\+%3Cb%3E\+dom&head=3$"))
    context.close()
