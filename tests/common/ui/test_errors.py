"""Whatever a handler raises, a visitor gets one sentence in their language, and streams are closed."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator

import gradio as gr
import pytest

from common import errors
from common.ui.errors import guarded, guarded_api
from common.ui.i18n import error_text, text


def test_a_known_error_becomes_its_sentence() -> None:
    @guarded
    def handler(lang: str) -> None:
        raise errors.QueueFull(waiting=7)

    with pytest.raises(gr.Error) as caught:
        handler("de")
    assert caught.value.message == text("de", "error.queue_full", waiting=7)


def test_all_of_a_sentence_is_in_the_language() -> None:
    unreachable = errors.ModelUnavailable(model="m", reason=errors.Phrase("hub_unreachable"))
    assert "(der Modell-Hub ist nicht erreichbar)" in error_text("de", unreachable)
    assert "(le hub des modèles est injoignable)" in error_text("fr", unreachable)
    between = errors.InvalidInput(
        field="temperature", allowed=errors.Phrase("number_between", minimum=0.05, maximum=2**31 - 1)
    )
    assert error_text("de", between).startswith("Der Wert für „Temperatur“")
    assert "von 0,05 bis 2.147.483.647" in error_text("de", between)
    assert "from 0.05 to 2,147,483,647" in error_text("en", between)


def test_what_others_wrote_stays_as_it_is() -> None:
    said = errors.Phrase("server_failed_saying", status=503, message="{model} is loading")
    assert "503: {model} is loading)" in error_text("it", errors.RemoteServerError(address="http://a:1", reason=said))
    setting = errors.InvalidInput(field="DEMYSTIFY_MODEL", allowed=errors.Phrase("hub_id"))
    assert "„DEMYSTIFY_MODEL“" in error_text("de", setting)


def test_an_unknown_error_becomes_one_sentence_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    @guarded
    async def handler(lang: str) -> None:
        raise ZeroDivisionError("inner detail")

    with pytest.raises(gr.Error) as caught:
        asyncio.run(handler("fr"))
    assert caught.value.message == text("fr", "error.unexpected")
    assert "inner detail" in caplog.text


def test_closing_a_guarded_stream_closes_what_it_drives() -> None:
    closed = []

    @guarded
    async def handler(lang: str) -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    async def run() -> None:
        stream = handler("en")
        assert await anext(stream) == 1
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(run())
    assert closed == [True]


def test_kind_and_signature_stay() -> None:
    @guarded
    async def handler(lang: str, value: int, request: gr.Request) -> AsyncIterator[int]:
        yield value

    assert inspect.isasyncgenfunction(handler)
    assert list(inspect.signature(handler).parameters) == ["lang", "value", "request"]


def test_a_programs_call_gets_the_english_sentence() -> None:
    @guarded_api
    async def answer(value: int) -> int:
        if value < 0:
            raise errors.QueueFull(waiting=7)
        return value

    assert asyncio.run(answer(3)) == 3
    with pytest.raises(gr.Error) as caught:
        asyncio.run(answer(-1))
    assert caught.value.message == text("en", "error.queue_full", waiting=7)
    assert inspect.iscoroutinefunction(answer)
