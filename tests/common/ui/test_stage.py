"""The talk as steps: every demo once, each question before its demo, and a bar that leads from one to the next."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config import LANGUAGES
from common.ui.agenda import parts
from common.ui.i18n import text
from common.ui.stage import read_step, stage_html, steps


def test_every_demo_is_a_step_and_its_question_comes_first() -> None:
    talk = steps()
    demos = [step.item.id for step in talk if not step.guess]
    assert demos == [item.id for part in parts() for item in part.item]
    for place, step in enumerate(talk):
        if step.guess:
            assert talk[place + 1] == type(step)(step.item, guess=False)
    assert sum(step.guess for step in talk) >= 8


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_bar_leads_to_the_neighbours(lang: str) -> None:
    talk = steps()
    for place in range(len(talk)):
        bar = stage_html(lang, str(place))
        links = dict(re.findall(r'<a href="([^"]*)" rel="(prev|next)"', bar))
        assert len(links) == 2
        by_rel = {rel: href.replace("&amp;", "&") for href, rel in links.items()}
        before = talk[place - 1].address(lang, place - 1) if place else f"presenter?lang={lang}"
        assert by_rel["prev"] == before
        assert (by_rel["next"] == f"presenter?lang={lang}") == (place == len(talk) - 1)
    assert text(lang, "stage.next") in stage_html(lang, "0")


@given(st.one_of(st.none(), st.integers(), st.text()))
def test_anything_else_is_no_step(value: object) -> None:
    step = read_step(value)
    assert step is None or (0 <= step < len(steps()) and str(value).strip("0") == str(step).strip("0"))
    if step is None:
        assert stage_html("en", value) == ""


def test_a_number_too_long_to_read_is_no_step() -> None:
    assert stage_html("en", "9" * 5000) == ""
