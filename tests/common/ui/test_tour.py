"""Tours: every stop is a tab of its space and points at something that the space lays out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from common.config import LANGUAGES
from common.ui.i18n import text
from common.ui.tour import tour_html, tours

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("space", tours())
def test_every_stop_is_there(space: str) -> None:
    stops = tours()[space]
    assert 5 <= len(stops) <= 8 and len({stop.tab for stop in stops}) == len(stops)
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "spaces" / space).glob("*.py"))
    tabs = re.findall(r'^        "(\w+)": \w+_tab,$', code, re.MULTILINE)
    for stop in stops:
        assert stop.tab in tabs
        assert stop.at == f"tab-{stop.tab}" or stop.at.split("-")[-1] in code


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_tour_is_told_in_the_language(lang: str) -> None:
    for space, stops in tours().items():
        drawn = tour_html(lang, space)
        assert text(lang, "guided.start", n=len(stops)) in drawn
        # A caption that fills half of a phone hides what it points at.
        assert all(len(text(lang, f"guided.{space}_{stop.tab}")) <= 170 for stop in stops)
