"""The hub over MCP: a real client lists the tools, calls them, and gets a sentence for a bad call."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import io
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.types import CallToolResult, ImageContent, TextContent
from PIL import Image

from common.config import Settings
from common.diffusion.models import DiffusionModels
from common.text.engines.process import ProcessEngine
from common.text.models import TextModels

pytestmark = pytest.mark.slow
T = TypeVar("T")


@pytest.fixture(scope="module")
def url(engine: ProcessEngine, tiny_diffusion: Path) -> Iterator[str]:
    hub = Path(__file__).resolve().parents[2] / "app.py"
    spec = importlib.util.spec_from_file_location("hub_app", hub)
    assert spec is not None and spec.loader is not None
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    models = TextModels()
    models._engine = engine
    diffusion = DiffusionModels(Settings(image_model=str(tiny_diffusion)))
    demo = app.build(models, diffusion=diffusion)
    demo.queue(default_concurrency_limit=None)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, mcp_server=True)
    yield f"{url}gradio_api/mcp/"
    demo.close()
    diffusion.close()


def _with_client(url: str, use: Callable[[ClientSession], Awaitable[T]]) -> T:
    async def talk() -> T:
        async with streamablehttp_client(url) as (read, write, _), ClientSession(read, write) as client:
            await client.initialize()
            return await use(client)

    return asyncio.run(talk())


def _said(result: CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, TextContent))


def test_tools_are_listed_with_what_they_take(url: str) -> None:
    tools = {tool.name: tool for tool in _with_client(url, ClientSession.list_tools).tools}
    chat = {"chat", "next_token", "sweep", "tokens", "calculate", "convert_unit", "time_in", "weather"}
    assert {*chat, "translate", "draw"} <= set(tools)
    assert set(tools["convert_unit"].inputSchema["properties"]) == {"value", "from_unit", "to_unit"}
    assert "arithmetic" in (tools["calculate"].description or "")


@pytest.mark.parametrize(
    ("tool", "arguments", "answer"),
    [
        ("calculate", {"expression": "17.5 * (3 + 4)"}, "122.5"),
        ("convert_unit", {"value": "26", "from_unit": "mi", "to_unit": "km"}, "41.8429 km"),
        ("time_in", {"place": "Sydney"}, "UTC+1"),
        ("weather", {"city": "Paris"}, "Paris (invented)"),
        ("translate", {"text": "Je suis dans la maison.", "target": "en"}, "'source': 'fr'"),
    ],
)
def test_a_tool_answers(url: str, tool: str, arguments: dict[str, str], answer: str) -> None:
    result = _with_client(url, lambda client: client.call_tool(tool, arguments))
    assert not result.isError
    assert answer in _said(result)


def test_a_picture_comes_as_a_picture(url: str) -> None:
    arguments = {"prompt": "red apple", "steps": 2, "seed": 3}
    result = _with_client(url, lambda client: client.call_tool("draw", arguments))
    picture = next(part for part in result.content if isinstance(part, ImageContent))
    assert not result.isError and picture.mimeType == "image/png"
    with Image.open(io.BytesIO(base64.b64decode(picture.data))) as image:
        assert image.size == (32, 32)
    said = _said(result)
    assert "'together': 1" in said and len(said) < 1_000  # the picture is in no text


def test_the_model_answers(url: str) -> None:
    arguments = {"messages": [{"role": "user", "content": "Tell me about rivers."}], "max_new_tokens": 12, "seed": 1}
    result = _with_client(url, lambda client: client.call_tool("chat", arguments))
    assert not result.isError
    assert len(_said(result).split()) >= 3


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("calculate", {"expression": "__import__('os')"}, "no calculation"),
        ("convert_unit", {"value": "2", "from_unit": "kg", "to_unit": "km"}, "cannot be done"),
        ("chat", {"messages": []}, "type something first"),
        ("translate", {"text": "Haus", "source": "de", "target": "de"}, "No model here"),
        ("draw", {"prompt": " "}, "type something first"),
    ],
)
def test_a_bad_call_gets_a_sentence(url: str, tool: str, arguments: dict[str, object], sentence: str) -> None:
    result = _with_client(url, lambda client: client.call_tool(tool, arguments))
    assert result.isError
    assert sentence in _said(result)
