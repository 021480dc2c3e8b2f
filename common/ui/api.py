"""Functions for programs: each is an endpoint of the web API, and a tool of the MCP server at /gradio_api/mcp/.

Its docstring is what programs and models read about it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from common.ui.errors import guarded_api


def endpoint(name: str, handler: Callable[..., Any]) -> None:
    """Make a coroutine or async generator callable under ``name``; its errors are sentences in English.

    Call it before the tab's own events: a name that is taken gets a number.
    """
    function = guarded_api(handler)
    function.__name__ = name  # MCP calls a tool as its function is called
    gr.api(function, api_name=name, concurrency_limit=None)  # type: ignore[attr-defined]
