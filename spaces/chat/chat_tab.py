"""The Chat tab: its layout, and which event sets off which handler. What they do is in chat_handlers.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import chat_choice
import gradio as gr
from chat_page import MAX_NEW_TOKENS, REPETITION_PENALTY, SEED, TEMPERATURE, TOP_P, ChatPage
from own_models import CHAT, lay_out_note

from common.config import settings
from common.ui.api import endpoint
from common.ui.components import folded
from common.ui.errors import guarded
from common.ui.fields import Text
from common.ui.i18n import text
from common.ui.links import link_button

_EXAMPLES = 4
# The browser holds the conversation, so the browser writes the file.
_EXPORT = """(stored) => {
  const talk = stored && stored.conversations.find((one) => one.id === stored.current);
  if (!talk) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(talk, null, 2)], {type: 'application/json'}));
  link.download = 'conversation.json';
  link.click();
  URL.revokeObjectURL(link.href);
}"""


def build(page: ChatPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang = chat_choice.ChoiceTab(page), page.words, page.lang
    page.idea("chat")
    store = gr.BrowserState(None, storage_key="demystify-chat", secret="demystify")  # noqa: S106 - hides, not protects
    if page.own is not None:
        lay_out_note(page, page.own, page.owner, CHAT)
    chatbot = words(
        gr.Chatbot,
        keys={"label": "chat.conversation"},
        height="min(26rem, 60vh)",
        show_label=False,
        editable="user",
        sanitize_html=True,
        buttons=["copy"],
        elem_id="chat",
    )
    with gr.Row(elem_classes=["example-row"]):
        examples = {
            f"chat.example_{n}": words(
                gr.Button, keys={"value": f"chat.example_{n}"}, size="sm", min_width=160, elem_id=f"chat-example-{n}"
            )
            for n in range(1, _EXAMPLES + 1)
        }
    with gr.Row(elem_id="chat-say"):
        message = words(
            gr.Textbox,
            keys={"label": "chat.message", "placeholder": "chat.placeholder"},
            lines=1,
            max_lines=6,
            scale=6,
            min_width=300,
            show_label=False,
            container=False,
            max_length=settings().max_prompt_chars,
            elem_id="chat-message",
        )
        send = words(
            gr.Button, keys={"value": "chat.send"}, variant="primary", scale=1, min_width=90, elem_id="chat-send"
        )
        stop = words(gr.Button, keys={"value": "common.stop"}, scale=1, min_width=90, elem_id="chat-stop")
    choice = chat_choice.lay_out(page)
    figures = gr.HTML("", elem_id="chat-figures")
    meter = gr.HTML("", elem_id="chat-context")
    sees = words(gr.Checkbox, keys={"label": "chat.sees"}, value=False, container=False, elem_id="chat-sees")
    view = gr.HTML("", elem_id="chat-view")
    with folded(words, "chat.settings"):
        system = words(
            gr.Textbox,
            keys={"label": "chat.system", "placeholder": "chat.system_hint"},
            lines=2,
            max_length=settings().max_prompt_chars,
        )
        with gr.Row():
            temperature = TEMPERATURE.slider(words, "chat.temperature", min_width=220)
            top_p = TOP_P.slider(words, "chat.top_p", min_width=220)
        with gr.Row():
            longest = MAX_NEW_TOKENS.slider(words, "chat.max_new_tokens", min_width=220)
            penalty = REPETITION_PENALTY.slider(words, "chat.repetition_penalty", min_width=220)
            seed = SEED.box(words, "chat.seed", min_width=220)
        link_button(
            page,
            "chat",
            {
                "message": (Text("message", "", settings().max_prompt_chars), message),
                "system": (Text("system", "", settings().max_prompt_chars), system),
                "temperature": (TEMPERATURE, temperature),
                "top_p": (TOP_P, top_p),
                "max_new_tokens": (MAX_NEW_TOKENS, longest),
                "repetition_penalty": (REPETITION_PENALTY, penalty),
                "seed": (SEED, seed),
            },
        )
    with words(gr.Accordion, keys={"label": "chat.more"}, open=False, elem_id="chat-shelf"):
        with gr.Row():
            which = words(gr.Dropdown, keys={"label": "chat.which"}, choices=[], interactive=True, min_width=220)
            branches = words(
                gr.Dropdown, keys={"label": "chat.branch"}, choices=[], interactive=True, visible=False, min_width=220
            )
            turns = words(
                gr.Dropdown, keys={"label": "chat.go_on"}, choices=[], interactive=True, visible=False, min_width=220
            )
        with gr.Row():
            new = words(gr.Button, keys={"value": "chat.new"}, min_width=140, elem_id="chat-new")
            delete = words(gr.Button, keys={"value": "chat.delete"}, min_width=140)
            export = words(gr.Button, keys={"value": "chat.export"}, min_width=140, elem_id="chat-export")
            upload = words(
                gr.UploadButton,
                keys={"label": "chat.import"},
                file_types=[".json"],
                min_width=140,
                elem_id="chat-import",
            )

    shown = [store, chatbot, which, branches, turns, system]
    everything = [*shown, figures, meter]
    controls = [system, temperature, top_p, longest, seed, penalty]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    look = {"fn": guarded(tab.sees), "inputs": [lang, sees, store, system], "outputs": view, **quiet}

    runs: list[Any] = []
    for trigger in (send.click, message.submit):
        runs.append(
            trigger(
                guarded(tab.send_one_or_two),
                [lang, choice.wanted, store, message, *controls],
                [message, *everything, *choice.written],
                **quiet,
            )
        )
    runs.append(chatbot.retry(guarded(tab.again), [lang, store, *controls], [message, *everything], **quiet))
    runs.append(chatbot.edit(guarded(tab.edit), [lang, store, *controls], [message, *everything], **quiet))
    runs += chat_choice.wire(page, tab, choice, store, everything)
    for run in runs:
        run.success(**look)
    stop.click(guarded(tab.stop), lang, None, queue=False, **quiet)
    chatbot.undo(guarded(tab.undo), [lang, store], [message, *shown], **quiet).success(**look)
    chatbot.clear(guarded(tab.new), [lang, store], everything, **quiet).success(**look)
    # Shown in the visitor's language, sent in English: the embedded model has learned hardly anything else.
    for key, example in examples.items():
        example.click(partial(text, "en", key), None, message, queue=False, **quiet)
    new.click(guarded(tab.new), [lang, store], everything, **quiet).success(**look)
    delete.click(guarded(tab.delete), [lang, store], everything, **quiet).success(**look)
    which.input(guarded(tab.choose), [lang, store, which], everything, **quiet).success(**look)
    branches.input(guarded(tab.branch), [lang, store, branches], everything, **quiet).success(**look)
    turns.input(guarded(tab.branch), [lang, store, turns], everything, **quiet).success(**look)
    export.click(None, store, None, js=_EXPORT, **quiet)
    upload.upload(guarded(tab.import_), [lang, store, upload], everything, **quiet).success(**look)
    sees.change(**look)
    page.demo.load(guarded(tab.restore), [lang, store], shown, **quiet)
    page.on_language(guarded(tab.relabel), [store], [which, branches, turns])
    endpoint("chat", tab.api)
