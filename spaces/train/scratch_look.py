"""How the From scratch tab draws a text, its tokens, the model's size, and a run. Texts are escaped here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from common.config import settings
from common.training.config import Shape
from common.training.corpus import Corpus
from common.training.folder import Event
from common.training.runs import Run
from common.training.shape import parameters as parameters_of
from common.training.tokenizer import merges, train_tokenizer
from common.ui.components import Chip, chips_html, figures_html, visible_whitespace
from common.ui.i18n import number, text
from common.ui.linechart import Line, lines_html
from common.ui.plots import Bar, bars_html
from common.ui.run_look import clock, curve_points, run_state_html

# As published: Radford et al. 2019, with weights by OpenAI.
GPT2_SMALL = Shape(architecture="gpt2", layers=12, heads=12, width=768, context=1024)
_GPT2_VOCABULARY = 50_257
_ENOUGH = 20  # tokens for a parameter, with which a budget of computing is spent best (Hoffmann et al. 2022)
_LATE = 1.5  # times the minutes asked for
_SHOWN = 600  # characters of a text
_COMMON = 12  # characters in the chart
_TOKENIZED = 160  # characters cut for show
_TRAINED_ON = 200_000  # characters the shown tokenizer learns from; the run takes the whole text


def corpus_html(lang: str, corpus: Corpus) -> str:
    """A text's beginning, its size, and its most frequent characters."""
    figures = [
        (number(lang, len(corpus)), text(lang, "scratch.characters")),
        (number(lang, len(corpus.characters)), text(lang, "scratch.different")),
        (number(lang, corpus.lines), text(lang, "scratch.lines")),
        (number(lang, len(corpus.test)), text(lang, "scratch.held_out")),
    ]
    note = ""
    if corpus.repeated > corpus.lines / 3:
        part = number(lang, 100 * corpus.repeated / corpus.lines)
        note = f'<p class="note">{escape(text(lang, "scratch.repeated", percent=part))}</p>'
    bars = [
        Bar(sign, count, f"{number(lang, 100 * count / len(corpus), 1)} %", kind="prompt")
        for sign, count in corpus.characters.most_common(_COMMON)
    ]
    beginning = escape(corpus.train[:_SHOWN])
    chart = bars_html(bars, caption=text(lang, "scratch.frequent"))
    return (
        f'{figures_html(figures)}{note}<div class="beside"><pre class="excerpt" tabindex="0">{beginning}…</pre>'
        f"<div>{chart}</div></div>"
    )


def tokens_html(lang: str, corpus: Corpus, kind: str, vocabulary: int) -> str:
    """The beginning of a text in the tokens of a tokenizer trained on it, and the first merges."""
    tokenizer = train_tokenizer(corpus.train[:_TRAINED_ON], kind, vocabulary)
    shown = corpus.train[:_TOKENIZED]
    cut = tokenizer(shown, return_offsets_mapping=True)
    chips = [
        Chip(visible_whitespace(shown[first:last]), str(number_), kind="prompt")
        for number_, (first, last) in zip(cut["input_ids"], cut["offset_mapping"], strict=True)
    ]
    figures = figures_html(
        [
            (number(lang, len(tokenizer)), text(lang, "scratch.vocabulary_size")),
            (number(lang, len(shown) / max(1, len(chips)), 2), text(lang, "scratch.per_token")),
        ]
    )
    learned = merges(tokenizer)
    rows = "".join(
        f"<li><code>{escape(merge.left)}</code> + <code>{escape(merge.right)}</code> → "
        f"<code>{escape(merge.left + merge.right)}</code></li>"
        for merge in learned
    )
    steps = (
        f"<details><summary>{escape(text(lang, 'scratch.merges'))}</summary><ol>{rows}</ol></details>" if rows else ""
    )
    return f"{figures}{chips_html(chips, clickable=False)}{steps}"


def numbers_html(
    lang: str,
    *,
    shape: Shape,
    vocabulary: int,
    memory: float,
    steps: int,
    speed: float,
    tokens: int,
    minutes: float,
    measured: bool,
) -> str:
    """What the model as it is set now will be and take.

    Args:
        lang: of the page.
        shape, vocabulary: of the model.
        memory: bytes to train it.
        steps: of the run, which is not shorter than a few even where they take longer than ``minutes``.
        speed: tokens per second.
        tokens: of a step.
        minutes: that were asked for.
        measured: steps and speed are no guess.
    """
    parameters = parameters_of(shape, vocabulary)
    takes = steps * tokens / speed  # seconds
    late = takes > _LATE * 60 * minutes
    minutes = takes / 60 if late else minutes
    figures = figures_html(
        [
            (_millions(lang, parameters), text(lang, "scratch.parameters")),
            (f"{number(lang, memory / 1e6)} MB", text(lang, "scratch.memory")),
            (f"≈ {number(lang, steps)}", text(lang, "scratch.steps_in", minutes=number(lang, minutes, 1))),
            (f"≈ {number(lang, steps * tokens / 1e6, 2)} M", text(lang, "scratch.tokens_seen")),
            (f"≈ {number(lang, speed)}", text(lang, "scratch.speed")),
            (f"≈ {_duration(lang, _ENOUGH * parameters / speed)}", text(lang, "scratch.enough")),
        ]
    )
    notes = []
    if shape == GPT2_SMALL:
        published = _millions(lang, parameters_of(shape, _GPT2_VOCABULARY))
        known = {"published": number(lang, _GPT2_VOCABULARY), "size": published, "vocabulary": number(lang, vocabulary)}
        notes.append(text(lang, "scratch.gpt2_small", **known))
    if late:
        notes.append(text(lang, "scratch.too_slow", steps=number(lang, steps), time=_duration(lang, takes)))
    said = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    return figures + said + timed_html(lang, measured)


def _millions(lang: str, parameters: int) -> str:
    return f"{number(lang, parameters / 1e6, 2)} M" if parameters >= 1e5 else number(lang, parameters)


def _duration(lang: str, seconds: float) -> str:
    """In the unit that suits it: minutes, hours, or days."""
    if seconds < 2 * 3600:
        return f"{number(lang, max(1, round(seconds / 60)))} min"
    hours = seconds / 3600
    return f"{number(lang, hours)} h" if hours < 48 else text(lang, "cost.days", days=number(lang, hours / 24))


def timed_html(lang: str, measured: bool) -> str:
    """Where a figure of time is from."""
    return f'<p class="quiet">{escape(text(lang, "scratch.measured" if measured else "scratch.estimated"))}</p>'


def history_html(lang: str) -> str:
    """Where the history of all runs is to be seen, or how it would be kept; the command in it as code."""
    said = escape(text(lang, "scratch.trackio_on" if settings().trackio else "scratch.trackio_off"))
    said = re.sub("`([^`]+)`", r"<code>\1</code>", said)
    return f'<p class="quiet">{said}</p>'


def run_html(lang: str, run: Run) -> str:
    """Where a run stands: state, progress, key figures, why it ended, and whether its layers were compiled."""
    compiled = [event["took"] for event in run.folder.events() if event["type"] == "compiled"]
    said = ""
    if compiled and compiled[-1] is None:
        said = text(lang, "scratch.not_compiled")
    elif compiled:
        said = text(lang, "scratch.compiled", seconds=number(lang, compiled[-1]))
    return run_state_html(lang, run, _figures) + (f'<p class="quiet">{escape(said)}</p>' if said else "")


def _figures(lang: str, last: Event, test: Event | None) -> list[tuple[str, str]]:
    return [
        (_loss(lang, last["loss"]), text(lang, "scratch.loss")),
        (_loss(lang, test["loss"]) if test else "–", text(lang, "scratch.test_loss")),
        (f"{last['learning_rate']:.1e}", text(lang, "scratch.rate")),
        (_loss(lang, last["grad_norm"]), text(lang, "scratch.grad_norm")),
        (number(lang, last["tokens_per_second"]), text(lang, "scratch.tokens_per_second")),
        (f"{number(lang, last['memory_mb'])} MB", text(lang, "scratch.memory_now")),
        (clock(last["seconds"]), text(lang, "scratch.elapsed")),
    ]


def curves_html(lang: str, runs: Sequence[Run]) -> str:
    """Loss on the training text and on the held-out text by step; of two runs, their held-out losses together."""
    if len(runs) == 1:
        events = list(runs[0].folder.events())
        lines = [
            Line(text(lang, "scratch.loss"), curve_points(events, "step", "loss"), "loss"),
            Line(text(lang, "scratch.test_loss"), curve_points(events, "eval", "loss"), "completion"),
        ]
    else:
        kinds = ("loss", "completion")
        lines = [
            Line(run.config.name, curve_points(list(run.folder.events()), "eval", "loss"), kind)
            for run, kind in zip(runs, kinds, strict=False)
        ]
    lines = [line for line in lines if len(line.points) > 1]
    if not lines:
        return ""
    top = max(y for line in lines for _, y in line.points)
    charts = [
        lines_html(
            lang,
            lines,
            caption=text(lang, "scratch.loss_curve"),
            x_name=text(lang, "scratch.step"),
            top=top * 1.05,
            digits=1,
            markers=False,
        )
    ]
    if len(runs) == 1:
        for key, name, scale in (("learning_rate", "scratch.rate_small", 1000), ("grad_norm", "scratch.grad_norm", 1)):
            points = [(step, scale * value) for step, value in curve_points(events, "step", key)]
            if len(points) > 1:
                chart = lines_html(
                    lang,
                    [Line(text(lang, name), points, "attention")],
                    caption=text(lang, name),
                    x_name=text(lang, "scratch.step"),
                    top=1.05 * (max(y for _, y in points) or 1.0),
                    digits=1,
                    markers=False,
                )
                charts.append(chart)
    return f'<div class="beside charts">{"".join(charts)}</div>'


def written_html(lang: str, runs: Sequence[Run]) -> str:
    """What the model wrote on its way, side by side: from signs without order to words."""
    cards = []
    for run in runs:
        for event in run.folder.events():
            if event["type"] == "sample":
                heading = text(lang, "scratch.at_loss", loss=number(lang, event["loss"], 2), step=event["step"])
                name = f"{run.config.name} · " if len(runs) > 1 else ""
                cards.append(
                    f'<div class="panel"><h4>{escape(name + heading)}</h4><pre class="excerpt" tabindex="0">'
                    f"{escape(event['text'])}</pre></div>"
                )
    if not cards:
        return ""
    return f'<h3>{escape(text(lang, "scratch.wrote"))}</h3><div class="samples">{"".join(cards)}</div>'


def _loss(lang: str, value: float | None) -> str:
    return "∞" if value is None else number(lang, value, 2)
