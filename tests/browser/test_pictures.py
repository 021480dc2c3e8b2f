"""The README's pictures, of every tab. CI skips them.

    DEMYSTIFY_PICTURES=docs/images .venv/bin/python -m pytest tests/browser/test_pictures.py

takes all of them in a quarter of an hour, ``-k denoise`` one. Whoever takes them looks at them before the commit.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

FOLDER = os.environ.get("DEMYSTIFY_PICTURES", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="takes pictures where DEMYSTIFY_PICTURES names a folder")
_VIEW = {"width": 1100, "height": 860}
_SLOW = 180_000
_TALLEST, _WIDE = 1150, 880  # of what is shown, and of the file, in pixels


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture to take.

    Attributes:
        name: of the file, and where it is: space and tab.
        inputs: more of the address.
        steps: what to do, in order: an element to click, "element=text" to fill in, "?element" to wait for, "~box" to
            wait for until something stands in it, "wait" for a while.
        top: where the picture begins; by default at the tabs.
        tab: where the steps begin, if in another tab.
    """

    name: str
    inputs: str = ""
    steps: tuple[str, ...] = ()
    top: str = ".tabs"
    tab: str = ""


SHOTS = (
    Shot("hub-front", steps=("?.agenda .cards a",), top=".masthead"),
    Shot("hub-recorded", steps=("?#recordings li",), top=".masthead"),
    Shot("chat-chat", steps=(
        "#chat-message textarea=What is a language model, in one sentence?", "#chat-send", "?#chat-figures .figures",
    )),
    Shot("chat-completion", "&prompt=The+capital+of+France+is&temperature=0&max_new_tokens=20", (
        "#completion-go", "?table.bars",
    )),
    Shot("chat-sampling", "&part=slide", ("?#sampling-slide-chart table.bars",)),
    Shot("chat-tokens", steps=("?#tokens-panels .chip",)),
    Shot("chat-inside", "&text=The+teacher+taught+the+student+with+the+book.", (
        "#inside-go", "?svg.arcs",
    ), top="figure.attention"),
    Shot("chat-essay", steps=(
        "#essay-topic textarea, #essay-topic input=Why cities need trees", "#essay-plan", "?#essay-go:enabled",
        "#essay-go", "?#essay-again:enabled",
    ), top="#essay-outline"),
    Shot("chat-summary", steps=("#summary-go", "?#summary-result button.claim"), top="#summary-meter"),
    Shot("chat-retrieval", steps=(
        "#retrieval-samples", "?#retrieval-status .figures",
        "#retrieval-question textarea, #retrieval-question input=How many layers does the built-in model have?",
        "#retrieval-ask", "?#retrieval-answers a.citation",
    ), top="#retrieval-question"),
    Shot("chat-actions", "&question=What+is+17.5+%2A+%283+%2B+4%29%3F", (
        "#actions-go", "?#actions-trace [data-step=approval]", "#actions-approve", "?#actions-trace [data-step=answer]",
    ), top="#actions-go"),
    Shot("chat-gallery", steps=("#gallery-go", "?#gallery-view .verdict"), top="#gallery-kind"),
    Shot("translate-translate", "&q=Milujem+semin%C3%A1r+DSA&src=sk&tgt=en", (
        "#translate-back-go", "?#translate-came-back *, #translate-back *",
    )),
    Shot("translate-player", "&q=Milujem+semin%C3%A1r+DSA&src=sk&tgt=en", (
        "#player-go", "?#player-view .player", "#player-view [data-do=next]", "#player-view [data-do=next]",
    ), top="#player-view"),
    Shot("translate-align", steps=("#align-example", "?#align-cross figure.lines svg"), top="#align-cross"),
    Shot("translate-search", steps=("#search-go", "?figure.tree"), top="#search-go"),
    Shot("translate-fails", steps=("#fails-go", "?#fails-view .verdict"), top="#fails-kind"),
    Shot("translate-versus", steps=("#versus-go", "?#versus-view .verdict"), top="#versus-go"),
    Shot("train-scratch", steps=(
        "#scratch-minutes input[type=number]=1", "#scratch-go", "?#scratch-state .meter", "?figure.lines", "wait",
    ), top="#scratch-state"),
    Shot("train-finetune", steps=("?#finetune-examples *",)),
    Shot("train-prefer", steps=("#prefer-write", "~#prefer-a textarea", "~#prefer-b textarea", "wait")),
    Shot("train-lifecycle", steps=("?ol.lifecycle",)),
    Shot("train-scoreboard", steps=(
        "#finetune-minutes input[type=number]=1", "#finetune-go", "?#finetune-state h3:has-text('finished')",
        "#tab-scoreboard-button", "#scoreboard-go", "?#scoreboard-answers .panel", "wait", "wait",
    ), top="#scoreboard-board", tab="finetune"),
    Shot("train-cost", steps=("?#cost-memory *",), top="#cost-parameters"),
    Shot("train-sizes", steps=("?#sizes-drawn svg",)),
    Shot("diffusion-image", "&prompt=red+apple&images=4", (
        "#image-go", "?#image-canvas a[download]",
    ), top="#image-prompt"),
    Shot("diffusion-denoise", "&prompt=red+apple", (
        "#denoise-go", "?#denoise-view .outcome img", *("#denoise-view [data-do=back]",) * 8,
    ), top="#denoise-view"),
    Shot("diffusion-guidance", "&prompt=red+apple", ("#guidance-go", "?#guidance-view .end img"), top="#guidance-view"),
    Shot("diffusion-noise", "&prompt=red+apple", ("#noise-go", "?#noise-view .player"), top="#noise-view"),
    Shot("diffusion-grid", "&prompt=red+apple", (
        "#grid-go", "?#grid-view table.pictures img", "wait",
    ), top="#grid-view"),
    Shot("diffusion-redraw", "&prompt=green+apple", (
        "#redraw-go", "?#redraw-view .player", "wait",
    ), top="#redraw-view"),
    Shot("diffusion-style", steps=(
        "#style-steps input[type=number]=40", "#style-go", "?#style-state h3:has-text('finished')",
        "#style-draw", "?#style-both img",
    ), top="#style-state", tab="teach"),
    Shot("diffusion-map", steps=("?.genmap .land button",)),
)  # fmt: skip


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=_VIEW, locale="en-US", reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
def test_take(window: Page, hub_url: str, shot: Shot) -> None:
    space, tab = shot.name.split("-")
    tab = shot.tab or tab
    address = {"hub-front": "", "hub-recorded": "recorded?lang=en"}.get(shot.name, f"{space}?lang=en&tab={tab}")
    window.goto(f"{hub_url}/{address}{shot.inputs}", wait_until="load")
    begins = ".tabs" if shot.tab else shot.top
    expect(window.locator(begins).filter(visible=True).first).to_be_visible()
    window.wait_for_timeout(2_500)  # what arrives with the page has arrived
    for step in shot.steps:
        _do(window, step)
    window.wait_for_timeout(1_500)
    top = window.locator(shot.top).filter(visible=True).first.evaluate("(e) => e.getBoundingClientRect().top + scrollY")
    whole = Image.open(io.BytesIO(window.screenshot(full_page=True))).convert("RGB")
    begin = max(0, min(int(top) - 8, whole.height - 300))
    shown = whole.crop((0, begin, whole.width, min(whole.height, begin + _TALLEST)))
    small = shown.resize((_WIDE, round(shown.height * _WIDE / shown.width)), Image.Resampling.LANCZOS)
    Path(FOLDER).mkdir(parents=True, exist_ok=True)
    small.save(Path(FOLDER) / f"{shot.name}.webp", "WEBP", quality=68, method=6)


def _do(page: Page, step: str) -> None:
    if step == "wait":
        page.wait_for_timeout(20_000)
    elif step.startswith("?"):
        expect(page.locator(step[1:]).filter(visible=True).first).to_be_visible(timeout=_SLOW)
    elif step.startswith("~"):
        expect(page.locator(step[1:])).not_to_have_value("", timeout=_SLOW)
    elif "=" in step and not step.endswith("]"):
        where, _, value = step.rpartition("=")
        page.locator(where).filter(visible=True).first.fill(value)
        page.keyboard.press("Tab")
        page.wait_for_timeout(500)
    else:
        page.locator(step).filter(visible=True).first.click()
