"""Functions for programs: each is an endpoint of the web API, and a tool of the MCP server at /gradio_api/mcp/.

Its docstring is what programs and models read about it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio import processing_utils, utils

from common.ui.errors import guarded_api


def endpoint(name: str, handler: Callable[..., Any], queue: bool = True) -> None:
    """Make a coroutine or async generator callable under ``name``; its errors are sentences in English.

    Call it before the tab's own events: a name that is taken gets a number.

    Args:
        queue: through gradio's queue, which gives a stream to those who ask for one. Over MCP gradio makes one text of
            all that comes out of it; what gives a picture with its figures goes past it, as the model has a line of
            its own.
    """
    function = guarded_api(handler)
    function.__name__ = name  # MCP calls a tool as its function is called
    # Gradio sees two outputs in a tuple, but not in the words that a postponed annotation is.
    function.__signature__ = inspect.signature(handler, eval_str=True)  # type: ignore[attr-defined]
    gr.api(function, api_name=name, queue=queue, concurrency_limit=None)  # type: ignore[attr-defined]


def picture_file(content: bytes, name: str) -> gr.FileData:
    """A picture as an endpoint gives it: over the web API a file with an address, over MCP the picture itself.

    It goes when the other files of visits go.
    """
    path = processing_utils.save_bytes_to_cache(content, name, cache_dir=utils.get_upload_folder())
    return gr.FileData(path=path, orig_name=name, mime_type="image/png")
