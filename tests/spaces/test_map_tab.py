"""The map of generative AI: every task of the slides once, each explained in every language, with a way to go."""

from __future__ import annotations

import re
import sys
from html import unescape
from pathlib import Path

import gradio as gr
import pytest

from common import errors
from common.config import LANGUAGES
from common.ui.i18n import text

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "diffusion"))

from map_drawing import FIELDS, TASKS, map_html
from map_tab import choose, show

SPACES = Path(__file__).resolve().parents[2] / "spaces"


def test_the_tasks_of_the_slides_are_on_it() -> None:
    counts = {field: sum(task.field == field for task in TASKS.values()) for field in FIELDS}
    assert counts == {"language": 6, "vision": 5, "audio": 4, "multimodal": 5}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_drawn_once_and_explained(lang: str, name: str) -> None:
    html = map_html(lang, name)
    assert html.count('type="button"') == len(TASKS) and html.count('aria-pressed="true"') == 1
    assert text(lang, f"map.about_{name}") in unescape(html) and text(lang, f"map.example_{name}") in unescape(html)
    # It is explained below its own row and above the next one.
    order = [row.group(1) for row in re.finditer(r"<b class='in'>(.*?) →</b>|<article", html)]
    place = order.index(None)
    assert unescape(order[place - 1]) == text(lang, f"map.kind_{TASKS[name].goes_in}")


@pytest.mark.parametrize("name", TASKS)
def test_there_is_a_way_to_go_from_every_task(name: str) -> None:
    """A demo that exists, reachable from the hub; alone, only those of this space; else the hub's page of the task."""
    task = TASKS[name]
    inside, alone = (re.findall(r'href="([^"]+)"', map_html("de", name, in_hub)) for in_hub in (True, False))
    if task.demo is None:
        assert inside == alone == [f"https://huggingface.co/tasks/{task.page}"]
        return
    space, tab = task.demo
    assert f'"{tab}": ' in (SPACES / space / "app.py").read_text("utf-8"), "there is no such tab"
    assert inside == [f"{space}?tab={tab}&amp;lang=de"]
    assert alone == ([f"?tab={tab}&amp;lang=de"] if space == "diffusion" else [])


def test_a_click_chooses_and_nonsense_is_refused() -> None:
    assert choose("en", gr.EventData(None, {"index": 2})) == "translation"
    assert "Says the same in another language." in show("en", "translation")
    for sent in ({}, {"index": -1}, {"index": 99}, {"index": "2"}):
        with pytest.raises(errors.InvalidInput):
            choose("en", gr.EventData(None, sent))
    with pytest.raises(errors.InvalidInput):
        show("en", "cooking")
