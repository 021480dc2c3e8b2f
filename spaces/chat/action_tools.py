"""The tools of one visit: those of every machine, what other spaces of the hub lend, and the visitor's documents."""

from __future__ import annotations

from chat_page import ChatPage

from common.text.actions.search import search_tool
from common.text.actions.tool import Toolbox
from common.text.actions.toolbox import TOOLS


def tools_of(page: ChatPage, session: str | None) -> Toolbox:
    """What a visitor's model may call just now."""
    tools = [*TOOLS.values(), *page.tools]
    library = page.libraries.get(session or "")
    if library is not None and library.index is not None:
        tools.append(search_tool(library.index))
    return {tool.name: tool for tool in tools}
