"""What the tab Inside the transformer does: look at one or two texts, follow a head, a token, a pair of words.

The layout is inside_tab.py. Layers and heads on the page count from 1, as people do; layer 0 is the embedding and head
0 the mean of a layer's heads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape
from typing import Any

import gradio as gr
from chat_page import check_length
from inside_attention import attention_html
from inside_look import Look, look_at, read_head, read_lens, read_pairs, usual_pair
from inside_states import following_html, lens_html, plane_html, stream_html

from common import errors
from common.text.models import TextModels
from common.ui.components import Chip, chips_html, percent
from common.ui.fields import Number
from common.ui.i18n import number, text
from common.ui.plots import Bar, bars_html

# The embedded model's layers and heads, and its head that looks most clearly from "book" to "student".
EMBEDDED_LAYERS, EMBEDDED_HEADS = 30, 9
LAYER = Number("layer", 28, 1, 200)
HEAD = Number("head", 8, 0, 200)
TOKEN = Number("token", 8, 1, 512)


class InsideHandlers:
    """The handlers of the tab. ``said`` is the text that was looked at, ``other`` the one it is compared with."""

    def __init__(self, models: TextModels) -> None:
        self._models = models

    async def look(
        self, lang: str, prompt: str, compared: str, layer: Any, head: Any, token: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Look at the texts. Yields (said, other, *pictures, *found heads, *controls, note)."""
        wanted_layer, wanted_head, place = LAYER.whole(layer), HEAD.whole(head), TOKEN.whole(token) - 1
        check_length(prompt)
        if compared.strip():
            check_length(compared)
        nothing = [None, None, *[""] * 8, *[gr.skip()] * 7]  # no texts, no pictures, the controls as they are
        yield (*nothing, f'<p class="quiet">{escape(text(lang, "inside.looking"))}</p>')
        try:
            said = await look_at(self._models, prompt)
            other = await look_at(self._models, compared) if compared.strip() else None
            place = said.place(place)
            wanted_layer, wanted_head = min(wanted_layer, said.layers), min(wanted_head, said.heads)
            source, first, second = usual_pair(said)
            await self._read_pairs(said, source, first, second)
            await self._read(said, other, wanted_layer, wanted_head, place)
        except errors.DemystifyError:
            yield (*nothing, "")
            raise
        choices = [(f"{word.text} ({word.last + 1})", index) for index, word in enumerate(said.words)]
        yield (
            said,
            other,
            *_pictures(lang, said, other, wanted_layer, wanted_head, place),
            plane_html(lang, said, 0, place),
            *_heads(lang, said),
            *(gr.update(choices=choices, value=value if choices else None) for value in (source, first, second)),
            gr.update(maximum=said.layers, value=wanted_layer),
            gr.update(maximum=said.heads, value=wanted_head),
            gr.update(maximum=said.layers, value=0),
            place + 1,
            "",
        )

    async def show(
        self, lang: str, said: Look | None, other: Look | None, layer: Any, head: Any, token: Any
    ) -> tuple[Any, ...]:
        """Another head or token, the same texts. Gives (said, other, *pictures)."""
        if said is None:
            return tuple([gr.skip()] * 7)
        wanted_layer, wanted_head = LAYER.whole(layer), HEAD.whole(head)
        place = said.place(TOKEN.whole(token) - 1)
        await self._read(said, other, wanted_layer, wanted_head, place)
        return said, other, *_pictures(lang, said, other, wanted_layer, wanted_head, place)

    async def choose_token(self, lang: str, said: Look | None, event: gr.EventData) -> int:
        """The token that was clicked, counted from 1."""
        if said is None:
            raise errors.EmptyPrompt()
        return TOKEN.whole(int(event.index) + 1)

    async def find(self, lang: str, said: Look | None, source: Any, first: Any, second: Any) -> tuple[Any, ...]:
        """Search the heads again, for other words. Gives (said, *found heads)."""
        if said is None or source is None:
            return gr.skip(), gr.skip(), gr.skip()
        await self._read_pairs(said, source, first, second)
        return said, *_heads(lang, said)

    def choose_first(self, lang: str, said: Look | None, event: gr.EventData) -> tuple[int, int, int]:
        """The head that was clicked in the first list, as (layer, head, token that looks) on the page."""
        return self._choose_head(said, 0, event)

    def choose_second(self, lang: str, said: Look | None, event: gr.EventData) -> tuple[int, int, int]:
        """The same for the second list."""
        return self._choose_head(said, 1, event)

    @staticmethod
    def _choose_head(said: Look | None, which: int, event: gr.EventData) -> tuple[int, int, int]:
        pair = said.pairs[which] if said is not None and which < len(said.pairs) else None
        index = int(event.index)
        if pair is None or not pair.heads or not 0 <= index < len(pair.heads):
            raise errors.EmptyPrompt()
        found = pair.heads[index]
        return found.layer + 1, found.head + 1, pair.source.last + 1

    def plane(self, lang: str, said: Look | None, layer: Any, token: Any) -> Any:
        """The plane after another layer."""
        if said is None:
            return gr.skip()
        return plane_html(lang, said, min(_PLANE.whole(layer), said.layers), said.place(TOKEN.whole(token) - 1))

    def relabel(self, lang: str, said: Look | None) -> tuple[Any, ...]:
        """The found heads in another language."""
        return _heads(lang, said) if said is not None else (gr.skip(), gr.skip())

    async def _read(self, said: Look, other: Look | None, layer: int, head: int, place: int) -> None:
        glass = self._models.glass_box()
        for look in (said, other):
            if look is not None:
                await read_head(glass, look, layer, head)
        await read_lens(glass, said, place)

    async def _read_pairs(self, said: Look, source: Any, *targets: Any) -> None:
        found = said.words
        if not found:
            return
        chosen = [found[Number("words", 0, 0, len(found) - 1).whole(index)] for index in (source, *targets)]
        await read_pairs(self._models.glass_box(), said, chosen[0], chosen[1:])


_PLANE = Number("layer", 0, 0, LAYER.maximum)


def _pictures(lang: str, said: Look, other: Look | None, layer: int, head: int, place: int) -> tuple[str, ...]:
    """The tokens, the attention of one or two texts, the stream, the lens, the next token's bars."""
    looks = [look for look in (said, other) if look is not None]
    name = head_name(lang, layer, head)
    attention, following = [], []
    for index, look in enumerate(looks):
        assert look.weights is not None  # noqa: S101 - the callers read it
        title = escape(f"{name} · {look.prompt[:60]}")
        drawn = attention_html(lang, [token.text for token in look.tokens], look.weights, look.place(place), str(index))
        attention.append(f'<section class="panel"><h4>{title}</h4>{drawn}</section>')
        following.append(f'<section class="panel">{following_html(lang, look)}</section>')
    return (
        _strip(look=said, place=place),
        f'<div class="panels">{"".join(attention)}</div>',
        stream_html(lang, said, place),
        lens_html(lang, said, place),
        f'<div class="panels">{"".join(following)}</div>',
    )


def _strip(look: Look, place: int) -> str:
    chips = [
        Chip(token.text, note=str(token.id), special=token.special, kind="prompt", selected=index == place)
        for index, token in enumerate(look.tokens)
    ]
    return chips_html(chips)


def _heads(lang: str, said: Look) -> tuple[str, str]:
    """A list of heads for each pair of words: the bar is the weight, its mark what was to be expected."""
    lists = []
    longest = max((one.weight for pair in said.pairs for one in pair.heads or []), default=1.0)
    for pair in said.pairs:
        words = {"source": pair.source.text, "target": pair.target.text}
        if pair.heads is None:
            lists.append(f'<p class="quiet">{escape(text(lang, "inside.look_back", **words))}</p>')
            continue
        bars = [
            Bar(
                head_name(lang, one.layer + 1, one.head + 1).replace(" ", "\N{NO-BREAK SPACE}"),
                one.weight,
                f"{percent(one.weight, lang)} ({percent(one.expected, lang)})",
                kind="attention",
                mark=one.expected,
            )
            for one in pair.heads
        ]
        if bars:
            lists.append(bars_html(bars, caption=text(lang, "inside.heads", **words), clickable=True, top=longest))
        else:
            lists.append(f'<p class="quiet">{escape(text(lang, "inside.no_heads", **words))}</p>')
    first, second = lists or ("", "")  # a text without words has none
    return first, second


def head_name(lang: str, layer: int, head: int) -> str:
    """A head by its two numbers, or the mean of a layer's heads."""
    if head == 0:
        return text(lang, "inside.mean_name", layer=number(lang, layer))
    return text(lang, "inside.head_name", layer=number(lang, layer), head=number(lang, head))
