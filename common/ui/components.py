"""Drawn parts that several tabs share: the idea panel, token chips, key figures.

Everything here returns HTML in which every text from outside is escaped. Knows nothing about models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape

import gradio as gr

from common.text.engine import Token
from common.ui.i18n import Localizer, number, text

# A click on anything with data-i reaches Python as a ``select`` event whose ``index`` says which one.
_CLICKS = """
element.addEventListener('click', (event) => {
  const chip = event.target.closest('[data-i]');
  if (chip && element.contains(chip)) trigger('select', {index: Number(chip.dataset.i)});
});
"""


@dataclass(frozen=True, slots=True)
class Chip:
    """One token as drawn.

    Attributes:
        label: the token's text.
        note: small second line, such as the id.
        heat: 0 to 1, strength of the background; None leaves it plain.
        title: what a pointer resting on it shows.
        special: a control token.
        kind: name of an idea whose colour it takes, such as "prompt" or "completion".
        selected: drawn with a frame.
    """

    label: str
    note: str = ""
    heat: float | None = None
    title: str = ""
    special: bool = False
    kind: str = "completion"
    selected: bool = False


def visible_whitespace(piece: str) -> str:
    """Spaces, tabs and line ends as signs that can be seen."""
    return piece.replace(" ", "·").replace("\t", "⇥").replace("\r", "␍").replace("\n", "⏎")


def chips_html(chips: Sequence[Chip], *, clickable: bool = True, empty: str = "") -> str:
    """Token chips in reading order; a line end in a token also ends the line on screen."""
    if not chips:
        return f'<p class="quiet">{escape(empty)}</p>' if empty else ""
    parts: list[str] = []
    for index, chip in enumerate(chips):
        classes = f"chip idea-{escape(chip.kind)}"
        if chip.special:
            classes += " special"
        if chip.selected:
            classes += " selected"
        heat = "" if chip.heat is None else f' style="--heat:{100 * min(max(chip.heat, 0.0), 1.0):.0f}%"'
        title = f' title="{escape(chip.title)}"' if chip.title else ""
        label = escape(visible_whitespace(chip.label)) or "∅"
        note = f"<small>{escape(chip.note)}</small>" if chip.note else ""
        tag = f'button type="button" data-i="{index}"' if clickable else "span"
        parts.append(f'<{tag} class="{classes}"{heat}{title}>{label}{note}</{tag.split()[0]}>')
        parts += ["<br>"] * min(chip.label.count("\n"), 3)
    return f'<div class="chips">{"".join(parts)}</div>'


def surprise_heat(logprob: float | None) -> float | None:
    """How strongly a token is coloured: 0 when it was certain, 1 at a probability of 1 in 1000 or less."""
    if logprob is None:
        return None
    return min(-logprob / math.log(1000), 1.0)


def percent(probability: float, lang: str = "en") -> str:
    """A probability in percent with as many digits as it deserves, as people of that language write it."""
    value = 100 * probability
    sign = "\u202f%" if lang in ("de", "fr") else "%"
    if 0 < value < 0.001:
        return f"<{number(lang, 0.001, 3)}{sign}"
    digits = 0 if value >= 10 or value == 0 else 1 if value >= 0.1 else 1 - math.floor(math.log10(value))
    return f"{number(lang, value, digits)}{sign}"


def token_chip(
    token: Token, *, lang: str = "en", show_id: bool = False, kind: str = "completion", selected: bool = False
) -> Chip:
    """A token of the stream as a chip: coloured by surprise, its probability and id in the pointer text."""
    facts = [] if token.id is None else [f"id {token.id}"]
    if token.logprob is not None:
        facts.insert(0, percent(math.exp(token.logprob), lang))
    return Chip(
        label=token.text,
        note=str(token.id) if show_id and token.id is not None else "",
        heat=surprise_heat(token.logprob),
        title=" · ".join(facts),
        special=token.special,
        kind=kind,
        selected=selected,
    )


def safe_markdown(content: str) -> str:
    """Text for a Markdown component in which markup and images stay what was written.

    Without this a message could make every reader's browser fetch an image from anywhere.
    """
    return escape(content, quote=False).replace("![", "!&#91;")


def from_safe_markdown(content: str) -> str:
    """What ``safe_markdown`` was given."""
    return unescape(content)


def token_strip(elem_id: str, script: str = "") -> gr.HTML:
    """An empty place for chips; ``.select(handler)`` gets a ``gr.EventData`` with ``index``.

    Args:
        elem_id: its id on the page.
        script: more to do once it is there, with the place as ``element``.
    """
    return gr.HTML("", elem_id=elem_id, elem_classes=["token-strip"], js_on_load=_CLICKS + script)


def folded(words: Localizer, key: str, elem_id: str | None = None) -> gr.Accordion:
    """An accordion for boxes to type into, closed at first; its label is the text ``key``.

    What is in an accordion with ``open=False`` gradio makes when somebody opens it, and some frames later it sets every
    box once more, over what was typed by then. 0 is closed, too, and what is in it comes with its tab (theme.css hides
    it so that boxes find their height).
    """
    return words(gr.Accordion, keys={"label": key}, open=0, elem_id=elem_id, elem_classes=["folded"])


def idea_html(lang: str, section: str) -> str:
    """The head of a tab: one sentence on its idea, one thing to try, and the answer to reveal.

    Reads the keys ``<section>.idea``, ``<section>.try`` and ``<section>.reveal``.
    """
    idea, task, answer = (escape(text(lang, f"{section}.{name}")) for name in ("idea", "try", "reveal"))
    predict, reveal = escape(text(lang, "common.predict")), escape(text(lang, "common.reveal"))
    return (
        f'<div class="idea"><p>{idea}</p><p><b>{predict}</b> {task}</p>'
        f"<details><summary>{reveal}</summary><p>{answer}</p></details></div>"
    )


def figures_html(figures: Sequence[tuple[str, str]]) -> str:
    """Key figures side by side: (value with unit, what it is)."""
    cells = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for value, name in figures)
    return f'<div class="figures">{cells}</div>'


def meter_html(part: float, label: str, *, kind: str = "prompt") -> str:
    """A bar that fills: ``part`` from 0 to 1, with its label in words."""
    share = min(max(part, 0.0), 1.0)
    return (
        f'<div class="meter idea-{escape(kind)}"><span>{escape(label)}</span>'
        f'<div class="track"><div class="fill" style="width:{100 * share:.1f}%"></div></div></div>'
    )
