"""How the sampling lab draws the next token: every step of the choice as a card, and what repeated draws gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from common.text.engine import SamplingSettings
from common.text.sampling import Stage, effective_choices, entropy_bits, sampling_stages, softmax
from common.ui.components import figures_html, percent
from common.ui.i18n import number, text
from common.ui.plots import Bar, bars_html

ROWS = 10  # tokens drawn in each chart
DRAWS = 100  # so that a count reads as a percentage


@dataclass(slots=True)
class NextToken:
    """What the model says after a prompt; lives in the session.

    Attributes:
        prompt: the text.
        seen: its ids.
        logits: (V,) for the token that comes next.
        shown: ids of the tokens that the charts show, the likeliest first.
        texts: token texts by id, as far as they have been asked for.
        draws: how often each token was drawn, and with which seed; None when the settings have changed since.
    """

    prompt: str
    seen: list[int]
    logits: NDArray[np.float32]
    shown: list[int]
    texts: dict[int, str]
    draws: tuple[Counter[int], int] | None = None


def final_distribution(said: NextToken, chosen: SamplingSettings) -> NDArray[np.float64]:
    """The distribution that the next token is drawn from: (V,)."""
    return sampling_stages(said.logits, chosen, said.seen)[-1].after


def stages_html(lang: str, said: NextToken, chosen: SamplingSettings) -> str:
    """The key figures, the model's own distribution, and a card for each step that is switched on."""
    own = softmax(said.logits)
    stages = sampling_stages(said.logits, chosen, said.seen)
    active = [stage for stage in stages if stage.active]
    off = [text(lang, f"sampling.stage_{stage.name}") for stage in stages if not stage.active]
    # One scale for all charts: what is compared must be comparable.
    top = float(max(p[said.shown].max() for p in [own, *(stage.after for stage in active)]))
    prompt = said.prompt if len(said.prompt) <= 40 else "…" + said.prompt[-39:]
    rows = [Bar(said.texts[token], float(own[token]), percent(float(own[token]), lang)) for token in said.shown]
    chart = bars_html(rows, caption=text(lang, "sampling.live_after", text=prompt), top=top)
    cards = [_card(text(lang, "sampling.stage_model"), chart, _numbers(lang, said, own))]
    cards += [_stage_card(lang, said, stage, getattr(chosen, stage.name), top) for stage in active]
    final = stages[-1].after
    figures = [
        (_change(lang, entropy_bits(own), entropy_bits(final)), text(lang, "sampling.live_entropy")),
        (_change(lang, effective_choices(own), effective_choices(final)), text(lang, "sampling.live_choices")),
        (number(lang, int(stages[-1].kept.sum())), text(lang, "sampling.live_left")),
    ]
    notes = [text(lang, "sampling.live_legend")]
    if off:
        notes.append(text(lang, "sampling.live_off", names=", ".join(off)))
    hints = "".join(f'<p class="quiet">{escape(note)}</p>' for note in notes)
    return f'{figures_html(figures)}{hints}<div class="stages">{"".join(cards)}</div>'


def _stage_card(lang: str, said: NextToken, stage: Stage, setting: float, top: float) -> str:
    """One step: bars after it, lines before it, what it cut off struck through."""
    rows: list[Bar] = []
    for token in said.shown:
        before, after = float(stage.before[token]), float(stage.after[token])
        if stage.kept[token]:
            rows.append(Bar(said.texts[token], after, percent(after, lang), mark=before))
        else:  # hollow and as long as it was; of no length when an earlier step had cut it
            rows.append(Bar(said.texts[token], before, percent(before, lang), kept=False))
    if stage.cut_count:
        cut, left = number(lang, stage.cut_count), number(lang, int(stage.kept.sum()))
        what = text(lang, "sampling.live_cut", n=cut, share=percent(stage.cut_mass, lang), left=left)
    else:
        what = text(lang, "sampling.live_cut_none")
    value = number(lang, setting, 0 if isinstance(setting, int) else 2)
    title = f"{text(lang, f'sampling.stage_{stage.name}')} {value}"
    return _card(title, bars_html(rows, caption=what, top=top), _numbers(lang, said, stage.before, stage.after))


def _card(title: str, chart: str, numbers: Sequence[str]) -> str:
    below = "".join(f"<li>{escape(line)}</li>" for line in numbers)
    return f'<section class="sampling-step"><h4>{escape(title)}</h4>{chart}<ul class="quiet">{below}</ul></section>'


def _rest(p: NDArray[np.float64], shown: list[int]) -> float:
    """The probability of all tokens that have no row of their own."""
    return max(float(1 - p[shown].sum()), 0.0)


def _numbers(lang: str, said: NextToken, *distributions: NDArray[np.float64]) -> list[str]:
    """The tokens without a row, entropy and effective choices; of two distributions with an arrow between them."""
    rest = " → ".join(percent(_rest(p, said.shown), lang) for p in distributions)
    bits, choices = (
        _change(lang, *(measured(p) for p in distributions)) for measured in (entropy_bits, effective_choices)
    )
    return [
        text(lang, "sampling.live_rest", share=rest),
        text(lang, "sampling.live_bits", bits=bits),
        text(lang, "sampling.live_equal", n=choices),
    ]


def _change(lang: str, *values: float) -> str:
    return " → ".join(number(lang, value, 0 if value >= 100 else 1) for value in values)


def _others(lang: str, count: int) -> str:
    """The name of the row for all other tokens; hard spaces, since a token's own spaces are drawn as dots."""
    return text(lang, "sampling.others_n", n=number(lang, count)).replace(" ", "\u00a0")


def most_drawn(drawn: Counter[int], final: NDArray[np.float64]) -> list[int]:
    return sorted(drawn, key=lambda token: (-drawn[token], -final[token]))[:ROWS]


def draws_html(lang: str, said: NextToken, final: NDArray[np.float64]) -> str:
    """How often the tokens were drawn as bars, and how often they were to be expected as lines."""
    if said.draws is None:
        return ""
    drawn, seed = said.draws
    shown = most_drawn(drawn, final)
    rows = [(said.texts[token], drawn[token], float(final[token]), "completion") for token in shown]
    if others := int((final > 0).sum()) - len(shown):
        rows.append((_others(lang, others), DRAWS - sum(drawn[token] for token in shown), _rest(final, shown), "noise"))
    bars = []
    for label, count, p, kind in rows:
        note = text(lang, "sampling.draw_row", n=count, expected=number(lang, DRAWS * p, 1))
        bars.append(Bar(label, count / DRAWS, note, kind=kind, mark=p))
    top = max(max(bar.value, bar.mark or 0.0) for bar in bars)
    caption = text(lang, "sampling.draw_caption", n=DRAWS, seed=seed)
    hint = f'<p class="quiet">{escape(text(lang, "sampling.draw_legend"))}</p>'
    return bars_html(bars, caption=caption, top=top) + hint
