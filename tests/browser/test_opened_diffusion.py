"""The tabs that open the diffusion model, as a visitor meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from common.ui.i18n import text
from tests.browser.conftest import PHONE, desktop_only, open_tab


@desktop_only
def test_guidance_is_opened_step_by_step(diffusion_page: Page) -> None:
    page = diffusion_page
    open_tab(page, "guidance")
    page.fill("#guidance-prompt textarea", "fox with glasses")
    page.click("#guidance-go")
    view = page.locator("#guidance-view")
    expect(view.locator(".end img")).to_have_count(5, timeout=120_000)
    expect(view.locator(".says p:visible")).to_contain_text("Step 1 of 20")
    frames = view.locator(".frame")
    assert frames.count() == 4 + 5 + 3  # the predictions, the scales, the words
    place = frames.last.evaluate("(part) => part.style.backgroundPositionX")
    view.locator("[data-do=last]").click()
    expect(view.locator(".says p:visible")).to_contain_text("Step 20 of 20")
    assert frames.last.evaluate("(part) => part.style.backgroundPositionX") != place
    _no_serious_fault(page)


@desktop_only
def test_an_own_picture_is_noised_and_comes_back(diffusion_page: Page, tmp_path: Path) -> None:
    page = diffusion_page
    open_tab(page, "noise")
    Image.new("CMYK", (300, 200), (0, 200, 200, 0)).save(tmp_path / "mine.jpg")
    before = page.locator("#noise-picture img").get_attribute("src")
    _upload(page, "#noise-upload", tmp_path / "mine.jpg")
    expect(page.locator("#noise-picture img")).not_to_have_attribute("src", before or "")
    page.click("#noise-go")
    view = page.locator("#noise-view")
    expect(view.locator(".schedule")).to_have_count(2, timeout=120_000)
    expect(view.locator(".says p:visible")).to_contain_text("In, timestep 49")
    view.locator("[data-do=last]").click()
    expect(view.locator(".says p:visible")).to_contain_text("Back, timestep 49")
    _no_serious_fault(page)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    _upload(page, "#noise-upload", tmp_path / "broken.png")
    expect(page.get_by_text("This picture cannot be used")).to_be_visible()


@desktop_only
def test_a_grid_is_drawn_and_saved(diffusion_page: Page) -> None:
    page = diffusion_page
    open_tab(page, "grid")
    page.fill("#grid-across-values textarea", "1 4")
    page.locator("#grid-down input").click()
    page.get_by_role("option", name=text("en", "grid.knob_word")).click()
    expect(page.locator("#grid-down-values textarea")).to_have_value("apple, heart, circle")
    page.click("#grid-go")
    expect(page.locator("#grid-view img")).to_have_count(6, timeout=120_000)
    middles = """(of) => [...document.querySelectorAll(of)].map((one) => {
      const {x, width} = one.getBoundingClientRect();
      return x + width / 2;
    })"""
    heads, pictures = (
        page.evaluate(middles, f"#grid-view {of}") for of in ("th[scope=col]", "tbody tr:first-child img")
    )
    assert heads == pytest.approx(pictures, abs=4)  # each value stands above its pictures
    with page.expect_download() as download:
        page.click("#grid-save")
    assert download.value.suggested_filename == "two-knobs.png"
    _no_serious_fault(page)


@desktop_only
def test_a_part_is_painted_and_drawn_anew(diffusion_page: Page) -> None:
    page = diffusion_page
    open_tab(page, "redraw")
    box = page.locator("#redraw-picture canvas").bounding_box()
    assert box is not None
    with page.expect_response("**/gradio_api/run/**"):  # the stroke is sent
        page.mouse.move(box["x"] + 40, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 200, box["y"] + 70, steps=4)
        page.mouse.up()
    page.locator("#language label").filter(has_text="DE").click()
    expect(page.locator("[data-mask-do=top]")).to_have_text(text("de", "redraw.mask_top"))
    painted = "(canvas) => [...canvas.getContext('2d').getImageData(64, 32, 1, 1).data]"
    expect(page.locator("#redraw-picture .painted")).not_to_have_attribute("data-mask", "")
    page.wait_for_function(f"({painted})(document.querySelector('#redraw-picture canvas'))[3] > 0")
    page.click("#redraw-go")
    view = page.locator("#redraw-view")
    expect(view.locator("figure.clean img")).to_be_visible(timeout=120_000)
    expect(view.locator(".opened > .strips img")).to_have_count(3)
    _no_serious_fault(page)


@desktop_only
def test_the_map_explains_what_is_clicked_and_leads_there(diffusion_page: Page) -> None:
    page = diffusion_page
    open_tab(page, "map")
    view = page.locator("#map-view")
    view.get_by_role("button", name=text("en", "map.task_image_to_image")).click()
    expect(view.locator("article h3")).to_have_text(text("en", "map.task_image_to_image"))
    expect(page.locator("#map-task input")).to_have_value(text("en", "map.task_image_to_image"))
    _no_serious_fault(page)
    view.locator("article a").click()
    expect(page.locator("#redraw-go")).to_be_visible()


@pytest.mark.parametrize("viewport", [PHONE], ids=["phone"], indirect=True)
def test_on_a_phone_every_opened_tab_is_used_to_its_result(diffusion_page: Page, tmp_path: Path) -> None:
    """How wide the page is, is checked at the end of every visit; here with all tabs full."""
    page = diffusion_page

    def draw(name: str, full: str, button: str = "go") -> Locator:
        page.locator(f"#{name}-{button}").click()
        shown = page.locator(f"#{name}-view").locator(full)
        expect(shown.first).to_be_visible(timeout=120_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        return shown

    open_tab(page, "guidance")
    page.fill("#guidance-prompt textarea", "fox " * 90)
    expect(page.locator("#guidance-cut")).to_contain_text("it does not read “fox", timeout=60_000)
    page.fill("#guidance-prompt textarea", "fox")
    expect(page.locator("#guidance-cut")).to_be_hidden()
    draw("guidance", ".end img")
    page.locator("#guidance-view [data-do=last]").click()
    expect(page.locator("#guidance-view .says p:visible")).to_contain_text("Step 20 of 20")

    open_tab(page, "noise")
    Image.new("RGB", (300, 200), "teal").save(tmp_path / "mine.png")
    before = page.locator("#noise-picture img").get_attribute("src")
    _upload(page, "#noise-upload", tmp_path / "mine.png")
    expect(page.locator("#noise-picture img")).not_to_have_attribute("src", before or "")
    draw("noise", ".schedule")

    open_tab(page, "grid")
    page.fill("#grid-across-values textarea", "1 4")
    expect(draw("grid", "img")).to_have_count(6, timeout=120_000)
    expect(draw("grid", "img", "again")).to_have_count(6, timeout=120_000)
    expect(page.locator("#grid-down-values textarea")).to_have_value("10 11 12")

    open_tab(page, "redraw")
    with page.expect_response("**/gradio_api/run/**"):  # the mask is sent
        page.locator("[data-mask-do=top]").click()
    expect(draw("redraw", "figure.clean img")).to_have_count(1)
    page.locator("#redraw-on").click()
    expect(page.locator("#redraw-which input")).to_have_value(text("en", "picture.mine"))

    open_tab(page, "map")
    view = page.locator("#map-view")
    view.get_by_role("button", name=text("en", "map.task_depth")).click()
    expect(view.locator("article h3")).to_have_text(text("en", "map.task_depth"))


def _no_serious_fault(page: Page) -> None:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [
        (fault["id"], [node["html"][:160] for node in fault["nodes"]][:3])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]
    assert not serious


def _upload(page: Page, button: str, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.click(button)
    chooser.value.set_files(str(path))
