"""The line chart: every point where its numbers say, every line told apart, any text harmless."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ui.linechart import Line, lines_html

points = st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1)), min_size=1, max_size=6, unique_by=lambda p: p[0])


def _lines(html: str) -> list[list[tuple[float, float]]]:
    """The points of each line, in units of the canvas; the key below the chart is left out."""
    found = re.findall(r'<polyline points="([^"]+)"', html.split('<div class="legend">')[0])
    return [[(float(x), float(y)) for x, y in (pair.split(",") for pair in line.split())] for line in found]


def test_points_stand_where_their_numbers_say() -> None:
    (line,) = _lines(lines_html("en", [Line("a", [(2, 1), (0, 0), (1, 0.5)], "prompt")], caption="c", x_name="x"))
    (left, low), (middle, half), (right, high) = line
    assert middle == pytest.approx((left + right) / 2, abs=0.1)
    assert half == pytest.approx((low + high) / 2, abs=0.1)
    assert left < right and high < low  # y counts down from the top of the canvas


@given(points)
def test_every_point_is_on_the_canvas_in_the_order_of_its_numbers(values: list[tuple[float, float]]) -> None:
    html = lines_html("en", [Line("a", values, "prompt")], caption="c", x_name="x")
    (line,) = _lines(html)
    width, height = (float(size) for size in re.findall(r'viewBox="0 0 (\d+) (\d+)" role', html)[0])
    assert all(0 < x < width and 0 < y < height for x, y in line)
    for ((x1, y1), drawn1), ((x2, y2), drawn2) in combinations(zip(sorted(values), line, strict=True), 2):
        assert x1 < x2 and drawn1[0] <= drawn2[0]
        assert drawn1[1] <= drawn2[1] if y1 > y2 else drawn1[1] >= drawn2[1] if y1 < y2 else drawn1[1] == drawn2[1]


def test_lines_differ_by_more_than_colour() -> None:
    kinds = ("prompt", "completion", "attention")
    html = lines_html("en", [Line(kind, [(0.2, 0.1), (1.0, 0.9)], kind) for kind in kinds], caption="c", x_name="x")
    assert len(set(re.findall(r'stroke-dasharray="([^"]*)"', html))) == 3
    assert len(_lines(html)) == 3
    for kind in kinds:
        assert html.count(f'class="line idea-{kind}"') == 1
        assert f"</svg> {kind}</span>" in html


def test_axes_count_whole_things_without_decimals_and_lengths_with_as_many_as_asked() -> None:
    line = Line("a", [(0, 0), (30, 900)], "prompt")
    html = lines_html("en", [line], caption="c", x_name="x", top=1000, digits=0)
    assert set(re.findall(r">([\d.,]+)</text>", html)) == {"0", "250", "500", "750", "1,000", "30"}


def test_below_zero_lines_go_on_and_the_line_of_zero_is_marked() -> None:
    line = Line("a", [(0, -0.1), (1, 0), (2, 0.3)], "prompt")
    html = lines_html("en", [line], caption="c", x_name="x", top=0.3, bottom=-0.1)
    ((_, low), (_, middle), (_, high)) = _lines(html)[0]
    assert low - middle == pytest.approx((middle - high) / 3, abs=0.2)
    (zero,) = re.findall(r'class="grid zero" [^>]*y1="([\d.]+)"', html)
    assert float(zero) == pytest.approx(middle, abs=0.1)
    assert re.findall(r'text-anchor="end">([^<]+)</text>', html) == ["-0.10", "0.00", "0.10", "0.20", "0.30"]
    assert "zero" not in lines_html("en", [line], caption="c", x_name="x")


@given(st.text(alphabet=st.sampled_from(list("<>&\"'/=a b")), min_size=1, max_size=20))
def test_any_text_stays_text(name: str) -> None:
    html = lines_html("fr", [Line(name, [(0.25, 0.5), (1.5, 1.0)], "prompt")], caption=name, x_name=name)
    drawn = ElementTree.fromstring(html)  # well-formed, so nothing in the text was markup
    assert {element.tag for element in drawn.iter()} <= {
        *("figure", "figcaption", "svg", "g", "line", "polyline", "circle", "text", "div", "span")
    }
    assert drawn.findtext("figcaption") == name
    assert "0,25" in html  # as people write it


def test_without_points_nothing_is_drawn() -> None:
    assert lines_html("en", [], caption="c", x_name="x") == ""
