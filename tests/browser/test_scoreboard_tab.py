"""The Scoreboard as a visitor meets it: a run joins it, every model answers, and both stopping and the end are said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from common.ui.i18n import text
from tests.browser.conftest import PHONE, desktop_only, expect_accessible, open_tab
from tests.browser.languages import left_in_english, switch

_SLOW = 300_000
_EXAMPLES, _HELD_OUT = 20, 2  # few: each of three models answers every one that is held out


def _train(page: Page, file: Path) -> None:
    """A short run on few examples; with a tiny model it takes seconds."""
    rows = [
        {"instruction": f"How many owls are {n} owls?", "response": f"{n} owls & no <b>more"} for n in range(_EXAMPLES)
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    open_tab(page, "finetune")
    page.locator("#finetune-own button").first.click()
    with page.expect_file_chooser() as chooser:
        page.click("#finetune-upload")
    chooser.value.set_files(file)
    expect(page.locator("#finetune-count")).to_contain_text(str(_EXAMPLES))
    page.fill("#finetune-minutes input[type=number]", "1")
    page.keyboard.press("Tab")
    page.fill("#finetune-name textarea, #finetune-name input", "Owls")
    page.click("#finetune-go")
    expect(page.locator("#finetune-state")).to_contain_text(text("en", "scratch.state_finished"), timeout=_SLOW)


@pytest.mark.timeout(600)
@desktop_only
def test_a_run_joins_the_board_and_every_model_answers(train_page: Page, tmp_path: Path) -> None:
    page = train_page
    _train(page, tmp_path / "owls.jsonl")
    open_tab(page, "scoreboard")
    rows = page.locator("#scoreboard-table tbody tr:not(.group)")
    status, answers = page.locator("#scoreboard-status"), page.locator("#scoreboard-answers")
    expect(rows.filter(has_text="Owls (LoRA)")).to_contain_text("%")
    expect(rows.filter(has_text=text("en", "scoreboard.base")).first).to_contain_text(re.compile(r"\d\.\d{3}"))

    page.click("#scoreboard-go")
    expect(status).to_contain_text(re.compile("The models|First the loss|Model 1 of 3"))
    page.click("#scoreboard-stop")
    expect(status).to_have_text(text("en", "scoreboard.stopped"), timeout=_SLOW)

    page.click("#scoreboard-go")
    expect(status).to_have_text(text("en", "scoreboard.measured"), timeout=_SLOW)
    expect(rows).to_have_count(3)
    for row in rows.all_inner_texts():  # loss, perplexity and three ROUGE figures of every model
        assert re.search(r"\d\.\d{3}\s+[\d,]+\.\d", row) and re.search(r"[\d.]+ · [\d.]+ · [\d.]+", row), row
    asked = answers.locator("details")
    expect(asked).to_have_count(_HELD_OUT)
    expect(asked.first.locator(".panel")).to_have_count(4)  # the one wanted, and one of each model
    expect(asked.first.locator(".panel p").first).to_have_text(re.compile(r"^\d+ owls & no <b>more$"))
    expect_accessible(page)

    page.set_viewport_size(PHONE)
    expect(asked.first.locator(".panel").last).to_be_visible()
    expect_accessible(page)
    for lang in ("de", "fr", "it"):
        switch(page, lang)
        expect(rows.filter(has_text=text(lang, "scoreboard.base")).first).to_be_visible()
        expect(answers).to_contain_text(text(lang, "scoreboard.wanted"))
        assert not left_in_english(page, "scoreboard", lang)
