"""Drawn parts: text from outside stays text, whatever it is."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import errors
from common.text.engine import Token
from common.ui.components import Chip, chips_html, from_safe_markdown, percent, safe_markdown, token_chip
from common.ui.fields import Choice, Number, Numbers, Text, from_address
from common.ui.plots import Bar, bars_html

NASTY = st.text(alphabet=st.sampled_from(list("<>&\"'/=a b\n!`[]()")), max_size=30) | st.text(max_size=30)


class _Reader(HTMLParser):
    """Collects tags, attributes and text as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(NASTY, NASTY)
def test_chips_hold_any_text(label: str, title: str) -> None:
    reader = _Reader(chips_html([Chip(label, note=title, title=title, heat=0.5)]))
    assert set(reader.tags) <= {"div", "button", "small", "br"}
    assert set(reader.attributes) <= {"class", "type", "data-i", "style", "title"}


@given(NASTY, st.floats(0, 1))
def test_bars_hold_any_text(label: str, value: float) -> None:
    reader = _Reader(bars_html([Bar(label, value, label, mark=value)], caption=label, clickable=True))
    assert set(reader.tags) <= {"table", "caption", "tbody", "tr", "th", "td", "div", "button", "i"}
    assert set(reader.attributes) <= {"class", "type", "data-i", "style", "scope"}


@given(st.text(max_size=60))
def test_safe_markdown_can_be_undone_and_holds_no_markup(content: str) -> None:
    safe = safe_markdown(content)
    assert from_safe_markdown(safe) == content
    assert "<" not in safe and "![" not in safe


def test_a_surprising_token_is_strongly_coloured() -> None:
    sure, surprised = token_chip(Token(1, "a", -0.01)), token_chip(Token(2, "b", -9.0))
    assert sure.heat is not None and sure.heat < 0.01
    assert surprised.heat == 1.0
    assert token_chip(Token(3, "c")).heat is None


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.0, "100%"),
        (0.42, "42%"),
        (0.042, "4.2%"),
        (0.00042, "0.042%"),
        (0.000042, "0.0042%"),
        (1e-9, "<0.001%"),
        (0.0, "0%"),
    ],
)
def test_percent(value: float, written: str) -> None:
    assert percent(value) == written


def test_percent_is_written_as_people_do() -> None:
    assert [percent(0.042, lang) for lang in ("de", "fr", "it")] == ["4,2\u202f%", "4,2\u202f%", "4,2%"]


@pytest.mark.parametrize("typed", ["0.2 0.7 1", "0,2; 0,7; 1", " 0.2, 0.7,  1.0 "])
def test_several_numbers_are_read_as_people_type_them(typed: str) -> None:
    assert Numbers("temperatures", "1", 0, 2).read(typed) == [0.2, 0.7, 1.0]


@pytest.mark.parametrize("typed", ["", "warm", "0.2,0.7", "0.5 3", "nan", "1e999", "1 1 1 1 1", None, [0.5]])
def test_what_is_no_list_of_numbers_is_refused(typed: object) -> None:
    with pytest.raises(errors.InvalidInput, match="1 to 4 numbers from 0 to 2"):
        Numbers("temperatures", "1", 0, 2, most=4).check(typed)


@given(st.one_of(st.none(), st.text(max_size=8), st.floats(), st.booleans(), st.lists(st.integers(), max_size=2)))
def test_a_number_is_within_its_limits_or_refused(value: object) -> None:
    field = Number("top_k", 0, 0, 200)
    try:
        number = field.whole(value)
    except errors.InvalidInput as problem:
        assert "from 0 to 200" in str(problem)
    else:
        assert 0 <= number <= 200


def test_an_address_fills_in_what_fits() -> None:
    fields = {
        "temperature": Number("temperature", 0.5, 0, 2, 0.05),
        "prompt": Text("prompt", "", 20),
        "others": Choice("others", 4, (4, 100)),
    }
    assert from_address(fields, {"temperature": "0.3", "prompt": "Hi", "others": "100", "another": "1"}) == {
        "temperature": 0.3,
        "prompt": "Hi",
        "others": 100,
    }
    assert from_address(fields, {"temperature": "99", "prompt": "x" * 21, "others": "5"}) == {}
