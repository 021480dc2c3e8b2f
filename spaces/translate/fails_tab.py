"""The Where it fails tab: kinds of failure, each live on a sentence, and one switch that may fix it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape
from typing import Any

import gradio as gr
from fails_drawing import failure_html
from fails_look import EXAMPLES, KINDS, NUMBERS, Failure, look
from translate_page import SOURCE, TARGET, TranslatePage, check_field

from common import errors
from common.translation.models import TranslationModels
from common.ui.errors import guarded
from common.ui.fields import Choice, Text, from_address
from common.ui.i18n import text
from common.ui.links import link_button
from common.ui.page import language_of_visit

KIND = Choice("failure", KINDS[0], KINDS)
FIX = Choice("fix", "off", ("off", "on"))
_FIRST = EXAMPLES[KINDS[0]]
# Enough for a very long sentence; how much the model takes in one piece is a matter of tokens (``fails_look``).
SENTENCE = Text("sentence", _FIRST.sentence, 1_000)
CONTEXT = Text("context", EXAMPLES["word"].context, 1_000)


class FailsHandlers:
    """The handlers of the tab. ``shown`` is what is on the page, or None."""

    def __init__(self, models: TranslationModels) -> None:
        self._models = models

    async def run(
        self, lang: str, kind: Any, sentence: Any, source: Any, target: Any, context: Any, fix: Any
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Translate as it is and, if the switch is on, with the fix. Yields (shown, picture, note)."""
        what = str(KIND.check(kind))
        wanted = (check_field(SENTENCE, sentence), str(SOURCE.check(source)), str(TARGET.check(target)))
        around, switched = check_field(CONTEXT, context), FIX.check(fix) == "on"
        yield gr.skip(), gr.skip(), f'<p class="quiet">{escape(text(lang, "fails.working"))}</p>'
        try:
            shown = await look(self._models, what, *wanted, around, switched)
        except errors.DemystifyError:
            yield gr.skip(), gr.skip(), ""
            raise
        yield shown, failure_html(lang, shown), ""

    def choose(self, lang: str, kind: Any) -> tuple[Any, ...]:
        """Another kind: its sentence and languages, the switch off. (sentence, source, target, context, fix, ...)."""
        what = str(KIND.check(kind))
        example = EXAMPLES[what]
        context = gr.update(value=example.context or CONTEXT.default, visible=what == "word")
        return example.sentence, example.source, example.target, context, "off", about_html(lang, what), None, ""

    def tell(self, lang: str, kind: Any) -> tuple[Any, ...]:
        """What the kind is, and whether it needs a sentence around a word. Returns (about, context)."""
        what = str(KIND.check(kind))
        return about_html(lang, what), gr.update(visible=what == "word")

    def relabel(self, lang: str, shown: Failure | None) -> Any:
        """The picture in another language."""
        return gr.skip() if shown is None else failure_html(lang, shown)


def about_html(lang: str, kind: str) -> str:
    """Why models fail in this way, and what the switch does."""
    why, fix = text(lang, f"fails.why_{kind}"), text(lang, f"fails.fix_{kind}", n=NUMBERS.get(kind, 0))
    return f"<p>{escape(why)}</p><p><b>{escape(text(lang, 'fails.the_fix'))}</b> {escape(fix)}</p>"


def build(page: TranslatePage) -> None:
    """Lay out the tab and wire it."""
    handlers, words, lang = FailsHandlers(page.models), page.words, page.lang
    page.idea("fails")
    shown = gr.State(None)
    kind = words(
        gr.Radio,
        keys={"label": "fails.kind", "choices": [(f"fails.kind_{name}", name) for name in KINDS]},
        value=KIND.default,
        elem_id="fails-kind",
    )
    about = gr.HTML("", elem_id="fails-about")  # depends on the kind, so that the switch of language cannot fill it
    sentence = SENTENCE.box(words, "fails.sentence", max_lines=5, elem_id="fails-sentence")
    context = CONTEXT.box(words, "fails.context", visible=False, max_lines=3, elem_id="fails-context")
    with gr.Row():
        source = page.languages("translate.from", Choice(SOURCE.name, _FIRST.source, SOURCE.options), min_width=130)
        target = page.languages("translate.into", Choice(TARGET.name, _FIRST.target, TARGET.options), min_width=130)
    with gr.Row(equal_height=True):
        fix = words(
            gr.Radio,
            keys={"label": "fails.switch", "choices": [(f"fails.switch_{name}", name) for name in FIX.options]},
            value=FIX.default,
            min_width=220,
            elem_id="fails-fix",
        )
        go = words(gr.Button, keys={"value": "fails.go"}, variant="primary", min_width=160, elem_id="fails-go")
    note = gr.HTML("", elem_id="fails-note")
    picture = gr.HTML("", elem_id="fails-view", padding=False)
    link_button(
        page,
        "fails",
        {
            "kind": (KIND, kind),
            "q": (SENTENCE, sentence),
            "src": (SOURCE, source),
            "tgt": (TARGET, target),
            "context": (CONTEXT, context),
            "fix": (FIX, fix),
        },
    )

    def arrive(request: gr.Request) -> list[Any]:
        named = from_address({"kind": KIND}, dict(request.query_params)).get("kind", KIND.default)
        return list(handlers.tell(language_of_visit(request), named))

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on(
        [go.click, sentence.submit, context.submit, fix.input],
        guarded(handlers.run),
        [lang, kind, sentence, source, target, context, fix],
        [shown, picture, note],
        trigger_mode="always_last",
        **quiet,
    )
    filled = [sentence, source, target, context, fix, about, shown, picture]
    kind.input(guarded(handlers.choose), [lang, kind], filled, queue=False, **quiet)
    # An address may name the kind, too. The picture is left to `choose`: what is read here may be from before it.
    told: dict[str, Any] = {"queue": False, "trigger_mode": "always_last", **quiet}
    kind.change(guarded(handlers.tell), [lang, kind], [about, context], **told)
    page.on_language(guarded(handlers.tell), [kind], [about, context])
    page.arrival.add([about, context], arrive)
    page.on_language(guarded(handlers.relabel), [shown], [picture])
