"""The Sampling lab's slide without a browser: its columns, the working of the softmax, and columns of one's own."""

from __future__ import annotations

import re
import sys
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from common import errors
from common.config import LANGUAGES

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spaces" / "chat"))

import sampling_slide as slide

SLIDE = (slide.WORDS.default, slide.COOL.default, slide.WARM.default)


def _plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", html))


def _bars(html: str) -> dict[str, float]:
    """Length of each bar, in percent of the full one, by label."""
    found = re.findall(r'<th scope="row">([^<]*)</th><td class="bar"><div style="width:([\d.]+)%', html)
    return {unescape(label): float(width) for label, width in found}


def _slide(temperature: float = 1.0, others: int = 4, columns: tuple[str, str, str] = SLIDE) -> tuple[str, str, str]:
    chart, working, verdict = slide.redraw("en", temperature, others, *columns)
    return str(chart), str(working), str(verdict)


def test_temperature_one_gives_the_cool_column_and_heat_flattens_it() -> None:
    at_one = _bars(_slide(1.0)[0])
    assert at_one == {"apple": 0.1, "banana": 0.2, "cake": 40, "donut": 1.2, "4\u00a0others": 58.5}
    rows = [_bars(_slide(temperature)[0]) for temperature in (0.5, 1.0, 2.0, 4.0, 6.0)]
    assert [row["apple"] for row in rows] == sorted(row["apple"] for row in rows)
    assert [row["cake"] for row in rows[1:]] == sorted((row["cake"] for row in rows[1:]), reverse=True)
    assert all(row["cake"] > row["donut"] > row["banana"] > row["apple"] for row in rows[1:])
    assert all(sum(row.values()) == pytest.approx(100, abs=0.05) for row in rows)


def test_more_other_words_take_more_of_the_heat() -> None:
    few, many = (_bars(_slide(3.0, others)[0]) for others in (4, 10_000))
    assert many["10,000\u00a0others"] > 99 > few["4\u00a0others"]
    assert many["cake"] < 1 < few["cake"]


def test_the_working_shows_each_step_of_the_softmax() -> None:
    working = _plain(_slide(2.0)[1])
    rows = re.findall(
        r"(apple|banana|cake|donut) ([\u2212\d.]+) ([\u2212\d.]+) ([\d.]+) ([\d.]+)%", re.sub(r"\s+", " ", working)
    )
    assert [row[0] for row in rows] == ["apple", "banana", "cake", "donut"]
    numbers = np.array([[float(cell.replace("\u2212", "-")) for cell in row[1:]] for row in rows])
    np.testing.assert_allclose(numbers[:, 0], np.log([0.001, 0.002, 0.4, 0.012]), atol=0.005)
    np.testing.assert_allclose(numbers[:, 1], numbers[:, 0] / 2, atol=0.01)
    np.testing.assert_allclose(numbers[:, 2], np.exp(numbers[:, 1]), rtol=0.01)
    total = np.sqrt([0.001, 0.002, 0.4, 0.012]).sum() + 4 * np.sqrt(0.585 / 4)
    np.testing.assert_allclose(numbers[:, 3], 100 * numbers[:, 2] / total, atol=0.1)


def test_the_verdict_on_the_slide_names_its_proof() -> None:
    verdict = _plain(_slide()[2])
    assert "No." in verdict
    assert "banana : apple goes from 2 : 1 to 2 : 1" in verdict
    assert "at most 2.39 times" in verdict
    assert "cake : donut goes from 33.3 : 1 to 1.25 : 1" in verdict
    assert "at least 15 times" in verdict
    assert "5.39 times as warm" in verdict
    assert "apple 0.057 · banana 0.065 · cake 0.173 · donut 0.090" in verdict
    assert "apple is furthest off: printed 1.42 times too small" in verdict


@pytest.mark.parametrize(
    ("cool", "warm", "said"),
    [
        ("0.64 0.32 0.04", "0.50 0.35 0.12", "Yes, when the warm temperature is 1.9"),
        ("0,64; 0,32; 0,04", "0,50; 0,35; 0,12", "Yes, when the warm temperature is 1.9"),
        ("0.3 0.3 0.3", "0.2 0.2 0.2", "differ too little"),
        ("0.5 0.2 0.1", "0.2 0.5 0.1", "a is likelier than b"),
        ("0.5 0.2 0.1", "0.1 0.2 0.5", "endless heat"),
        ("0.9 0.05 0.02", "0.50 0.02 0.02", "b is furthest off: printed"),
        ("0.5 0.2", "0.2 0.5 0.1", "as many as there are numbers in the cool column: 2"),
        ("0.5 0.2", "0.2 0.5", "as many as there are numbers in the cool column: 2"),
        ("0.5 0.2 much", "0.2 0.5 0.1", "2 to 8 numbers from 0 to 1"),
        ("0.5 0.6 0.7", "0.2 0.5 0.1", "add up to 1 at most"),
        ("0.5 0 0.1", "0.2 0.5 0.1", "probabilities above 0"),
    ],
)
def test_columns_of_ones_own(cool: str, warm: str, said: str) -> None:
    assert said in _plain(_slide(columns=("a, b, c", cool, warm))[2])


def test_what_cannot_be_read_leaves_the_charts_alone() -> None:
    chart, working, verdict = slide.redraw("de", 1.0, 4, "a b", "0.5 x", "0.2 0.3")
    assert (chart, working) == (gr.skip(), gr.skip())
    assert "Kühle Spalte" in verdict


def test_columns_that_add_up_to_one_have_no_other_words() -> None:
    chart, working, _ = _slide(columns=("a b", "0.75 0.25", "0.6 0.4"))
    assert set(_bars(chart)) == {"a", "b"}
    assert "others" not in working


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("warm", ["0.1 0.2", "0.2 0.2", "0.25 0.12", "0.30 0.15"])
def test_words_are_text_in_every_language(lang: str, warm: str) -> None:
    words = "<img/src=x> &b"
    drawn = slide.redraw(lang, 0.1, 100, words, "0.6 0.3", warm)
    for html in drawn:
        assert "<img" not in html and "{" not in html
    assert "<img/src=x>" in unescape(drawn[0])


@pytest.mark.parametrize(("temperature", "others"), [(0.0, 4), (9, 4), ("hot", 4), (1.0, 5), (1.0, None)])
def test_nonsense_from_a_program_is_refused(temperature: Any, others: Any) -> None:
    with pytest.raises(errors.InvalidInput):
        slide.redraw("en", temperature, others, *SLIDE)
