"""The Cost tab: its layout, and which event sets off which handler. What they do is in cost_handlers.py."""

from __future__ import annotations

from typing import Any

import gradio as gr
from cost_handlers import (
    BATCH_SIZE,
    CARD,
    CARD_COUNT,
    CHECKPOINTING,
    GRAMS,
    LORA,
    OPTIMIZER,
    PARAMETERS,
    PRECISION,
    PRICE,
    SEQUENCE,
    SHARDING,
    TOKENS,
    UTILISATION,
    CostTab,
)
from train_page import TrainPage

from common.ui.errors import guarded
from common.ui.fields import Choice, Field
from common.ui.links import link_button


def build(page: TrainPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang = CostTab(), page.words, page.lang
    page.idea("cost")

    def choice(field: Choice, name: str, **props: Any) -> gr.Radio:
        keys: dict[str, Any] = {
            "label": f"cost.{name}",
            "choices": [(f"cost.{name}_{option}", option) for option in field.options],
        }
        return words(gr.Radio, keys=keys, value=field.default, min_width=240, elem_id=f"cost-{name}", **props)

    words(gr.HTML, keys={"value": tab.slide})
    with gr.Row():
        parameters = PARAMETERS.box(words, "cost.parameters", min_width=200, elem_id="cost-parameters")
        precision = choice(PRECISION, "precision")
        optimizer = choice(OPTIMIZER, "optimizer")
    with gr.Row():
        batch = BATCH_SIZE.slider(words, "cost.batch", min_width=200)
        context = SEQUENCE.slider(words, "cost.sequence", min_width=200)
        rank = LORA.slider(words, "cost.lora", min_width=200, elem_id="cost-lora")
    with gr.Row():
        checkpointing = choice(CHECKPOINTING, "checkpointing")
        count = CARD_COUNT.slider(words, "cost.gpus", min_width=200)
        sharding = choice(SHARDING, "sharding")
    drawn = gr.HTML("", elem_id="cost-memory")
    words(gr.Markdown, keys={"value": "cost.time_heading"})
    with gr.Row():
        tokens = TOKENS.box(words, "cost.tokens", min_width=200)
        card = gr.Dropdown(list(CARD.options), value=CARD.default, label="GPU", min_width=200, elem_id="cost-card")
        utilisation = UTILISATION.slider(words, "cost.utilisation", min_width=200)
    with gr.Row():
        price = PRICE.box(words, "cost.price", min_width=200)
        grams = GRAMS.box(words, "cost.grams", min_width=200)
    paid = gr.HTML("", elem_id="cost-bill")
    words(gr.Markdown, keys={"value": "cost.check_heading"})
    check = words(gr.Button, keys={"value": "cost.check"}, elem_id="cost-check")
    checked, measured = gr.HTML("", elem_id="cost-checked"), gr.State(None)

    form: list[Any] = [parameters, precision, optimizer, batch, context, rank, checkpointing, count, sharding]
    money: list[Any] = [tokens, card, utilisation, price, grams]
    declared: list[Field] = [PARAMETERS, PRECISION, OPTIMIZER, BATCH_SIZE, SEQUENCE, LORA, CHECKPOINTING, CARD_COUNT]
    declared += [SHARDING, TOKENS, CARD, UTILISATION, PRICE, GRAMS]
    fields = {field.name: (field, part) for field, part in zip(declared, (*form, *money), strict=True)}
    link_button(page, "cost", fields)
    live: dict[str, Any] = {"trigger_mode": "always_last", "api_visibility": "private", "show_progress": "hidden"}
    gr.on([part.change for part in form], guarded(tab.memory), [lang, *form], drawn, **live)
    gr.on(
        [part.change for part in (*form, *money)],
        guarded(tab.bill),
        [lang, parameters, count, *money],
        paid,
        **live,
    )
    page.on_language(guarded(tab.memory), form, [drawn], on_visit=True)
    page.on_language(guarded(tab.bill), [parameters, count, *money], [paid], on_visit=True)
    check.click(guarded(tab.check), lang, [checked, measured], api_visibility="private")
    page.on_language(guarded(tab.checked), [measured], [checked])
