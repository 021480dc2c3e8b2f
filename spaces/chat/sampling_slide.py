"""The sampling lab's first part: the seminar's figure of two temperatures, with the softmax computed step by step.

Pure arithmetic on a handful of words, so it works before the model has loaded. Says whether one set of logits can give
both columns. The words' logits are the logarithms of the cool column: temperature 1 gives that column back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr
from chat_page import ChatPage

from common import errors
from common.text.temperature_fit import Pair, TemperatureFit, at_temperature, fit
from common.ui.components import folded, percent
from common.ui.errors import guarded
from common.ui.fields import Choice, Number, Numbers, Text
from common.ui.i18n import error_text, number, text
from common.ui.links import link_button
from common.ui.plots import Bar, bars_html

_MOST_WORDS = 8
TEMPERATURE = Number("temperature", 1.0, 0.1, 6.0, 0.1)
WORDS = Text("words", "apple banana cake donut", 200)
COOL = Numbers("cool", "0.001 0.002 0.400 0.012", 0, 1, fewest=2, most=_MOST_WORDS)
WARM = Numbers("warm", "0.040 0.080 0.150 0.120", 0, 1, fewest=2, most=_MOST_WORDS)
# How many words the slide's three dots stand for: as many as are shown, a small vocabulary, a large one.
OTHERS = Choice("others", 4, (4, 100, 10_000))
_FORMULA = (
    "p<sub>i</sub> = exp(z<sub>i</sub> / T) &nbsp;/&nbsp; "
    "( exp(z<sub>1</sub> / T) + exp(z<sub>2</sub> / T) + … + exp(z<sub>n</sub> / T) )"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """Two columns of probabilities of the same words, and how far a printed number may be from the true one."""

    words: tuple[str, ...]
    cool: tuple[float, ...]
    warm: tuple[float, ...]
    rounding: float

    @property
    def rest(self) -> float:
        """What the cool column leaves for all other words; nothing when it may be no more than rounding."""
        left = 1 - math.fsum(self.cool)
        return left if left > len(self.cool) * self.rounding else 0.0


def read_columns(words: Any, cool: Any, warm: Any) -> Columns:
    """What was typed, checked; the number with the most decimals tells how far all are rounded. Raises InvalidInput."""
    names = tuple(WORDS.check(words).replace(",", " ").replace(";", " ").split())
    columns = COOL.read(cool), WARM.read(warm)
    if len(columns[0]) != len(columns[1]):
        raise errors.InvalidInput(field=WARM.name, allowed=errors.Phrase("as_many", count=len(columns[0])))
    if len(names) != len(columns[0]):
        raise errors.InvalidInput(field=WORDS.name, allowed=errors.Phrase("as_many", count=len(columns[0])))
    decimals = max(len(item.partition(".")[2]) for item in [*Numbers.items(cool), *Numbers.items(warm)])
    return Columns(names, tuple(columns[0]), tuple(columns[1]), 0.5 * 10.0**-decimals)


def redraw(lang: str, temperature: Any, others: Any, words: Any, cool: Any, warm: Any) -> tuple[Any, Any, str]:
    """Chart, working and verdict. What cannot be read while it is being typed is said where the verdict stands."""
    warmth, count = TEMPERATURE.real(temperature), int(OTHERS.check(others))
    try:
        columns = read_columns(words, cool, warm)
        found = fit(columns.cool, columns.warm, columns.rounding)
    except errors.InvalidInput as problem:
        return gr.skip(), gr.skip(), f'<p class="quiet">{escape(error_text(lang, problem))}</p>'
    return _chart(lang, columns, warmth, count), _working(lang, columns, warmth, count), _verdict(lang, columns, found)


def _chart(lang: str, columns: Columns, temperature: float, others: int) -> str:
    """The words' probabilities at a temperature as bars, the warm column as lines; scaled to 1 so that bars compare."""
    now = at_temperature(columns.cool, columns.rest, others, temperature).tolist()
    bars = [
        Bar(word, p, f"{percent(p, lang)} ({percent(warm, lang)})", mark=warm)
        for word, p, warm in zip(columns.words, now, columns.warm, strict=False)
    ]
    if columns.rest:
        name = text(lang, "sampling.others_n", n=number(lang, others)).replace(" ", "\u00a0")
        warm_rest = max(1 - math.fsum(columns.warm), 0.0)
        bars.append(
            Bar(name, now[-1], f"{percent(now[-1], lang)} ({percent(warm_rest, lang)})", kind="noise", mark=warm_rest)
        )
    chart = bars_html(bars, caption=text(lang, "sampling.slide_caption", t=number(lang, temperature, 1)), top=1.0)
    return chart + f'<p class="quiet">{escape(text(lang, "sampling.slide_legend"))}</p>'


def _working(lang: str, columns: Columns, temperature: float, others: int) -> str:
    """The softmax as a calculation, one line for each word."""
    rows = [(word, p, 1) for word, p in zip(columns.words, columns.cool, strict=True)]
    if columns.rest:
        rows.append((text(lang, "sampling.others_each", n=number(lang, others)), columns.rest / others, others))
    scaled = [math.log(p) / temperature for _, p, _ in rows]
    total = math.fsum(count * math.exp(z) for z, (_, _, count) in zip(scaled, rows, strict=True))
    lines = []
    for (word, p, count), z in zip(rows, scaled, strict=True):
        times = f"{number(lang, count)} × " if count > 1 else ""
        share = count * math.exp(z) / total
        cells = (
            _logit(lang, math.log(p)),
            _logit(lang, z),
            times + _short(lang, math.exp(z)),
            percent(share, lang),
        )
        lines.append(
            f'<tr><th scope="row">{escape(word)}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        )
    word, total_name = escape(text(lang, "sampling.slide_word")), escape(text(lang, "sampling.slide_sum"))
    head = "".join(f'<th scope="col">{name}</th>' for name in (word, "z", "z / T", "exp(z / T)", "p"))
    foot = f'<th scope="row">{total_name}</th><td></td><td></td><td>{_short(lang, total)}</td><td>100%</td>'
    return (
        f'<p class="formula">{_FORMULA}</p><div class="scroll-x" tabindex="0"><table class="work">'
        f"<caption>{escape(text(lang, 'sampling.slide_working', t=number(lang, temperature, 1)))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody><tfoot><tr>{foot}</tr></tfoot></table></div>"
    )


def _verdict(lang: str, columns: Columns, found: TemperatureFit) -> str:
    """Whether one set of logits can give both columns, with the numbers that prove it."""
    question = f"<b>{escape(text(lang, 'sampling.slide_question'))}</b>"
    if found.possible:
        low, high = found.ratio_range or (0.0, math.inf)
        if found.ratio is None or math.isinf(high):
            answer = [text(lang, "sampling.slide_yes_open")]
        else:
            ratio, low_text, high_text = (_short(lang, value) for value in (found.ratio, low, high))
            answer = [text(lang, "sampling.slide_yes", ratio=ratio, low=low_text, high=high_text)]
        return f'<div class="verdict"><p>{question} {escape(answer[0])}</p></div>'
    answer = [text(lang, "sampling.slide_no")]
    if len(found.clash) == 1:
        pair = found.clash[0]
        names = {"first": columns.words[pair.first], "second": columns.words[pair.second]}
        answer.append(text(lang, "sampling.slide_turned", **names))
    else:
        less, more = found.clash
        answer.append(text(lang, "sampling.slide_most", high=_short(lang, less.high), **_odds(lang, columns, less)))
        answer.append(text(lang, "sampling.slide_least", low=_short(lang, more.low), **_odds(lang, columns, more)))
        answer.append(text(lang, "sampling.slide_both"))
    column = " · ".join(
        f"{word} {number(lang, p, 3)}" for word, p in zip(columns.words, found.warm_expected, strict=True)
    )
    if found.ratio is None:
        answer.append(text(lang, "sampling.slide_flat", column=column))
    else:
        answer.append(text(lang, "sampling.slide_nearest", ratio=_short(lang, found.ratio), column=column))
    word, factor = columns.words[found.worst], found.worst_factor
    if factor < 1:
        answer.append(text(lang, "sampling.slide_small", word=word, factor=_short(lang, 1 / factor)))
    else:
        answer.append(text(lang, "sampling.slide_large", word=word, factor=_short(lang, factor)))
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in answer[1:])
    return f'<div class="verdict"><p>{question} {escape(answer[0])}</p><ul>{items}</ul></div>'


def _odds(lang: str, columns: Columns, pair: Pair) -> dict[str, str]:
    """Two words, and how many times likelier the first is in each column."""
    first, second = pair.first, pair.second
    return {
        "first": columns.words[first],
        "second": columns.words[second],
        "cool": _short(lang, columns.cool[first] / columns.cool[second]),
        "warm": _short(lang, columns.warm[first] / columns.warm[second]),
    }


def _logit(lang: str, value: float) -> str:
    return number(lang, value, 2).replace("-", "\u2212")


def _short(lang: str, value: float) -> str:
    """A number with three digits that count: 400, 33.3, 1.25, 0.0023; very small ones as powers of ten."""
    if value and abs(value) < 0.001:
        digits, _, power = f"{value:.1e}".partition("e")
        return f"{number(lang, float(digits), 1)}·10^{int(power)}"
    digits_after = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    written = number(lang, value, digits_after)
    return written.rstrip("0").rstrip(".,") if digits_after else written


def build(page: ChatPage) -> None:
    """Lay out the part and wire it."""
    words, lang = page.words, page.lang
    default = (WORDS.default, COOL.default, WARM.default)
    first = redraw(words.lang, TEMPERATURE.default, OTHERS.default, *default)
    with gr.Row():
        with gr.Column(scale=1, min_width=300):
            temperature = TEMPERATURE.slider(words, "sampling.slide_temperature", elem_id="sampling-slide-temperature")
            others = words(
                gr.Radio,
                keys={"label": "sampling.slide_others", "choices": _other_choices},
                value=OTHERS.default,
                elem_id="sampling-slide-others",
            )
            chart = gr.HTML(first[0], elem_id="sampling-slide-chart")
        with gr.Column(scale=1, min_width=300):
            working = gr.HTML(first[1], elem_id="sampling-slide-working")
    verdict = gr.HTML(first[2], elem_id="sampling-slide-verdict")
    with folded(words, "sampling.slide_own"):
        names = words(gr.Textbox, keys={"label": "sampling.slide_words"}, value=WORDS.default, max_length=200)
        with gr.Row():
            cool = words(gr.Textbox, keys={"label": "sampling.slide_cool"}, value=COOL.default, min_width=240)
            warm = words(gr.Textbox, keys={"label": "sampling.slide_warm"}, value=WARM.default, min_width=240)
        link_button(
            page,
            "sampling",
            {
                "temperature": (TEMPERATURE, temperature),
                "others": (OTHERS, others),
                "words": (WORDS, names),
                "cool": (COOL, cool),
                "warm": (WARM, warm),
            },
            part="slide",
        )

    boxes: list[Any] = [temperature, others, names, cool, warm]
    drawn = [chart, working, verdict]
    for box in boxes:
        box.change(
            guarded(redraw),
            [lang, *boxes],
            drawn,
            queue=False,
            trigger_mode="always_last",
            api_visibility="private",
            show_progress="hidden",
        )
    page.on_language(guarded(redraw), boxes, drawn)


def _other_choices(lang: str) -> Sequence[tuple[str, int]]:
    return [(number(lang, int(count)), int(count)) for count in OTHERS.options]
