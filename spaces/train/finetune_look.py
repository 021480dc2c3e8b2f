"""How the Fine-tune tab draws examples, tokens with and without a loss, and what a method takes. Texts are escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from scratch_look import timed_html

from common.training import lora
from common.training.config import FinetuneConfig, Method, ScratchConfig
from common.training.folder import Event
from common.training.instructions import Example, Examples
from common.training.lora import Shapes
from common.training.runs import Run
from common.ui.components import Chip, chips_html, figures_html
from common.ui.i18n import number, text
from common.ui.plots import Bar, bars_html

_SHOWN = 3  # examples
_SHOWN_CHARACTERS = 400
_MOST_CHIPS = 150
_PARTS = ("weights", "adapters", "gradients", "optimizer", "activations")
_KINDS = ("prompt", "completion", "loss", "attention", "noise")


def examples_html(lang: str, examples: Examples) -> str:
    """How many there are, and the first of them as turns: what is only read, and what is learned."""
    figures = [
        (number(lang, len(examples)), text(lang, "finetune.examples_count")),
        (number(lang, len(examples.test)), text(lang, "finetune.held_out")),
    ]
    note = ""
    if examples.repeated:
        words = text(lang, "finetune.repeated", count=number(lang, examples.repeated))
        note = f'<p class="note">{escape(words)}</p>'
    # From everywhere in the data, since the first ones are often alike.
    every = max(1, len(examples.train) // _SHOWN)
    shown = "".join(_example(lang, example) for example in examples.train[::every][:_SHOWN])
    return f'{figures_html(figures)}{note}<div class="panels">{shown}</div>'


def _example(lang: str, example: Example) -> str:
    turns = ""
    for turn in example:
        kind = "completion" if turn.role == "assistant" else "prompt"
        role = text(lang, "finetune.learned" if turn.role == "assistant" else "finetune.only_read")
        content = turn.content if len(turn.content) <= _SHOWN_CHARACTERS else turn.content[:_SHOWN_CHARACTERS] + "…"
        turns += f'<p class="turn idea-{kind}"><small>{escape(role)}</small>{escape(content)}</p>'
    return f'<div class="panel">{turns}</div>'


def mask_html(lang: str, folder: Path, example: Example) -> str:
    """One example in the model's own tokens, those with a loss in colour. Loads the tokenizer: call it in a thread."""
    from transformers import AutoTokenizer

    from common.training.packing import SILENT, encode

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    encoded = encode(tokenizer, example)
    specials = set(tokenizer.all_special_ids)
    chips = [
        Chip(
            str(tokenizer.decode([token])),
            kind="prompt" if label == SILENT else "completion",
            heat=0.0 if label == SILENT else 0.55,
            special=token in specials and label == SILENT,
        )
        for token, label in zip(encoded.ids[:_MOST_CHIPS], encoded.labels[:_MOST_CHIPS], strict=True)
    ]
    words = text(lang, "finetune.mask_about", learned=encoded.learned, tokens=len(encoded))
    return f"<p>{escape(words)}</p>{chips_html(chips, clickable=False)}"


def numbers_html(lang: str, model: Shapes, method: Method, rank: int, rows: int, row: int) -> str:
    """What a method takes: numbers that are learned, the size of what comes out, memory by part."""
    learned = lora.trainable(model, method, rank)
    found = lora.memory(model, method, rank, rows, row)
    saved = 2 * learned if method == "full" else 4 * learned  # all weights are kept in 16 bits, an adapter in 32
    figures = figures_html(
        [
            (_count(lang, learned), text(lang, "finetune.trainable")),
            (f"{number(lang, 100 * learned / model.parameters, 2)} %", text(lang, "finetune.share")),
            (megabytes(lang, saved), text(lang, "finetune.saved_size")),
            (megabytes(lang, found.total), text(lang, "finetune.memory")),
        ]
    )
    bars = [
        Bar(text(lang, f"cost.part_{part}"), getattr(found, part), megabytes(lang, getattr(found, part)), kind=kind)
        for part, kind in zip(_PARTS, _KINDS, strict=True)
        if getattr(found, part)
    ]
    return f"{figures}{bars_html(bars, caption=text(lang, 'finetune.memory_parts'))}"


def passes_html(lang: str, steps: int, rows: int, row: int, tokens: float, minutes: float, measured: bool) -> str:
    """How many steps there will be, how often each example is seen in them, and whether that was measured."""
    times = steps * rows * row / max(1.0, tokens)
    return figures_html(
        [
            (f"≈ {number(lang, steps)}", text(lang, "scratch.steps_in", minutes=number(lang, minutes, 1))),
            (f"≈ {number(lang, times, 1)} ×", text(lang, "finetune.times_seen")),
        ]
    ) + timed_html(lang, measured)


def answers_html(lang: str, question: str, events: Sequence[Event]) -> str:
    """What the model answered on its way, from before the first step on."""
    samples = [event for event in events if event["type"] == "sample"]
    cards = ""
    for event in samples:
        key = "finetune.before" if event["step"] == 0 else "scratch.at_loss"
        heading = text(lang, key, loss=number(lang, event["loss"], 2), step=event["step"])
        cards += (
            f'<div class="panel"><h4>{escape(heading)}</h4><pre class="excerpt" tabindex="0">'
            f"{escape(event['text'])}</pre></div>"
        )
    if not cards:
        return ""
    title = escape(text(lang, "finetune.answered", question=question))
    return f'<h3>{title}</h3><div class="samples">{cards}</div>'


def talk_html(lang: str, run: Run, in_hub: bool) -> str:
    """The ways to the chat space with the run's model; where that space is no page beside this one, how to get there.

    A model from scratch completes texts, the others answer.
    """
    if not run.folder.has_model:
        return ""
    if not in_hub:
        return f'<p class="quiet">{escape(text(lang, "finetune.talk_elsewhere"))}</p>'
    ways = [("finetune.talk", f"tab=chat&run={run.folder.id}")]
    if isinstance(run.config, ScratchConfig):
        begun = {"prompt": run.config.opening} if run.config.opening.strip() else {}
        ways = [("scratch.complete", urlencode({"tab": "completion", "run": run.folder.id, **begun}))]
    elif isinstance(run.config, FinetuneConfig) and run.config.summary_prompt:
        ways.append(("finetune.use_in_summary", f"tab=summary&writer={run.folder.id}"))
    links = "".join(
        f'<a href="{escape(f"chat?{query}&lang={lang}")}">▶ {escape(text(lang, key))}</a>' for key, query in ways
    )
    return f'<p class="ways">{links}</p>'


def megabytes(lang: str, count: float) -> str:
    """A size in MB or GB."""
    return f"{number(lang, count / 1e9, 2)} GB" if count >= 1e9 else f"{number(lang, count / 1e6, 1)} MB"


def _count(lang: str, count: int) -> str:
    return f"{number(lang, count / 1e6, 2)} M" if count >= 1e5 else number(lang, count)
