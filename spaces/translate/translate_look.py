"""How the Translate tab looks: the language found, other ways to say it, how far, how close. HTML, escaped."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from common import errors
from common.translation.detect import OTHER, Guess
from common.translation.metrics import Quality
from common.translation.passage import Alternative, Progress
from common.ui.components import figures_html, meter_html, percent
from common.ui.i18n import error_text, number, text

# Sentences whose alternatives are drawn; the rest of a long text has them too, but nobody reads that far.
_MOST_SENTENCES = 6


@dataclass(frozen=True, slots=True)
class Shown:
    """What the tab shows at the moment, in no language.

    Attributes:
        source, target: languages of the translation; ``source`` is the one found where it was to be.
        model: its title.
        guess: the language found, where it was to be.
        progress: how far the translation is.
        problem: why there is none.
    """

    source: str = ""
    target: str = ""
    model: str = ""
    guess: Guess | None = None
    progress: Progress = field(default_factory=lambda: Progress("", 0, 0, 0.0))
    problem: errors.DemystifyError | None = None
    state: Literal["running", "done", "stopped", "failed"] = "done"


def guess_html(lang: str, guess: Guess | None) -> str:
    """One line on the language found: sure, perhaps, none of these, or nothing to find it by."""
    if guess is None:
        return ""
    share = percent(guess.confidence, lang)
    if not guess.language:
        sentence = text(lang, "translate.guess_none")
    elif guess.language == OTHER:
        sentence = text(lang, "translate.guess_other")
    else:
        key = "translate.guess_sure" if guess.sure else "translate.guess_unsure"
        sentence = text(lang, key, language=text(lang, f"language.{guess.language}"), share=share)
    return meter_html(guess.confidence, sentence, kind="prompt" if guess.sure else "completion")


def status_html(lang: str, shown: Shown) -> str:
    """How much is translated and how fast, or why nothing is."""
    progress = shown.progress
    if shown.problem is not None:
        return _note(error_text(lang, shown.problem))
    if not progress.total:
        return _note(text(lang, "translate.nothing")) if progress.text.strip() else ""
    sentences = text(lang, "translate.sentences", done=number(lang, progress.done), total=number(lang, progress.total))
    rows = []
    if shown.state == "running":
        if progress.seconds_left is not None:
            rows.append((f"≈ {number(lang, progress.seconds_left)} s", text(lang, "translate.left")))
    else:
        rows.append((f"{number(lang, progress.seconds, 2)} s", text(lang, "translate.took")))
    rows.append((shown.model, text(lang, "translate.by")))
    notes = [_note(text(lang, f"translate.{shown.state}"))] if shown.state in ("stopped", "failed") else []
    if progress.kept:
        notes.append(_note(text(lang, "translate.kept", n=number(lang, progress.kept))))
    bar = meter_html(progress.done / progress.total, sentences, kind="completion") if progress.total > 1 else ""
    return bar + figures_html(rows) + "".join(notes)


def alternatives_html(lang: str, progress: Progress) -> str:
    """Other ways to say each of the first sentences, with what the model thinks of them."""
    several = [(source, others) for source, others in progress.alternatives if len(others) > 1]
    if not several:
        return ""
    blocks = [_sentence(lang, source, others) for source, others in several[:_MOST_SENTENCES]]
    if len(several) > _MOST_SENTENCES:
        blocks.append(_note(text(lang, "translate.more_sentences", n=number(lang, len(several) - _MOST_SENTENCES))))
    return f'<div class="sayings">{"".join(blocks)}{_note(text(lang, "translate.score"))}</div>'


def _sentence(lang: str, source: str, others: tuple[Alternative, ...]) -> str:
    rows = "".join(
        f'<li><div class="track"><div class="fill" style="width:{100 * math.exp(other.score):.0f}%"></div></div>'
        f"<b>{escape(percent(math.exp(other.score), lang))}</b><span>{escape(other.text) or '∅'}</span></li>"
        for other in others
    )
    return f'<p class="quiet">{escape(source)}</p><ol class="idea-completion">{rows}</ol>'


def quality_html(lang: str, quality: Quality | None) -> str:
    """chrF and BLEU as bars, and how they were computed."""
    if quality is None:
        return ""
    bars = "".join(
        meter_html(value / 100, text(lang, f"translate.{name}", value=number(lang, value, 1)), kind="loss")
        for name, value in (("chrf", quality.chrf), ("bleu", quality.bleu))
    )
    signature = f"chrF {quality.chrf_signature} · BLEU {quality.bleu_signature}"
    return f'{bars}<p class="quiet"><small>{escape(signature)}</small></p>'


def back_html(lang: str, quality: Quality | None) -> str:
    """How much of a text came back."""
    if quality is None:
        return ""
    return meter_html(
        quality.chrf / 100, text(lang, "translate.came_back", value=number(lang, quality.chrf, 1)), kind="loss"
    )


def _note(sentence: str) -> str:
    return f'<p class="quiet">{escape(sentence)}</p>'
