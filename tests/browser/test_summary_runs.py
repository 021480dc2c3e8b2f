"""A visitor's own model in the Summary tab: trained in the train space, switched on by its owner, by nobody else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, Page, expect

from common.ui.i18n import text
from tests.browser.conftest import (
    DESKTOP,
    PHONE,
    ROOT,
    expect_accessible,
    free_port,
    open_tab,
    start_app,
    tiny_places,
    visit,
)

_SLOW = 180_000
_TAKE_A_WRITER = ("choose_writer", "refresh_writers", "run_handler", "compare_handler", "meter_handler")
NAME = "Talks <b>of owls"
PROMPT = "Summarize this conversation in one or two sentences."


@pytest.fixture(scope="module")
def small_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The hub, with a tiny model in place of the embedded one's weights for everything that is trained."""
    port = free_port()
    process = start_app(ROOT / "app.py", port, **tiny_places(tmp_path_factory.mktemp("small-hub")))
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


def _train(page: Page, folder: Path) -> None:
    rows = [
        {"dialogue": f"Anna: I saw {n} owls.\nBen: Where?\nAnna: On the roof.", "summary": f"{n} owls."}
        for n in range(12)
    ]
    file = folder / "talks.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    open_tab(page, "finetune")
    page.locator("#finetune-own button").first.click()
    with page.expect_file_chooser() as chooser:
        page.click("#finetune-upload")
    chooser.value.set_files(file)
    expect(page.locator("#finetune-count")).to_contain_text("12")
    page.fill("#finetune-minutes input[type=number]", "1")
    page.keyboard.press("Tab")
    page.fill("#finetune-name textarea, #finetune-name input", NAME)
    page.click("#finetune-go")
    expect(page.locator("#finetune-state")).to_contain_text(text("en", "scratch.state_finished"), timeout=_SLOW)


def test_the_owner_lets_it_summarize_and_nobody_else_does(browser: Browser, small_hub: str, tmp_path: Path) -> None:
    with visit(browser, f"{small_hub}/train", DESKTOP, "#scratch-corpus .figures") as page:
        _train(page, tmp_path)
        expect_accessible(page)
        page.locator("#finetune-state a").filter(has_text=text("en", "finetune.use_in_summary")).click()
        page.wait_for_url("**/chat?tab=summary&writer=*")
        run_id = page.url.split("writer=")[1][:12]
        switch, about = page.locator("#summary-writer"), page.locator("#summary-writer-about")
        expect(switch.locator(f"input[value='{run_id}']")).to_be_checked()
        expect(switch).to_contain_text(text("en", "summary.writer_run", name=NAME))
        expect(about).to_contain_text(PROMPT)
        expect(page.locator("#summary-writer-way")).to_be_empty()
        posted: list[str] = []
        page.on("request", lambda request: posted.append(request.post_data or "") if "queue" in request.url else None)
        page.locator("#language label").filter(has_text="DE").click()
        expect(switch).to_contain_text(text("de", "summary.writer_run", name=NAME))
        expect(about).to_contain_text(PROMPT)
        page.locator("#language label").filter(has_text="EN").click()
        expect(switch.locator(f"input[value='{run_id}']")).to_be_checked()
        expect_accessible(page)

        page.fill("#summary-source textarea", "Anna: I saw 3 owls.\nBen: Where?\nAnna: On the roof.")
        page.fill("#summary-words input[type=number]", "10")
        page.click("#summary-go")
        status = page.locator("#summary-status")
        expect(status).to_contain_text(NAME, timeout=_SLOW)
        page.click("#summary-true > button")
        read = page.locator("#summary-prompts pre")
        expect(read).to_contain_text(f"{PROMPT}\n\nAnna: I saw 3 owls.", timeout=_SLOW)
        expect(page.locator("#summary-go")).to_be_enabled()
        page.click("#summary-link")
        expect(page).to_have_url(re.compile(f"writer={run_id}"))

        _strangers(browser, small_hub, run_id)
        session, owner = next(sent for sent in map(_sender, posted) if sent)
        _by_hand(page, small_hub, run_id, session, owner)

        page.goto(f"{small_hub}/train", wait_until="load")
        open_tab(page, "finetune")
        expect(page.locator("#finetune-state")).to_contain_text(NAME)
        page.click("#finetune-delete")
        expect(page.locator("#finetune-state")).to_contain_text(text("en", "scratch.no_run"))
        page.goto(f"{small_hub}/chat?tab=summary&writer={run_id}", wait_until="load")
        expect(about).to_have_text(text("en", "error.no_run_of_link"))
        expect(switch.locator("input[value=base]")).to_be_checked()
        expect_accessible(page)
        page.goto(f"{small_hub}/chat?run={run_id}&lang=de", wait_until="load")
        expect(page.locator(".toast-body")).to_contain_text(text("de", "error.no_run_of_link"))


def _sender(posted: str) -> tuple[str, str] | None:
    """The session and the visitor's token in what a page has sent, if they are in it."""
    session, owner = re.search(r'"session_hash":"(\w+)"', posted), re.search(r'"([0-9a-f]{32})"', posted)
    return (session[1], owner[1]) if session and owner else None


def _strangers(browser: Browser, hub: str, run_id: str) -> None:
    """Another visitor, by the address."""
    with visit(browser, f"{hub}/chat?tab=summary&writer={run_id}", PHONE, "#summary-go") as phone:
        expect(phone.locator("#summary-writer-about")).to_have_text(text("en", "error.no_run_of_link"))
        expect(phone.locator("#summary-writer input")).to_have_count(2)
        expect(phone.locator("#summary-writer input[value=base]")).to_be_checked()
        expect(phone.locator("#summary-writer-way a")).to_be_visible()
        expect_accessible(phone)


def _by_hand(page: Page, hub: str, run_id: str, session: str, owner: str) -> None:
    """Calls of every function that takes a writer: with the owner's token one answers, with another none does.

    They come from the owner's own session, since gradio lets no other one choose what its switch does not offer.
    """
    config = page.evaluate("window.gradio_config")
    kept = {part["id"] for part in config["components"] if part["props"].get("storage_key") == "demystify-visitor"}
    switch = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "summary-writer")
    values = {part["id"]: part["props"].get("value") for part in config["components"]}

    def ask(function: dict[str, Any], token: str, writer: str) -> APIResponse:
        told = {**values, switch: writer, **dict.fromkeys(kept, token)}
        body = {
            "fn_index": function["id"],
            "data": [told.get(place) for place in function["inputs"]],
            "session_hash": session,
        }
        return page.request.post(f"{hub}/gradio_api/run/predict", data=body)

    functions = [one for one in config["dependencies"] if {switch, *kept} <= set(one["inputs"])]
    taken = [one for one in functions if one["api_name"].startswith(_TAKE_A_WRITER)]
    assert len(taken) == len(_TAKE_A_WRITER)
    choose = next(one for one in taken if one["api_name"].startswith("choose_writer"))
    for one in taken:
        assert PROMPT not in ask(choose, owner, "base").text()  # the switch offers the run again
        assert PROMPT in ask(choose, owner, run_id).text()
        answer = ask(one, "b" * 32, run_id)
        assert "owls" not in answer.text() and PROMPT not in answer.text(), one["api_name"]
        refused = text("en", "error.no_such_run") in answer.text()
        assert refused or "meter" in one["api_name"], (one["api_name"], answer.text())
