"""What the Cost tab does: memory by part, time and money, and a real step beside its estimate. Layout: cost_tab.py."""

from __future__ import annotations

import asyncio
import json
import os
from html import escape
from typing import Any, cast

import gradio as gr
from train_page import line

from common import errors
from common.apart import ROOT, ask_module
from common.memory import without_holes
from common.training import budget
from common.training.budget import Card, Memory, Model, Plan
from common.ui.components import figures_html
from common.ui.fields import Choice, Number
from common.ui.i18n import number, text
from common.ui.plots import Bar, bars_html

PARAMETERS = Number("model_billions", 1.0, 0.001, 5000, 0.001)
PRECISION = Choice("precision", "fp32", ("fp32", "mixed", "bf16", "int8", "int4"))
OPTIMIZER = Choice("optimizer", "adamw", ("adamw", "adamw_8bit", "sgd", "adafactor"))
BATCH_SIZE = Number("batch_size", 1, 1, 256)
SEQUENCE = Number("sequence", 1024, 64, 131072, 64)
LORA = Number("lora_rank", 0, 0, 256)
CHECKPOINTING = Choice("checkpointing", "off", ("off", "on"))
CARD_COUNT = Number("gpu_count", 1, 1, 1024)
SHARDING = Choice("sharding", "none", ("none", "zero1", "zero2", "zero3"))
TOKENS = Number("train_billions", 20.0, 0.001, 100_000, 0.001)
CARD = Choice("card", "NVIDIA H100", tuple(card.name for card in budget.cards()))
UTILISATION = Number("utilisation", 0.4, 0.05, 0.9, 0.05)
PRICE = Number("gpu_price", 2.5, 0.0, 100, 0.01)
# World average of 2023: Ember, Global Electricity Review 2024.
GRAMS = Number("co2_grams", 480, 0, 1500, 1)
_PARTS = ("weights", "gradients", "optimizer", "activations", "adapters")
_KINDS = ("prompt", "attention", "loss", "completion", "noise")
# The models of the slides' figure, in billions of parameters.
_SLIDE = (1, 175, 500)
# Of the real step: small enough for any laptop, large enough that the parts can be told apart.
_STEP = {"layers": 6, "width": 384, "vocabulary": 8000, "batch": 8, "context": 128}
_STEP_SECONDS = 180.0
Measured = dict[str, float]  # bytes by part, as probe.py names them


class CostTab:
    """The tab's handlers. They keep nothing."""

    @staticmethod
    def slide(lang: str) -> str:
        """The slides' rule and the slides' table, which follow from different numbers of bytes."""
        rows = "".join(
            f"<tr><th scope='row'>{number(lang, size)} B</th>"
            + "".join(
                f"<td>{number(lang, size * per)} GB</td>"
                for per in (budget.SLIDE_HOLD, budget.SLIDE_HOLD + budget.SLIDE_MORE, budget.SLIDE_TABLE)
            )
            + "</tr>"
            for size in _SLIDE
        )
        heads = "".join(
            f"<th>{escape(text(lang, f'cost.slide_{name}'))}</th>" for name in ("size", "hold", "rule", "table")
        )
        note = escape(text(lang, "cost.slide_note"))
        return (
            f'<div class="scroll" tabindex="0"><table class="plain"><tr>{heads}</tr>{rows}</table></div><p>{note}</p>'
        )

    async def memory(self, lang: str, *form: Any) -> str:
        """Memory of one GPU by part, and how many of each kind hold it."""
        model, plan = _read(form)
        found = budget.memory(model, plan)
        figures = figures_html(
            [
                (_size(lang, found.total), text(lang, "cost.per_gpu")),
                (_size(lang, 4 * model.parameters), text(lang, "cost.to_hold")),
                (number(lang, found.total / model.parameters, 1), text(lang, "cost.per_parameter")),
            ]
        )
        chart = bars_html(_bars(lang, found), caption=text(lang, "cost.by_part"))
        cards = "".join(_card_html(lang, model, plan, card) for card in budget.cards())
        return f'{figures}<div class="beside"><div>{chart}</div><ul>{cards}</ul></div>'

    async def bill(self, lang: str, parameters: Any, count: Any, *money: Any) -> str:
        """Time, money, energy and CO₂ of the whole training."""
        tokens, card_name, utilisation, price, grams = money
        card = next(card for card in budget.cards() if card.name == CARD.check(card_name))
        found = budget.bill(
            PARAMETERS.real(parameters) * 1e9,
            TOKENS.real(tokens) * 1e9,
            card,
            CARD_COUNT.whole(count),
            UTILISATION.real(utilisation),
            PRICE.real(price),
            GRAMS.real(grams),
        )
        hours = (
            f"{number(lang, found.hours, 1)} h"
            if found.hours < 48
            else text(lang, "cost.days", days=round(found.hours / 24))
        )
        return figures_html(
            [
                (f"{found.flops:.1e}", text(lang, "cost.flops")),
                (hours, text(lang, "cost.duration", gpus=number(lang, found.gpus), card=card.name)),
                (f"{number(lang, found.money)} $", text(lang, "cost.money")),
                (f"{number(lang, found.kwh)} kWh", text(lang, "cost.energy")),
                (f"{number(lang, found.co2_kg)} kg", text(lang, "cost.co2")),
            ]
        )

    async def check(self, lang: str, request: gr.Request) -> tuple[str, Measured]:
        """Do one real step of a small model: what it took beside the estimate by part, drawn, and as it was measured.

        Raises:
            StillAtWork, LineFull, MeasuringTooLarge.
        """
        with line().join(request.session_hash or ""):
            async with line().turn:
                measured = await _measure()
        return self.checked(lang, measured), measured

    def checked(self, lang: str, measured: Measured | None) -> str:
        """The real step beside its estimate; nothing before there was one."""
        if measured is None:
            return ""
        model = Model(_STEP["layers"], _STEP["width"], 6, _STEP["vocabulary"], 4 * _STEP["width"])
        found = budget.memory(model, Plan(precision="fp32", batch=_STEP["batch"], context=_STEP["context"]))
        rows = ""
        for part in (*_PARTS[:4], "peak"):
            guess = found.total if part == "peak" else getattr(found, part)
            name = escape(text(lang, f"cost.part_{part}"))
            real = measured[part]
            cells = (f"{guess / 1e6:.0f} MB", f"{real / 1e6:.0f} MB", f"{100 * guess / real - 100:+.0f} %")
            rows += f"<tr><th scope='row'>{name}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        heads = "".join(f"<th>{escape(text(lang, f'cost.{name}'))}</th>" for name in ("part", "guess", "real", "off"))
        about = escape(text(lang, "cost.check_about", size=number(lang, model.parameters / 1e6, 1)))
        return (
            f'<p>{about}</p><div class="scroll" tabindex="0"><table class="plain"><tr>{heads}</tr>{rows}</table></div>'
        )


async def _measure() -> Measured:
    """Bytes by part of the real step, done in a process of its own. Raises MeasuringTooLarge."""
    async with asyncio.timeout(_STEP_SECONDS):
        return await ask_module(
            "common.training.probe",
            json.dumps(_STEP),
            environment={**os.environ, **without_holes(), "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
            died=errors.MeasuringTooLarge,
        )


def _read(form: tuple[Any, ...]) -> tuple[Model, Plan]:
    parameters, precision, optimizer, batch, context, rank, checkpointing, count, sharding = form
    plan = Plan(
        precision=cast("budget.Precision", PRECISION.check(precision)),
        optimizer=cast("budget.Optimizer", OPTIMIZER.check(optimizer)),
        batch=BATCH_SIZE.whole(batch),
        context=SEQUENCE.whole(context),
        checkpointing=CHECKPOINTING.check(checkpointing) == "on",
        lora_rank=LORA.whole(rank),
        gpus=CARD_COUNT.whole(count),
        sharding=cast("budget.Sharding", SHARDING.check(sharding)),
    )
    if plan.precision in ("int8", "int4") and not plan.lora_rank:
        raise errors.InvalidInput(field="lora_rank", allowed=errors.Phrase("lora_needed"))
    return Model.of_size(PARAMETERS.real(parameters) * 1e9), plan


def _card_html(lang: str, model: Model, plan: Plan, card: Card) -> str:
    """How many of a card hold the training, and where its figures are from."""
    count = budget.gpus_needed(model, plan, card)
    key = "cost.never" if count is None else "cost.needs"
    needed = escape(text(lang, key, count=count, card=card.name))
    source = escape(text(lang, "cost.data_sheet", card=card.source))
    return f'<li>{needed} <span class="quiet">({number(lang, card.memory_gb)} GB, {source})</span></li>'


def _bars(lang: str, found: Memory) -> list[Bar]:
    return [
        Bar(text(lang, f"cost.part_{part}"), getattr(found, part), _size(lang, getattr(found, part)), kind=kind)
        for part, kind in zip(_PARTS, _KINDS, strict=True)
    ]


def _size(lang: str, count: float) -> str:
    return f"{number(lang, count / 1e9, 1)} GB" if count >= 1e8 else f"{number(lang, count / 1e6, 1)} MB"
