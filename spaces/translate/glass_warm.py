"""The model to look inside, loaded before the first click: as soon as somebody comes to a tab that needs it.

torch and transformers take seconds to import. At start-up that would keep everybody waiting, and cost memory that most
visits never use; at the click it would keep the visitor waiting.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import gradio as gr
from player_look import warm_up
from translate_page import EXAMPLE

from common import errors
from common.translation.models import TranslationModels
from common.ui.page import Page

log = logging.getLogger(__name__)
# The page's own questions come first: so long after a visitor's arrival, in seconds.
_LATER = 0.5
# What people look at first, each direction with a model of its own.
_FIRST = ((EXAMPLE, "sk", "en"), ("I love the DSA seminar", "en", "sk"))


class Warming:
    """Loads the models once, in the background."""

    def __init__(self, models: TranslationModels) -> None:
        self._models = models
        self._lock = threading.Lock()
        self._begun = False
        self.ready = threading.Event()

    def watch(self, page: Page, name: str, tab: gr.Tab) -> None:
        """Begin when somebody chooses this tab, or comes by a link to it."""
        tab.select(self.begin, None, None, queue=False, api_visibility="private", show_progress="hidden")

        def arrive(request: gr.Request) -> list[Any]:
            if request.query_params.get("tab") == name:
                self.begin()
            return []

        page.arrival.add([], arrive)

    def begin(self) -> None:
        """Returns at once; does nothing the second time."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        timer = threading.Timer(_LATER, self._work)
        timer.daemon = True
        timer.start()

    def _work(self) -> None:
        """What cannot be loaded is said to whoever asks for it, and tried again with the next visit."""
        try:
            for sentence, source, target in _FIRST:
                warm_up(self._models, sentence, source, target)
        except errors.DemystifyError as problem:
            log.warning("%s", problem)
            self._begun = False
        else:
            self.ready.set()
