"""Whether a page that was switched to another language still says something in English."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from common.ui.i18n import text, texts

# All that the tab in sight says: in its elements, folded ones too, and in the attributes that are read out or shown.
_SAID = """() => {
  const panel = [...document.querySelectorAll('[role=tabpanel]')].find((one) => one.offsetParent);
  const said = new Set();
  for (const element of panel.querySelectorAll('*')) {
    if (['SCRIPT', 'STYLE'].includes(element.tagName)) continue;
    said.add(element.textContent);
    for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) said.add(node.textContent);
    for (const name of ['placeholder', 'title', 'aria-label']) said.add(element.getAttribute(name) ?? '');
    if (element.role === 'listbox' || element.getAttribute('role') === 'listbox') said.add(element.value ?? '');
  }
  return [...said].map((one) => one.replace(/\\s+/g, ' ').trim()).filter((one) => /\\p{L}{3}/u.test(one));
}"""
# Of the catalogue. What other spaces say may stand in a sample text, which stays English.
_SECTIONS = (
    *("common", "error", "phrase", "field", "link", "train", "after"),
    *("scratch", "finetune", "prefer", "scoreboard", "lifecycle", "cost", "sizes"),
)
_FEWEST_LETTERS = 8  # of a text around its placeholders: with fewer it would be found in anything


def switch(page: Page, lang: str) -> None:
    """Choose a language as a visitor does."""
    page.locator("#language label").filter(has_text=lang.upper()).click()
    expect(page.locator("html")).to_have_attribute("lang", lang)


def left_in_english(page: Page, tab: str, lang: str) -> list[str]:
    """What the open tab of the train space still says in English; its idea is checked to be that language's.

    Waits until what follows the language has been drawn.
    """
    panel = page.locator("[role=tabpanel]").filter(visible=True).first
    for part in ("idea", "try", "reveal"):
        expect(panel.locator(".idea")).to_contain_text(text(lang, f"{tab}.{part}"))
    patterns = _english(lang)
    left: set[str] = set()
    for _ in range(40):
        left = {said for said in page.evaluate(_SAID) if any(one.fullmatch(said) for one in patterns)}
        if not left:
            break
        page.wait_for_timeout(500)
    return sorted(left, key=len)


def _english(lang: str) -> list[re.Pattern[str]]:
    """A pattern for each English text that the other language says in another way."""
    there = texts(lang)
    others = {_plain(words) for words in there.values()}
    return [
        re.compile(".+?".join(map(re.escape, re.split(r"\{[^}]*\}", plain))))
        for key, words in texts("en").items()
        if key.split(".")[0] in _SECTIONS
        and (plain := _plain(words)) not in others
        and words != there[key]
        and _letters(plain) >= _FEWEST_LETTERS
    ]


def _letters(words: str) -> int:
    """How many letters stand outside of placeholders; a text without one counts as it is."""
    bare = re.sub(r"\{[^}]*\}", "", words)
    return len(re.findall(r"[^\W\d_]", bare)) if bare != words else _FEWEST_LETTERS


def _plain(words: str) -> str:
    """As a page shows it: without the marks of Markdown."""
    return " ".join(
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", words).replace("**", "").replace("#", "").replace("`", "").split()
    )
