"""Who asks: the presenter, or who votes. One check for every handler, which holds for calls of the API as well."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

import gradio as gr
from gradio.context import LocalContext
from starlette.requests import cookie_parser

from common import errors
from common.config import settings
from common.seminar.access import access

F = TypeVar("F", bound=Callable[..., Any])
# Every handler that nobody but the presenter may set off, by module and name; a test calls each over HTTP.
PRESENTER_ONLY: set[str] = set()


def is_presenter(request: gr.Request) -> bool:
    """Whether this request comes from the presenter's browser."""
    return access().is_presenter(_cookies(request))


def presenter_asks() -> bool:
    """Whether the handler at work was set off by the presenter; False outside of handlers."""
    request = LocalContext.request.get(None)
    return request is not None and is_presenter(request)


def may_change_models(request: gr.Request | None) -> bool:
    """Whether this visitor may load another model than those that all share: alone everybody, in a room the presenter.

    Without a request, as from a program inside, it is not the presenter.
    """
    return not settings().for_a_room or (request is not None and is_presenter(request))


def voter(request: gr.Request) -> str:
    """The name that this browser got from the server with its first page; empty when it does not send it back."""
    return access().voter(_cookies(request))


def presenter_only(handler: F) -> F:
    """Let nobody else past. The handler has an argument ``request``.

    Raises, when called:
        PresenterOnly: it is not the presenter who asks.
    """
    PRESENTER_ONLY.add(f"{handler.__module__}.{handler.__qualname__}")
    signature = inspect.signature(handler)

    def check(*args: Any, **kwargs: Any) -> None:
        if not is_presenter(signature.bind(*args, **kwargs).arguments["request"]):
            raise errors.PresenterOnly()

    if inspect.isasyncgenfunction(handler):

        @functools.wraps(handler)
        async def agen(*args: Any, **kwargs: Any) -> Any:
            check(*args, **kwargs)
            async with contextlib.aclosing(handler(*args, **kwargs)) as items:
                async for item in items:
                    yield item

        return cast(F, agen)
    if inspect.iscoroutinefunction(handler):

        @functools.wraps(handler)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            check(*args, **kwargs)
            return await handler(*args, **kwargs)

        return cast(F, coroutine)

    @functools.wraps(handler)
    def function(*args: Any, **kwargs: Any) -> Any:
        check(*args, **kwargs)
        return handler(*args, **kwargs)

    return cast(F, function)


def _cookies(request: gr.Request) -> dict[str, str]:
    return cookie_parser(request.headers.get("cookie", ""))
