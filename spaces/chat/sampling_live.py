"""The sampling lab's second part: the next token of a real model, before and after each step of the choice.

The model is asked once for each prompt; its logits stay in the visitor's session, so that moving a slider is arithmetic
and the model is not asked again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from html import escape
from typing import Any

import gradio as gr
import numpy as np
from chat_page import (
    MIN_P,
    REPETITION_PENALTY,
    SEED,
    TEMPERATURE,
    TOP_K,
    TOP_P,
    ChatPage,
    check_length,
    sampling_settings,
)
from sampling_stages import DRAWS, ROWS, NextToken, draws_html, final_distribution, most_drawn, stages_html

from common import errors
from common.config import settings
from common.text.engine import GenerationRequest, SamplingSettings
from common.text.models import TextModels
from common.text.sampling import sample
from common.ui.errors import guarded
from common.ui.fields import Text
from common.ui.i18n import text
from common.ui.links import link_button

_START = "My favourite food is"


class LiveHandlers:
    """The handlers of the part. All give (what the model said, stages, draws)."""

    def __init__(self, models: TextModels) -> None:
        self._models = models

    async def look(self, lang: str, prompt: str, *controls: Any) -> AsyncIterator[tuple[Any, ...]]:
        """Ask the model, then show every step."""
        chosen = _settings(*controls)
        check_length(prompt)
        yield None, f'<p class="quiet">{escape(text(lang, "completion.looking"))}</p>', ""
        try:
            said = await self._ask(prompt)
        except errors.DemystifyError:
            yield None, "", ""
            raise
        yield said, await asyncio.to_thread(stages_html, lang, said, chosen), ""

    async def _ask(self, prompt: str) -> NextToken:
        tokens = await self._models.engine().tokenize(GenerationRequest(prompt=prompt))
        ids = [token.id for token in tokens if token.id is not None]
        glass = self._models.glass_box()
        logits = await glass.next_logits(ids)
        best = (await glass.candidates(ids, len(ids), ROWS))[-1]
        return NextToken(prompt, ids, logits, [one.id for one in best], {one.id: one.text for one in best})

    def redraw(self, lang: str, said: NextToken | None, *controls: Any) -> tuple[Any, ...]:
        """Other settings, same logits. Draws that were made with the old settings go."""
        if said is None:
            return gr.skip(), gr.skip(), gr.skip()
        said.draws = None
        return said, stages_html(lang, said, _settings(*controls)), ""

    def relabel(self, lang: str, said: NextToken | None, *controls: Any) -> tuple[Any, ...]:
        """The same in another language."""
        if said is None:
            return gr.skip(), gr.skip(), gr.skip()
        chosen = _settings(*controls)
        return gr.skip(), stages_html(lang, said, chosen), draws_html(lang, said, final_distribution(said, chosen))

    async def draw(
        self, lang: str, said: NextToken | None, prompt: str, seed: Any, *controls: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Draw many times from the final distribution, and set what came beside what was to be expected."""
        chosen, wanted = _settings(*controls), SEED.check(seed)
        if said is None or said.prompt != prompt:
            async for update in self.look(lang, prompt, *controls):
                yield update
                said = update[0]
        if said is None:
            return
        used = secrets.randbelow(2**31) if wanted is None else int(wanted)
        final = await asyncio.to_thread(final_distribution, said, chosen)
        rng = np.random.default_rng(used)
        said.draws = Counter(sample(final, rng) for _ in range(DRAWS)), used
        await self._learn(said, most_drawn(said.draws[0], final))
        yield said, gr.skip(), draws_html(lang, said, final)

    async def _learn(self, said: NextToken, ids: list[int]) -> None:
        """Texts of tokens that are not among the likeliest. One by one: halves of a character must not join up."""
        engine, unknown = self._models.engine(), [token for token in ids if token not in said.texts]
        found = await asyncio.gather(*(engine.tokenize(GenerationRequest(prompt_ids=(token,))) for token in unknown))
        for token, pieces in zip(unknown, found, strict=True):
            said.texts[token] = "".join(piece.text for piece in pieces)


def _settings(temperature: Any, top_k: Any, top_p: Any, min_p: Any, penalty: Any) -> SamplingSettings:
    return sampling_settings(temperature, top_p, 1, None, top_k, penalty, min_p)


def build(page: ChatPage) -> None:
    """Lay out the part and wire it."""
    handlers, words, lang = LiveHandlers(page.models), page.words, page.lang
    said = gr.State(None)
    prompt = words(
        gr.Textbox,
        keys={"label": "completion.prompt"},
        value=_START,
        lines=2,
        max_lines=6,
        max_length=settings().max_prompt_chars,
        elem_id="sampling-live-prompt",
    )
    # Settings at which every step has something to do.
    fields = [
        (replace(TEMPERATURE, default=0.8), "sampling.temperature"),
        (replace(TOP_K, default=20), "sampling.top_k"),
        (replace(TOP_P, default=0.85), "sampling.top_p"),
        (replace(MIN_P, default=0.2), "sampling.min_p"),
        (replace(REPETITION_PENALTY, default=1.0), "sampling.repetition_penalty"),
    ]
    with gr.Row():
        controls = [
            field.slider(words, key, min_width=320, elem_id=f"sampling-live-{field.name}") for field, key in fields
        ]
        seed = SEED.box(words, "sampling.seed", min_width=320, elem_id="sampling-live-seed")
    with gr.Row():
        look = words(
            gr.Button,
            keys={"value": "sampling.live_look"},
            variant="primary",
            min_width=160,
            elem_id="sampling-live-go",
        )
        draw = words(
            gr.Button,
            keys={"value": lambda lang: text(lang, "sampling.draw", n=DRAWS)},
            min_width=160,
            elem_id="sampling-live-draw",
        )
        inputs: dict[str, Any] = {"prompt": (Text("prompt", "", settings().max_prompt_chars), prompt)}
        inputs |= {field.name: (field, control) for (field, _), control in zip(fields, controls, strict=True)}
        link_button(page, "sampling", {**inputs, "seed": (SEED, seed)}, part="live")
    draws = gr.HTML("", elem_id="sampling-live-draws")
    stages = gr.HTML("", elem_id="sampling-live-stages")

    shown: list[Any] = [said, stages, draws]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    for trigger in (look.click, prompt.submit):
        trigger(guarded(handlers.look), [lang, prompt, *controls], shown, **quiet)
    for control in controls:
        control.change(
            guarded(handlers.redraw),
            [lang, said, *controls],
            shown,
            queue=False,
            trigger_mode="always_last",
            **quiet,
        )
    draw.click(guarded(handlers.draw), [lang, said, prompt, seed, *controls], shown, **quiet)
    page.on_language(guarded(handlers.relabel), [said, *controls], shown)
