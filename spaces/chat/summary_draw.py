"""How the Summary tab draws: the summary beside its sources, scores, parts, prompts, the meter of the context.

Every text is escaped. Knows nothing about models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from summary_writers import Writer

from common.text.tasks.manuscript import count_words
from common.text.tasks.rouge import Rouge, Share
from common.text.tasks.summarize import Job, Progress
from common.text.tasks.support import Support
from common.training.prompt_template import PLACE
from common.ui.components import figures_html, meter_html, percent
from common.ui.i18n import number, text
from common.ui.plots import Row, grouped_bars_html

# A click on a sentence of the summary shows its sources, in the browser alone.
SHOW_SOURCES = """
const scroll = () => {
  const box = element.querySelector('.source');
  const first = box && box.querySelector('.chosen');
  if (first) box.scrollTop = first.offsetTop - box.clientHeight / 3;
};
element.addEventListener('click', (event) => {
  const claim = event.target.closest('.claim');
  if (!claim || !element.contains(claim)) return;
  element.querySelectorAll('.claim').forEach((one) => one.setAttribute('aria-pressed', one === claim));
  const wanted = claim.dataset.sources.split(' ');
  element.querySelectorAll('.source [data-u]').forEach(
    (unit) => unit.classList.toggle('chosen', wanted.includes(unit.dataset.u)));
  scroll();
});
watch('value', () => requestAnimationFrame(scroll));
"""
_ROUGE = tuple(enumerate(("ROUGE-1", "ROUGE-2", "ROUGE-L")))


@dataclass(frozen=True, slots=True)
class Contents:
    """What fills a prompt, in tokens.

    Attributes:
        shots: how many examples there are.
        examples, text, answer: tokens of the examples, of instruction and text, and kept for the answer.
        context: what the model can take at most; 0 when a server does not say.
        parts: into how many parts the text is cut (1: it fits); ``text`` is then that of the largest one.
        estimated: counted by letters.
    """

    shots: int
    examples: int
    text: int
    answer: int
    context: int
    parts: int
    estimated: bool


def contents_html(lang: str, contents: Contents) -> str:
    """How much of the context is taken, by what."""
    about = "≈ " if contents.estimated else ""
    taken = contents.examples + contents.text + contents.answer
    whole = contents.context or taken or 1
    kind = "zero" if contents.shots == 0 else "one" if contents.shots == 1 else "few"
    shares = [
        ("attention", contents.examples, "summary.meter_examples"),
        ("prompt", contents.text, "summary.meter_text"),
        ("completion", contents.answer, "summary.meter_answer"),
    ]
    track = "".join(
        f'<div class="fill idea-{colour}" style="width:{100 * min(size / whole, 1):.2f}%"></div>'
        for colour, size, _ in shares
    )
    legend = "".join(
        f'<span class="idea-{colour}"><i></i>{escape(text(lang, key))}: {about}{number(lang, size)}</span>'
        for colour, size, key in shares
    )
    label = text(
        lang,
        "summary.meter" if contents.context else "summary.meter_unknown",
        kind=text(lang, f"summary.shots_{kind}"),
        taken=about + number(lang, taken),
        context=number(lang, contents.context),
        share=percent(taken / whole, lang),
    )
    more = note(text(lang, "summary.meter_parts", n=number(lang, contents.parts))) if contents.parts > 1 else ""
    return (
        f'<div class="meter context"><span>{escape(label)}</span><div class="track">{track}</div>'
        f'<div class="legend">{legend}</div></div>{more}'
    )


def note(sentence: str, kind: str = "quiet") -> str:
    """One sentence below a result."""
    return f'<p class="{kind}">{escape(sentence)}</p>'


def writer_html(lang: str, who: Writer) -> str:
    """What is said below the switch of the one that is chosen; nothing of the page's own model."""
    drawn = ""
    if who.method:
        method = text(lang, f"finetune.method_{who.method}")
        names = {"name": who.name, "model": who.base, "method": method}
        drawn += note(text(lang, "summary.run_about", prompt=who.template.replace(PLACE, "…"), **names))
    if who.beside:
        drawn += note(text(lang, "summary.other_base", model=who.base, other=who.beside), "note")
    return drawn


def way_html(lang: str) -> str:
    """How a visitor without one gets a model that can be chosen, too."""
    way = f'<a href="train?tab=finetune&amp;lang={escape(lang)}">{escape(text(lang, "summary.train_one"))}</a>'
    return f'<p class="quiet">{escape(text(lang, "summary.no_runs"))} {way}</p>'


def progress_html(lang: str, told: Progress, state: str) -> str:
    """How far the work is, how fast, and how long it still takes."""
    label = text(lang, "summary.progress", done=number(lang, told.done), total=number(lang, told.total))
    rows = []
    if told.seconds and told.tokens:
        rows.append((number(lang, told.tokens / told.seconds, 1), text(lang, "summary.speed")))
    if state == "running" and told.seconds_left is not None:
        rows.append((f"≤ {number(lang, told.seconds_left)} s", text(lang, "summary.left")))
    rows.append((f"{number(lang, told.seconds)} s", text(lang, "summary.since")))
    notes = note(text(lang, f"summary.{state}")) if state in ("stopped", "failed") else ""
    # Half-written summaries count as half: a single one would otherwise jump from nothing to all.
    return meter_html(told.share, label, kind="completion") + figures_html(rows) + notes


def growing_html(lang: str, summary: str, words: int) -> str:
    """A summary while it is written."""
    shown = escape(summary) or escape(text(lang, "summary.reading"))
    return f'<div class="summary"><h4>{escape(_headed(lang, words))}</h4><p class="growing">{shown}</p></div>'


def _headed(lang: str, words: int) -> str:
    return text(lang, "summary.headed", words=number(lang, words))


def supported_html(lang: str, support: Sequence[Support], source: Sequence[str], words: int, bullets: bool) -> str:
    """The summary, each sentence a button, beside the source, in which the sentences behind it are marked."""
    claims = "".join(_claim(lang, place, one, bullets) for place, one in enumerate(support))
    chosen = set(support[0].sources) if support else set()
    used = {place for one in support for place in one.sources}
    units = "".join(
        f'<p data-u="{place}" class="{"used " if place in used else ""}{"chosen" if place in chosen else ""}">'
        f"{escape(unit)}</p>"
        for place, unit in enumerate(source)
    )
    without = sum(not one.supported for one in support)
    invented = sum(not known for one in support for _, known in one.pieces)
    counts = {"without": number(lang, without), "all": number(lang, len(support)), "words": number(lang, invented)}
    return (
        f'<div class="summary-pair"><div class="summary"><h4>{escape(_headed(lang, words))}</h4>{claims}'
        f"{note(text(lang, 'summary.verdict', **counts))}{note(text(lang, 'summary.method'))}</div>"
        f"<div><h4>{escape(text(lang, 'summary.sources'))}</h4>"
        f'<div class="source" tabindex="0">{units}</div></div></div>'
    )


def _claim(lang: str, place: int, one: Support, bullets: bool) -> str:
    pieces = "".join(
        escape(piece) if known else f'<u title="{escape(text(lang, "summary.unknown"))}">{escape(piece)}</u>'
        for piece, known in one.pieces
    )
    share = percent(one.covered, lang)
    said = text(lang, "summary.covered" if one.supported else "summary.unsupported", share=share)
    dot = "• " if bullets else ""
    return (
        f'<button type="button" class="claim{"" if one.supported else " unsupported"}" data-s="{place}" '
        f'data-sources="{" ".join(map(str, one.sources))}" aria-pressed="{"true" if place == 0 else "false"}">'
        f"{dot}{pieces}<small>{escape(said)}</small></button>"
    )


def scores_html(lang: str, rows: Sequence[tuple[str, str, str, Rouge]]) -> str:
    """ROUGE of several summaries: (short name, small print, text, scores); the texts stand below the chart."""
    groups = {kind: [_score(lang, name, scores.all[place]) for name, _, _, scores in rows] for place, kind in _ROUGE}
    headings = [text(lang, f"summary.column_{name}") for name in ("who", "bar", "f1", "precision", "recall")]
    chart = grouped_bars_html(groups, caption=text(lang, "summary.rouge_caption"), headings=headings)
    boxes = [
        (
            name,
            told,
            " · ".join(filter(None, (small, text(lang, "summary.in_words", n=number(lang, count_words(told)))))),
        )
        for name, small, told, _ in rows
    ]
    return chart + note(text(lang, "summary.rouge_note")) + texts_html(boxes)


def _score(lang: str, name: str, share: Share) -> Row:
    shown = tuple(number(lang, 100 * value, 1) for value in (share.f1, share.precision, share.recall))
    return Row(name, share.f1, shown)


def texts_html(rows: Sequence[tuple[str, str, str]]) -> str:
    """Texts side by side: (name, text, small print)."""
    boxes = "".join(
        f"<article><b>{escape(name)}</b> <small>{escape(small)}</small><p>{escape(told)}</p></article>"
        for name, told, small in rows
    )
    return f'<div class="scroll-x" tabindex="0"><div class="texts">{boxes}</div></div>'


def parts_html(lang: str, levels: Sequence[Sequence[Job]]) -> str:
    """The summaries in between, each with the text it came from."""
    if len(levels) < 2 and (not levels or len(levels[0]) < 2):
        return note(text(lang, "summary.one_part"))
    drawn: list[str] = []
    for depth, level in enumerate(levels, 1):
        title = text(lang, "summary.level", n=number(lang, depth), parts=number(lang, len(level)))
        boxes = "".join(
            f"<article><b>{number(lang, place)}.</b> <small>{escape(_small(lang, job))}</small>"
            f"<p>{escape(job.summary or text(lang, 'summary.waiting'))}</p>"
            f"<details><summary>{escape(text(lang, 'summary.its_text'))}</summary><p>{escape(job.source)}</p></details>"
            "</article>"
            for place, job in enumerate(level, 1)
        )
        drawn.append(
            f'<h4>{escape(title)}</h4><div class="scroll-x" tabindex="0"><div class="texts">{boxes}</div></div>'
        )
    return "".join(drawn)


def _small(lang: str, job: Job) -> str:
    counts = {"read": number(lang, job.prompt_tokens), "written": number(lang, job.tokens)}
    return text(lang, "summary.tokens", **counts)


def prompts_html(lang: str, prompts: Sequence[tuple[str, str]]) -> str:
    """Prompts as the model reads them: (name, text)."""
    return "".join(
        f"<h4>{escape(name)}</h4><pre class='prompt' tabindex='0'>{escape(shown)}</pre>" for name, shown in prompts
    ) or note(text(lang, "summary.no_prompt"))
