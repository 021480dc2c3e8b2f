"""What only the presenter may do: one check for every handler, which holds for calls of the API as well."""

from __future__ import annotations

import gradio as gr
from gradio.context import LocalContext
from starlette.requests import cookie_parser

from common import errors
from common.seminar.access import access


def is_presenter(request: gr.Request) -> bool:
    """Whether this request comes from the presenter's browser."""
    return access().is_presenter(cookie_parser(request.headers.get("cookie", "")))


def presenter_asks() -> bool:
    """Whether the handler at work was set off by the presenter; False outside of handlers."""
    request = LocalContext.request.get(None)
    return request is not None and is_presenter(request)


def require_presenter(request: gr.Request) -> None:
    """Let nobody else past.

    Raises:
        PresenterOnly: it is not the presenter who asks.
    """
    if not is_presenter(request):
        raise errors.PresenterOnly()
