"""Recorded runs where there is no model at all: a copy of the project without its models."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from common.ui.i18n import text
from tests.browser.conftest import PHONE, ROOT, desktop_only, expect_accessible, free_port, start_app, visit


@pytest.fixture(scope="module")
def bare_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The hub with the code alone, and the cards of its models."""
    folder = tmp_path_factory.mktemp("bare")
    for name in ("common", "spaces"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", folder)
    for card in (ROOT / "models").glob("*/README.md"):  # what is said about models is here, they themselves are not
        (folder / "models" / card.parent.name).mkdir(parents=True)
        shutil.copy(card, folder / "models" / card.parent.name)
    settings = {"DEMYSTIFY_MODEL": str(folder / "gone.gguf"), "DEMYSTIFY_RUNS_DIR": str(folder / "runs")}
    port = free_port()
    process = start_app(folder / "app.py", port, **settings)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


def _play(page: Page, tab: str) -> Locator:
    page.locator(f'[data-recorded="{tab}"]').filter(visible=True).first.click()
    dialog = page.locator(f'dialog.recorded[data-run="{tab}"]')
    expect(dialog.locator("section").first).to_be_visible()
    return dialog


@desktop_only
def test_without_any_model_the_recorded_runs_play(browser: Browser, bare_url: str, viewport: dict[str, int]) -> None:
    with visit(browser, f"{bare_url}/chat?tab=completion", viewport, "#completion-prompt textarea") as page:
        expect(page.locator("#status .dot.waiting")).to_be_visible()
        way = page.locator(".recorded-way").filter(visible=True)
        expect(way).to_contain_text(text("en", "recorded.trouble"))
        expect(way.locator("b")).to_be_visible()

        dialog = _play(page, "completion")
        expect(dialog.locator(".made")).to_contain_text(re.compile(r"Recorded \d{4}-\d\d-\d\d · SmolLM2 135M Instruct"))
        expect(dialog.locator('[data-do="play"]')).to_have_attribute("aria-label", text("en", "player.pause"))
        expect(dialog.locator(".chip.selected")).not_to_have_attribute("data-from", "1")  # it plays
        dialog.locator('[data-do="first"]').click()
        expect(dialog.locator('[data-do="play"]')).to_have_attribute("aria-label", text("en", "player.play"))
        expect(dialog.locator(".chip.selected")).to_have_text("·Paris")
        expect(dialog.locator("table.bars tr.selected th")).to_have_text("·Paris")
        dialog.locator('[data-do="next"]').click()
        expect(dialog.locator(".chip:not(.later)")).to_have_count(2)
        dialog.locator('input[type="range"]').press("End")
        expect(dialog.locator(".chip.later")).to_have_count(0)
        expect_accessible(page)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()

    with visit(browser, f"{bare_url}/recorded?lang=de", PHONE, "#recordings li", "#recordings li") as page:
        expect(page.locator("h1")).to_have_text(text("de", "recorded.title"))
        expect_accessible(page)
        for tab, seen in (
            ("player", ".heated .chip"),
            ("scratch", "figure.losses circle"),
            ("denoise", ".frame.strip"),
        ):
            dialog = _play(page, tab)
            expect(dialog.locator(".made")).to_contain_text(text("de", "recorded.nothing"))
            expect(dialog.locator(seen).first).to_be_visible()
            dialog.locator("header button").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
