"""The front page's agenda: every item leads to a tab that exists, with inputs that the tab takes."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

import app
from common.config import LANGUAGES
from common.ui.agenda import agenda_html, parts, slides_html
from common.ui.i18n import text, texts

SLIDES = 50


def test_the_talk_takes_its_time_and_its_slides_come_in_order() -> None:
    talk = parts()
    assert [part.kind for part in talk] == ["lecture", "hands_on", "lecture", "hands_on"]
    assert 80 <= sum(part.minutes for part in talk) <= 90
    items = [item for part in talk for item in part.item]
    firsts = [item.slides[0] for item in items]
    assert firsts == sorted(firsts)
    assert all(1 <= first <= last <= SLIDES for first, last in (item.slides for item in items))
    assert len({item.id for item in items}) == len(items)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_all_is_drawn_in_every_language(lang: str) -> None:
    html, index = agenda_html(lang), slides_html(lang)
    known = texts(lang)
    for part in parts():
        assert f'id="part-{part.id}"' in html and text(lang, f"agenda.part_{part.id}") in unescape(html)
        for item in part.item:
            assert f"agenda.{item.id}" in known and f"agenda.{item.id}_do" in known
            assert item.address(lang) in unescape(html) and item.address(lang) in unescape(index)
    begun = [int(re.findall(r"\d+", found)[0]) for found in re.findall(r"<small>([^<]*\d+[^<]*\d+)</small></h3>", html)]
    assert begun == [0, 15, 55, 65]
    assert html.count('class="onward"') == len(parts()) - 1
    for anchor in re.findall(r'href="#([\w-]+)"', html):
        assert f'id="{anchor}"' in html


def test_addresses_carry_the_inputs_and_the_language() -> None:
    item = next(item for part in parts() for item in part.item if item.id == "decoder")
    address = urlsplit(item.address("fr"))
    assert address.path == "translate"
    assert dict(parse_qsl(address.query)) == {"lang": "fr", "tab": "player", **item.inputs}


def test_the_presenters_guide_has_every_link() -> None:
    guide = (Path(__file__).resolve().parents[3] / "docs" / "presenter.md").read_text("utf-8")
    for item in (item for part in parts() for item in part.item):
        assert f"http://127.0.0.1:7860/{item.address('en')})" in guide


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_front_page_cites_the_seminar(lang: str) -> None:
    shown = app._front(lang)
    assert text(lang, "hub.credits") in unescape(shown) and 'rel="license"' in shown
    assert "DeepLearning.AI" in shown
