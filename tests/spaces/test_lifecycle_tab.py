"""The Lifecycle tab: every step of the map opens a demo that is there, or says which space has it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from lifecycle_tab import HERE, STAGES, lifecycle_html

from common.config import LANGUAGES

SPACES = Path(__file__).resolve().parents[2] / "spaces"
STEPS = [places for steps in STAGES.values() for places in steps.values()]


def _tabs(space: str) -> tuple[str, ...]:
    """The ids of a space's tabs, from its source: building four spaces would take seconds."""
    for node in ast.walk(ast.parse((SPACES / space / "app.py").read_text("utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and ast.unparse(node.targets[0]) == "tabs":
            return tuple(str(key.value) for key in node.value.keys if isinstance(key, ast.Constant))
    raise AssertionError(f"{space} has no tabs")


def test_in_the_hub_every_link_leads_to_a_tab_that_is_there() -> None:
    here = _tabs(HERE)
    shown = lifecycle_html("en", here, in_hub=True)
    links = re.findall(r'href="([a-z]+)\?tab=([a-z]+)&amp;lang=en"', shown)
    assert shown.count("<article>") == len(STEPS)
    assert len(links) + shown.count("No live demo") == len(STEPS)
    assert {space for space, _ in links} == {"chat", "translate", "train"}
    for space, tab in links:
        assert tab in _tabs(space), (space, tab)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_alone_it_links_within_the_space_and_names_the_others(lang: str) -> None:
    shown = lifecycle_html(lang, ("scratch", "cost", "sizes"))
    assert re.findall(r'href="([^"]*)"', shown) == [
        f"?tab={tab}&amp;lang={lang}" for tab in ("sizes", "scratch", "cost")
    ]
    assert "chat?" not in shown


def test_a_demo_of_this_space_is_taken_before_one_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lifecycle_tab.STAGES", {"evaluate": {"measure": ((HERE, "cost"), ("chat", "summary"))}})
    assert 'href="?tab=cost&amp;lang=en"' in lifecycle_html("en", ("cost",))
    assert "Summary" in lifecycle_html("en", ()) and "href" not in lifecycle_html("en", ())
