"""Inputs with several options: a list from the page, names with commas from an address, and nothing else."""

from __future__ import annotations

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from common.ui.fields import Number, Several, from_address
from common.ui.i18n import Localizer

COLOURS = Several("colours", ("red",), ("red", "green", "blue"))


@given(st.lists(st.sampled_from(COLOURS.options)))
def test_a_choice_and_its_address_are_the_same(chosen: list[str]) -> None:
    found = COLOURS.check(chosen)
    assert found == [option for option in COLOURS.options if option in chosen]
    assert COLOURS.check(",".join(chosen)) == found
    assert from_address({"colours": COLOURS}, {"colours": ",".join(chosen)}) == {"colours": found}


@pytest.mark.parametrize("value", [None, 3, ["pink"], ["red", 3], [["red"]], "red,pink", "red green", {"red": 1}])
def test_what_is_no_option_is_refused(value: object) -> None:
    with pytest.raises(errors.InvalidInput, match="green"):
        COLOURS.check(value)


@pytest.mark.parametrize(("step", "precision"), [(1, 0), (5, 0), (0.01, None)])
def test_a_box_takes_fractions_where_the_step_is_one(step: float, precision: int | None) -> None:
    with gr.Blocks():
        box = Number("price", 1, 0, 10, step).box(Localizer("en"), "tokens.price")
    assert box.precision == precision


def test_what_is_outside_a_sliders_limits_is_refused_by_our_own_check() -> None:
    """Typed beside the slider, 12 comes as it is; gradio's own refusal would be in English, whatever the page is in."""
    steps = Number("steps", 50, 20, 100)
    with gr.Blocks():
        slider = steps.slider(Localizer("en"), "tokens.price")
    assert slider.get_block_name() == "slider"
    with pytest.raises(errors.InvalidInput, match="20"):
        steps.check(slider.preprocess(12))
    assert slider.preprocess(None) is None
