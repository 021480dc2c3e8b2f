"""Blocks that become a web application once, when they are launched.

Gradio makes a FastAPI application and a complete description of the page each time a ``with`` of Blocks or of one of
their routes ends. A hub of ten pages would make nineteen of them, most of its start-up, and use the last. Knows nothing
about what is on a page.
"""

from __future__ import annotations

import functools
from typing import Any
from unittest.mock import patch

import gradio as gr
from gradio.routes import App


class Pages(gr.Blocks):
    """``gr.Blocks`` whose layout may end many times; ``launch`` makes the application, as it does in any case."""

    _laying_out = False

    def __exit__(self, *error: Any) -> None:
        self._laying_out = True
        try:
            with _without_application():
                super().__exit__(*error)
        finally:
            self._laying_out = False

    def get_config_file(self) -> Any:
        """What the browser needs to know of the pages; while they are being laid out, their names alone."""
        return {"pages": self.pages} if self._laying_out else super().get_config_file()

    def queue(self, *arguments: Any, **options: Any) -> Pages:
        """As in gradio, to be followed by ``launch``."""
        with _without_application():
            super().queue(*arguments, **options)
        return self

    def launch(self, *arguments: Any, **options: Any) -> Any:
        """As in gradio, which describes the components twice, though they are the same."""
        describe = functools.cache(self.default_config.get_config)
        with patch.object(self.default_config, "get_config", describe):
            return super().launch(*arguments, **options)


def _without_application() -> Any:
    # There is no setting for it; a gradio that builds its application elsewhere only takes its time again.
    return patch.object(App, "create_app", return_value=None)
