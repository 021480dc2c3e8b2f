"""The addresses of every view of every space: what they carry comes back, and what cannot be used is refused."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.text.models import TextModels
from common.ui import page
from common.ui.agenda import parts
from common.ui.fields import Choice, Field, Link, Number, Numbers, Several, Text
from common.ui.i18n import texts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def arrivals() -> list[page.Arrival]:
    """Of the pages of the whole hub, as it builds itself."""
    made: list[page.Arrival] = []

    class Recorded(page.Arrival):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "Arrival", Recorded)
        spec = importlib.util.spec_from_file_location("hub_of_links", ROOT / "app.py")
        assert spec is not None and spec.loader is not None
        hub = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = hub
        spec.loader.exec_module(hub)
        hub.build(TextModels())
    return made


@pytest.fixture(scope="module")
def links(arrivals: list[page.Arrival]) -> list[Link]:
    """Of all pages."""
    return [link for arrival in arrivals for link in arrival.links]


def _values(field: Field) -> st.SearchStrategy[Any]:
    if isinstance(field, Text):
        return st.text(max_size=min(field.max_length, 60))
    if isinstance(field, Choice):
        return st.sampled_from(field.options)
    if isinstance(field, Several):
        return st.lists(st.sampled_from(field.options), unique=True)
    if isinstance(field, Numbers):
        low, high = field.minimum, field.maximum
        numbers = st.lists(st.floats(low, high), min_size=field.fewest, max_size=field.most)
        return numbers.map(lambda found: " ".join(map(repr, found)))
    assert isinstance(field, Number)
    steps = int(min((field.maximum - field.minimum) / field.step, 10**6))
    return st.integers(0, steps).map(lambda n: round(field.minimum + n * field.step, 9))


def _written(value: Any) -> str:
    """As the page's script writes it into an address."""
    if isinstance(value, list | tuple):
        return ",".join(value)
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@settings(max_examples=200)
@given(st.data())
def test_every_state_comes_back_from_its_address(links: list[Link], data: st.DataObject) -> None:
    link = data.draw(st.sampled_from([link for link in links if link.place]))
    states = {
        name: _values(field) if name not in link.opening else st.just(link.opening[name]) | _values(field)
        for name, field in link.fields.items()
    }
    wanted = {name: data.draw(states[name], label=name) for name in states}
    opening = {name: _written(value) for name, value in link.opening.items()}
    named = {name: said for name, value in wanted.items() if (said := _written(value)) != opening.get(name)}
    address = urlencode({**link.place, **named})
    values, problems = link.read(dict(parse_qsl(address, keep_blank_values=True)))
    assert not problems and set(values) == set(named)
    shown = {**link.opening, **values}  # what the address does not name is there when the page opens
    for name, field in link.fields.items():
        assert _checked(field, shown[name]) == _checked(field, wanted[name])


def _checked(field: Field, value: Any) -> Any:
    """The value as a tab takes it; a box in which nothing is gives None or an empty text."""
    return "" if value in (None, "") else field.check(value)


@given(st.text(min_size=1, max_size=40))
def test_anything_else_is_refused_by_name_or_is_a_value(links: list[Link], hostile: str) -> None:
    known = texts("en")
    for link in links:
        query = {**link.place, **dict.fromkeys(link.fields, hostile)}
        values, problems = link.read(query)
        assert set(values) <= set(link.fields)
        assert len(values) + len(problems) == len(link.fields)
        assert all(f"field.{problem.params['field']}" in known for problem in problems)


def test_another_views_values_are_nobodys_business(links: list[Link]) -> None:
    for link in links:
        if link.place and not link.first:
            assert link.read(dict.fromkeys(link.fields, "\0")) == ({}, [])
        assert link.read({**link.place, "other": "x"}) == ({}, [])


def test_an_unknown_part_of_a_tab_is_refused(links: list[Link]) -> None:
    for part, refused in (("nonsense", True), ("live", False)):
        met = [problem for link in links for problem in link.read({"tab": "sampling", "part": part})[1]]
        assert ("part" in {problem.params["field"] for problem in met}) == refused


def test_a_part_of_a_tab_that_has_none_is_refused(arrivals: list[page.Arrival]) -> None:
    for arrival in arrivals:
        for tab in arrival.tabs:
            for query in ({"tab": tab}, {"tab": tab} if tab != arrival.tabs[0] else {}):
                (problem,) = arrival.refused({**query, "part": "nonsense"})
                assert problem.params["field"] == "part"
                assert arrival.refused(query) == []
    assert sum(len(arrival.tabs) for arrival in arrivals) > 30
    chat = next(arrival for arrival in arrivals if "sampling" in arrival.tabs)
    assert chat.refused({"tab": "sampling", "part": "slide"}) == []


def test_every_view_says_what_it_opens_with(links: list[Link]) -> None:
    views = [link for link in links if link.opening]
    assert len(views) > 25 and all(set(link.opening) == set(link.fields) for link in views)
    for link in views:
        values, problems = link.read({**link.place, **{name: _written(value) for name, value in link.opening.items()}})
        assert not problems and set(values) == set(link.fields), link.place


def test_every_space_has_links(links: list[Link]) -> None:
    assert len(links) > 20 and all(link.fields for link in links if link.place != {"tab": "lifecycle"})
    assert {"sizes", "lifecycle"} <= {link.place.get("tab") for link in links}
    places = [tuple(link.place.items()) for link in links if link.place]
    assert len(places) == len(set(places))


def test_the_agenda_leads_to_tabs_that_exist_with_inputs_they_take(links: list[Link]) -> None:
    for item in (item for part in parts() for item in part.item):
        space, tab = item.place
        query = {"tab": tab, **item.inputs}
        assert (ROOT / "spaces" / space / f"{tab}_tab.py").is_file()
        taken = [link.read(query) for link in links if link.place]
        assert all(not problems for _, problems in taken)
        asked = set(item.inputs) - {"part"}
        assert asked <= {name for values, _ in taken for name in values}
