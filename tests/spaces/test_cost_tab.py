"""The Cost tab's handlers in four languages, and what they refuse."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from cost_handlers import CARD, GRAMS, PRICE, TOKENS, UTILISATION, CostTab

from common.config import LANGUAGES
from common.ui.errors import guarded
from common.ui.i18n import text

FORM = (1.0, "fp32", "adamw", 1, 1024, 0, "off", 1, "none")
MONEY = tuple(field.default for field in (TOKENS, CARD, UTILISATION, PRICE, GRAMS))


def _ask(handler: Any, *inputs: Any) -> str:
    return str(asyncio.run(guarded(handler)(*inputs)))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_memory_cards_and_the_bill_are_shown(lang: str) -> None:
    shown = _ask(CostTab().memory, lang, *FORM)
    assert shown.count('class="bar"') == 5
    assert "NVIDIA H200" in shown
    bill = _ask(CostTab().bill, lang, 1.0, 8, *MONEY)
    assert re.search(r"\d+ \$", bill) and "8 × NVIDIA H100" in bill
    slide = CostTab.slide(lang)
    for size in ("24 GB", "80 GB"):
        assert size in slide
    assert re.search(r"14.000 GB", slide) and re.search(r"40.000 GB", slide)


def test_a_sharded_plan_needs_as_many_cards_as_hold_the_smaller_shards() -> None:
    def needed(parameters: float, sharding: str) -> str:
        return _ask(CostTab().memory, "en", parameters, "bf16", "adamw", 1, 1024, 0, "off", 1, sharding)

    assert "<li>3 × NVIDIA H100 " in needed(10.0, "zero3")  # 134 GB, of which 12 are on each
    assert "NVIDIA H100: not enough, however many" in needed(60.0, "zero2")  # 120 GB of weights on each
    assert "<li>2 × NVIDIA H100 " in needed(10.0, "none")


def test_a_lora_lowers_the_total() -> None:
    full, adapted = (_ask(CostTab().memory, "en", *FORM[:5], rank, *FORM[6:]) for rank in (0, 8))
    first = re.compile(r"<b>([\d.,]+) GB</b>")
    totals = [float(found[1].replace(",", "")) for shown in (full, adapted) if (found := first.search(shown))]
    assert len(totals) == 2 and totals[1] < totals[0] / 2


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ((1.0, "int4", *FORM[2:]), "LoRA rank.*stay frozen"),
        ((0, *FORM[1:]), "Billions of parameters"),
        (("many", *FORM[1:]), "Billions of parameters"),
        ((1.0, "fp64", *FORM[2:]), "Numbers"),
    ],
)
def test_what_makes_no_sense_gets_a_sentence(form: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(gr.Error, match=sentence):
        _ask(CostTab().memory, "en", *form)


@pytest.mark.slow
def test_the_real_step_is_measured_beside_its_estimate() -> None:
    visit: Any = SimpleNamespace(session_hash="one")
    shown, measured = asyncio.run(guarded(CostTab().check)("en", visit))
    off = [int(number) for number in re.findall(r"<td>([+-]?\d+) %</td>", shown)]
    assert len(off) == 5
    assert text("de", "cost.part_gradients") in CostTab().checked("de", measured)
    assert all(abs(number) <= 20 for number in off[:4]), off
