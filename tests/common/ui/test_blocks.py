"""Pages of an app whose application is made at launch alone."""

from __future__ import annotations

import gradio as gr
import httpx
import pytest
from gradio.routes import App

from common.ui.blocks import Pages


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[gr.Blocks]:
    """The Blocks that became applications, in order; the applications are real."""
    of: list[gr.Blocks] = []
    create = App.create_app

    def create_and_note(blocks: gr.Blocks, *arguments: object, **options: object) -> object:
        of.append(blocks)
        return create(blocks, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(App, "create_app", create_and_note)
    return of


def test_an_app_of_three_pages_is_made_once_and_serves_them_all(made: list[gr.Blocks]) -> None:
    with Pages() as demo:
        gr.Markdown("first page")
    for name in ("second", "third"):
        with Pages() as part:
            box = gr.Textbox(name)
            box.change(lambda value: value, box, box, api_name=f"echo_{name}")
        with demo.route(name, f"/{name}"):
            part.render()
    demo.queue(max_size=3)
    assert made == []
    try:
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
        assert made == [demo]
        assert httpx.get(f"{url}gradio_api/info").json()["named_endpoints"].keys() == {"/echo_second", "/echo_third"}
        for page in ("", "second", "third"):
            config = httpx.get(f"{url}config", params={"page": page} if page else None)
            assert httpx.get(f"{url}{page}").status_code == config.status_code == 200
    finally:
        demo.close()


def test_an_error_inside_reaches_the_caller() -> None:
    with pytest.raises(KeyError), Pages():
        raise KeyError("inside")


def test_the_description_of_a_page_is_whole_when_it_is_laid_out() -> None:
    with Pages(title="whole") as demo:
        gr.Markdown("text")
    description = demo.get_config_file()
    assert description["title"] == "whole"
    assert [component["props"]["value"] for component in description["components"]] == ["text"]
