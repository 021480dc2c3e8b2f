"""The Actions tab: its layout, and which event sets off which handler. What they do is in actions_handlers.py."""

from __future__ import annotations

from html import escape
from typing import Any

import actions_api
import gradio as gr
from actions_handlers import ACTION, APPROVAL, CALL, CONSTRAINED, TEMPERATURE, ActionsTab
from chat_page import SEED, ChatPage

from common.ui.components import folded
from common.ui.errors import guarded
from common.ui.fields import Field
from common.ui.i18n import text
from common.ui.links import link_button

# One for each tool of this machine, in the language the model knows best.
_EXAMPLES = (
    "What is 17.5 * (3 + 4)?",
    "Convert 5 kilometres to miles.",
    "What time is it in Sydney?",
    "How is the weather in Paris?",
)


def build(page: ChatPage) -> None:
    """Lay out the tab and wire it."""
    actions_api.register()
    tab, words, lang = ActionsTab(page), page.words, page.lang
    page.idea("actions")
    question = ACTION.box(
        words,
        "actions.question",
        placeholder="actions.question_hint",
        max_lines=3,
        elem_id="actions-question",
    )
    with gr.Row():
        lent = [tool.examples[0][0] for tool in page.tools]
        examples = [gr.Button(example, size="sm", min_width=150) for example in (*_EXAMPLES, *lent)]
    words(gr.HTML, keys={"value": _more_tools}, padding=False)
    with gr.Row():
        constrained = words(
            gr.Radio,
            keys={"label": "actions.constrained", "choices": [(f"actions.{name}", name) for name in ("on", "off")]},
            value=CONSTRAINED.default,
            min_width=220,
            elem_id="actions-constrained",
        )
        approval = words(
            gr.Radio,
            keys={"label": "actions.approval", "choices": [(f"actions.{name}", name) for name in ("ask", "always")]},
            value=APPROVAL.default,
            min_width=220,
            elem_id="actions-approval",
        )
    with folded(words, "chat.settings"), gr.Row():
        temperature = TEMPERATURE.slider(words, "chat.temperature", min_width=220)
        seed = SEED.box(words, "chat.seed", min_width=220)
    with gr.Row():
        go = words(gr.Button, keys={"value": "actions.go"}, variant="primary", min_width=150, elem_id="actions-go")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="actions-stop")
    drawn = gr.HTML("", elem_id="actions-trace")
    call = CALL.box(words, "actions.call", info="actions.call_hint", max_lines=4, elem_id="actions-call")
    with gr.Row():
        approve = words(
            gr.Button, keys={"value": "actions.approve"}, variant="primary", min_width=150, elem_id="actions-approve"
        )
        repair = words(gr.Button, keys={"value": "actions.repair"}, min_width=150, elem_id="actions-repair")
    trace = gr.State(None)
    fields: dict[str, tuple[Field, Any]] = {
        "question": (ACTION, question),
        "constrained": (CONSTRAINED, constrained),
        "approval": (APPROVAL, approval),
        "temperature": (TEMPERATURE, temperature),
        "seed": (SEED, seed),
    }
    link_button(page, "actions", fields)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    shown = [trace, drawn, call]
    form = [approval, temperature, seed]
    for event in (go.click, question.submit):
        event(guarded(tab.ask), [lang, question, constrained, *form], shown, **quiet)
    repair.click(guarded(tab.repair), [lang, trace, *form], shown, **quiet)
    approve.click(guarded(tab.approve), [lang, trace, call], shown, **quiet)
    stop.click(guarded(tab.stop), lang, None, queue=False, **quiet)
    question.focus(tab.warm_up, None, None, queue=False, **quiet)
    for button in examples:
        button.click(lambda label: label, button, question, queue=False, **quiet)
        button.click(tab.warm_up, None, None, queue=False, **quiet)
    page.on_language(guarded(tab.relabel), [trace], [drawn])


def _more_tools(lang: str) -> str:
    return f'<p class="quiet">{escape(text(lang, "actions.more_tools"))}</p>'
