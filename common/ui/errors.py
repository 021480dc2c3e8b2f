"""From exceptions to sentences on the page: every handler that a visitor can set off goes through ``guarded``."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar, cast

import gradio as gr

from common.errors import DemystifyError
from common.ui.i18n import error_text, text

log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])


def as_gradio_error(problem: Exception, lang: str) -> gr.Error:
    """The error as the page shows it; unexpected ones are logged in full and shown as one sentence."""
    if isinstance(problem, gr.Error):
        return problem
    if not isinstance(problem, DemystifyError):
        log.error("unexpected error in a handler", exc_info=problem)
        problem = DemystifyError()
    return gr.Error(error_text(lang, problem), print_exception=False, title=text(lang, "common.error"))


def guarded(handler: F) -> F:
    """Wrap a handler whose first argument is the language, so that any error becomes one clear sentence.

    Works for functions, coroutines and (async) generators; the kind and the signature stay, since gradio looks at both.
    The name does not: gradio keeps it for the web API even of a private handler, and an endpoint of that name elsewhere
    in the hub would get a number.
    """
    wrapped = _guarded(handler)
    wrapped.__name__ = f"{getattr(handler, '__name__', 'page')}_handler"
    return wrapped


def _guarded(handler: F) -> F:

    if inspect.isasyncgenfunction(handler):

        @functools.wraps(handler)
        async def agen(lang: str, *args: Any, **kwargs: Any) -> Any:
            async with contextlib.aclosing(_relay(handler(lang, *args, **kwargs), lang)) as items:
                async for item in items:
                    yield item

        return cast(F, agen)
    if inspect.iscoroutinefunction(handler):

        @functools.wraps(handler)
        async def coroutine(lang: str, *args: Any, **kwargs: Any) -> Any:
            try:
                return await handler(lang, *args, **kwargs)
            except Exception as problem:
                raise as_gradio_error(problem, lang) from None

        return cast(F, coroutine)
    if inspect.isgeneratorfunction(handler):
        raise TypeError("write long handlers as async generators: a blocking one holds a thread for every visitor")

    @functools.wraps(handler)
    def function(lang: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return handler(lang, *args, **kwargs)
        except Exception as problem:
            raise as_gradio_error(problem, lang) from None

    return cast(F, function)


def guarded_api(handler: F) -> F:
    """Like ``guarded``, for a coroutine or async generator that programs call: no language, sentences in English."""

    if inspect.iscoroutinefunction(handler):

        @functools.wraps(handler)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            try:
                return await handler(*args, **kwargs)
            except Exception as problem:
                raise as_gradio_error(problem, "en") from None

        return cast(F, coroutine)

    @functools.wraps(handler)
    async def agen(*args: Any, **kwargs: Any) -> Any:
        async with contextlib.aclosing(_relay(handler(*args, **kwargs), "en")) as items:
            async for item in items:
                yield item

    return cast(F, agen)


async def _relay(stream: AsyncGenerator[Any, None], lang: str) -> AsyncGenerator[Any, None]:
    """The items of a handler's stream. A visitor who leaves closes it at once, which frees the model's place."""
    try:
        async for item in stream:
            yield item
    except Exception as problem:
        raise as_gradio_error(problem, lang) from None
    finally:
        await stream.aclose()
