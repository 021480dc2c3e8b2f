"""How the Retrieval tab looks: chunks, ranked passages, two answers side by side. All text from outside is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from common.text.retrieval.chunks import Chunk
from common.text.retrieval.grounding import Attributed
from common.text.retrieval.index import RRF_K, Found, Progress
from common.text.tasks.orders import find_orders
from common.text.tasks.prose import sentences
from common.ui.components import figures_html, meter_html
from common.ui.i18n import number, text
from common.ui.plots import Bar, bars_html

_SHOWN_CHUNKS = 40


def progress_html(lang: str, documents: int, progress: Progress, state: str) -> str:
    """How many chunks can be found by meaning, and how long the rest takes."""
    label = text(
        lang, "retrieval.meter", done=number(lang, progress.done), total=number(lang, progress.total), n=documents
    )
    rows = []
    if progress.done and progress.seconds:
        speed = progress.done / progress.seconds
        rows.append((number(lang, speed), text(lang, "retrieval.speed")))
        if state == "running":
            left = number(lang, (progress.total - progress.done) / speed)
            rows.append((f"≈ {left} s", text(lang, "retrieval.left")))
        else:
            rows.append((f"{number(lang, progress.seconds, 1)} s", text(lang, "retrieval.took")))
    notes = [text(lang, "retrieval.stopped")] if state == "stopped" else []
    share = progress.done / progress.total if progress.total else 0.0
    return meter_html(share, label, kind="attention") + figures_html(rows) + "".join(map(_quiet, notes))


def chunks_html(lang: str, chunks: Sequence[Chunk]) -> str:
    """The first chunks in the order of the documents."""
    cards = "".join(f'<article class="panel">{_head(lang, chunk)}<p>{escape(chunk.text)}</p></article>'
                    for chunk in chunks[:_SHOWN_CHUNKS])  # fmt: skip
    more = len(chunks) - _SHOWN_CHUNKS
    rest = _quiet(text(lang, "retrieval.more_chunks", n=number(lang, more))) if more > 0 else ""
    return f'<div class="panels">{cards}</div>{rest}'


def passages_html(lang: str, found: Sequence[Found], there: bool) -> str:
    """The ranked passages: each with its scores as bars, and a place that a citation jumps to."""
    if not found:
        return _problem(text(lang, "retrieval.none_found"))
    best_bm25 = max(one.bm25 for one in found) or 1.0
    cards: list[str] = []
    for place, one in enumerate(found, 1):
        cosine = one.cosine or 0.0
        unknown = text(lang, "retrieval.no_vector")
        bars = [
            Bar("BM25", one.bm25 / best_bm25, number(lang, one.bm25, 2), kind="prompt"),
            Bar(
                "cosine", max(cosine, 0.0), unknown if one.cosine is None else number(lang, cosine, 3), kind="attention"
            ),
            Bar("RRF", one.fused * (RRF_K + 1) / 2, number(lang, one.fused, 4), kind="completion"),
        ]
        orders = find_orders(sentences(one.chunk.text))
        warning = _problem(text(lang, "retrieval.orders", sentence=orders[0])) if orders else ""
        drawn = bars_html(bars, caption=text(lang, "retrieval.scores", n=place), top=1.0)
        head = _head(lang, one.chunk, place)
        cards.append(
            f'<article class="panel passage" id="retrieval-passage-{place}" tabindex="-1">{head}{warning}'
            f"<p>{escape(one.chunk.text)}</p>{drawn}</article>"
        )
    missing = "" if there else _problem(text(lang, "retrieval.not_there"))
    return f'{missing}<div class="panels">{"".join(cards)}</div>'


def answers_html(lang: str, plain: str, grounded: str | Sequence[Attributed], there: bool) -> str:
    """Both answers; a finished grounded one has its citations."""
    if not there:
        right = f"<p><b>{escape(text(lang, 'retrieval.not_in_documents'))}</b></p>"
    elif isinstance(grounded, str):
        right = f"<p>{escape(grounded)}</p>"
    else:
        right = "<p>" + " ".join(_cited(lang, sentence) for sentence in grounded) + "</p>"
        right += _quiet(text(lang, "retrieval.attribution"))
    columns = (("retrieval.without", f"<p>{escape(plain)}</p>"), ("retrieval.with", right))
    cards = "".join(
        f'<article class="panel"><h4>{escape(text(lang, key))}</h4>{body}</article>' for key, body in columns
    )
    return f'<div class="panels answers">{cards}</div>'


def _cited(lang: str, one: Attributed) -> str:
    if not one.passage:
        return f'{escape(one.sentence)} <em class="unsupported">[{escape(text(lang, "retrieval.unsupported"))}]</em>'
    label = escape(text(lang, "retrieval.open_passage", n=one.passage, cosine=number(lang, one.cosine, 2)))
    return (
        f'{escape(one.sentence)} <a class="citation" href="#retrieval-passage-{one.passage}" title="{label}"'
        f' aria-label="{label}">[{one.passage}]</a>'
    )


def _head(lang: str, chunk: Chunk, place: int = 0) -> str:
    parts = [chunk.document]
    if chunk.page is not None:
        parts.append(text(lang, "retrieval.page", n=chunk.page))
    parts.append(text(lang, "retrieval.tokens", n=number(lang, chunk.tokens)))
    number_sign = f"[{place}] " if place else ""
    return f"<h4>{number_sign}{escape(' · '.join(parts))}</h4>"


def _quiet(sentence: str) -> str:
    return f'<p class="quiet">{escape(sentence)}</p>'


def _problem(sentence: str) -> str:
    return f'<p class="problem">{escape(sentence)}</p>'
