"""The LLM sizes tab: every row of the slide is there, and what differs is marked."""

from __future__ import annotations

import pytest
from sizes_tab import sizes_html

from common.config import LANGUAGES
from common.training.sizes import sizes


def test_the_slides_rows_and_what_differs() -> None:
    names = {size.name for size in sizes()}
    assert names >= {"ELMo", "BERT", "GPT-2", "GPT-3", "MT-NLG", "LaMDA", "BLOOM", "FLAN-UL2", "LLaMA", "GPT-4", "PaLM"}
    assert {size.name for size in sizes() if not size.differs} == {"BERT", "GPT-2", "GPT-3", "BLOOM", "PaLM"}
    assert all("arXiv" in size.source or size.name == "GPT-2" for size in sizes())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_slide_and_publication_stand_side_by_side(lang: str) -> None:
    shown = sizes_html(lang)
    assert shown.count("<tr>") == len(sizes()) + 1
    assert shown.count('class="slide"') == len(sizes()) + 1  # one in the legend
    assert shown.count('class="real"') == len(sizes())  # GPT-4 has none, the legend one
    assert shown.count("≠") == 6
    assert "<a " not in shown
    assert 'href="chat?tab=inside' in sizes_html(lang, in_hub=True)
    assert "4.6 T" in shown.replace("4,6", "4.6")
