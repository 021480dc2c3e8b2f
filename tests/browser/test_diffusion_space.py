"""The diffusion space as a visitor meets it: drawing, saving, giving settings back, playing the steps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from common.diffusion import metadata
from common.ui.i18n import text
from tests.browser.conftest import PHONE, desktop_only, expect_accessible, open_tab


@desktop_only
def test_a_picture_is_drawn_saved_and_gives_its_settings_back(diffusion_page: Page, tmp_path: Path) -> None:
    page = diffusion_page
    expect(page.locator("#image-note")).to_contain_text("MB of memory", timeout=60_000)
    page.fill("#image-prompt textarea", "fox")
    page.fill("#image-seed input", "11")
    page.click("#image-go")
    save = page.locator("#image-canvas a[download]")
    expect(save).to_have_attribute("download", "11.png", timeout=60_000)
    expect(page.locator("#image-gallery img").first).to_be_visible()
    with page.expect_download() as download:
        save.click()
    path = tmp_path / "saved.png"
    download.value.save_as(path)
    assert metadata.read(path)[0].prompt == "fox"
    page.fill("#image-prompt textarea", "something else")
    page.fill("#image-seed input", "1")
    page.locator("#image-restore-part button").first.click()
    page.set_input_files("#image-restore input[type=file]", str(path))
    expect(page.locator("#image-prompt textarea")).to_have_value("fox")
    expect(page.locator("#image-seed input")).to_have_value("11")


@desktop_only
def test_the_model_of_few_steps_is_chosen_and_draws(diffusion_page: Page, tmp_path: Path) -> None:
    page = diffusion_page
    page.click("#image-model input")
    page.get_by_role("option", name="Emoji diffusion with LCM-LoRA").click()
    expect(page.locator("#image-steps input[type=number]")).to_have_value("4")
    expect(page.locator("#image-guidance input[type=number]")).to_have_value("1")
    page.fill("#image-prompt textarea", "sunflower")
    page.fill("#image-seed input", "11")
    page.click("#image-go")
    save = page.locator("#image-canvas a[download]")
    expect(save).to_have_attribute("download", "11.png", timeout=60_000)
    expect(page.locator("#image-note")).to_contain_text("MB of memory")  # it was loaded for this picture
    with page.expect_download() as download:
        save.click()
    path = tmp_path / "saved.png"
    download.value.save_as(path)
    request, model = metadata.read(path)
    assert (request.steps, request.guidance_scale, model) == (4, 1.0, "emoji-diffusion-lcm")


@desktop_only
def test_bad_input_is_one_sentence(diffusion_page: Page, tmp_path: Path) -> None:
    page = diffusion_page
    page.fill("#image-prompt textarea", "")
    page.click("#image-go")
    expect(page.get_by_text(text("en", "error.empty_prompt"))).to_be_visible()
    page.fill("#image-prompt textarea", "word " * 900)
    expect(page.locator("#image-note")).to_contain_text("it does not read", timeout=60_000)
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    page.locator("#image-restore-part button").first.click()
    page.set_input_files("#image-restore input[type=file]", str(tmp_path / "plain.png"))
    expect(page.get_by_text("No settings can be read from this picture")).to_be_visible()


@desktop_only
def test_the_steps_are_played_and_scrubbed(diffusion_page: Page) -> None:
    page = diffusion_page
    open_tab(page, "denoise")
    page.click("#denoise-go")
    expect(page.locator("#denoise-view .outcome img")).to_be_visible(timeout=60_000)
    player = page.locator("#denoise-view")
    expect(player.locator(".says p:visible")).to_contain_text("Step 20 of 20")
    shared = "[...document.scripts].filter((one) => one.textContent.includes('\\nwindow.playback =')).length"
    assert page.evaluate(shared) == 1, "the players of a page share one script"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/queue/" in request.url else None)
    frame = player.locator(".clean .frame")
    place = frame.evaluate("(part) => part.style.backgroundPositionX")
    player.locator("input[type=range]").fill("5")
    expect(player.locator(".says p:visible")).to_contain_text("Step 5 of 20")
    assert frame.evaluate("(part) => part.style.backgroundPositionX") != place
    player.locator("[data-do=first]").click()
    player.locator("[data-do=play]").click()
    expect(player.locator(".says p:visible")).to_contain_text(re.compile(r"Step ([4-9]|1\d|20) of 20"))
    assert asked == [], "showing another step asked the server"
    with page.expect_download() as download:
        page.click("#denoise-gif")
    assert download.value.suggested_filename == "denoising.gif"
    expect_accessible(page)


def _choose(page: Page, files: list[Path]) -> None:
    with page.expect_file_chooser() as chooser:
        page.click("#style-upload")
    chooser.value.set_files(files)


@desktop_only
def test_a_style_is_learned_from_own_pictures(diffusion_page: Page, tmp_path: Path) -> None:
    page = diffusion_page
    open_tab(page, "teach")
    files = [tmp_path / f"{colour}_square.png" for colour in ("red", "green", "blue", "black", "yellow")]
    for path in files:
        Image.new("RGB", (64, 64), path.stem.split("_")[0]).save(path)
    _choose(page, files[:3])
    expect(page.get_by_text("A style is learned from 5 to 20 pictures, and these are 3")).to_be_visible()
    _choose(page, files)
    expect(page.locator("#style-captions textarea")).to_have_value(re.compile("red square\ngreen square"))
    expect(page.locator("#style-examples img")).to_have_count(5)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # from here on as on a phone: it takes minutes
    page.locator("#style-steps input[type=number]").fill("20")
    page.click("#style-go")
    expect(page.locator("#style-state h3")).to_contain_text("finished", timeout=180_000)
    expect(page.locator("#style-samples img")).to_have_count(5)
    page.click("#style-again")
    expect(page.locator("#style-both img")).to_have_count(2, timeout=60_000)
    page.click("#style-download")
    expect(page.locator("#style-file a").first).to_have_attribute("download", "my-own-1.safetensors", timeout=30_000)
    expect_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("lang", ["it"])
def test_a_link_opens_with_its_inputs_in_any_language(browser: Browser, diffusion_url: str, lang: str) -> None:
    context = browser.new_context(viewport=PHONE, locale="en-US")
    page = context.new_page()
    page.goto(f"{diffusion_url}?lang={lang}&tab=image&prompt=green+book&seed=77&steps=9", wait_until="load")
    expect(page.locator("#image-prompt textarea")).to_have_value("green book", timeout=30_000)
    expect(page.locator("#image-seed input")).to_have_value("77")
    expect(page.locator("#image-go")).to_have_text(text(lang, "image.go"))
    expect(page.locator("h1")).to_have_text(text(lang, "diffusion.title"))
    context.close()
