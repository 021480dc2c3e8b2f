"""State in the address: a link that opens a tab with its inputs filled in, and nothing kept on any server.

A tab names its inputs once; from that come the link and, on a visit, the checked values. Knows nothing about tabs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from common.ui.fields import Field, from_address
from common.ui.i18n import text
from common.ui.page import Page

# Copying needs a secure context (https or this machine); elsewhere the link is put into the address bar instead.
_COPY = """async (...values) => {
  const names = %s;
  const address = new URL(window.location);
  address.search = '';
  const language = new URL(window.location).searchParams.get('lang');
  if (language) address.searchParams.set('lang', language);
  Object.entries(%s).forEach(([name, value]) => address.searchParams.set(name, value));
  names.forEach((name, index) => {
    const value = values[index];
    if (value !== null && value !== undefined && value !== '') address.searchParams.set(name, value);
  });
  window.history.replaceState(null, '', address);
  if (navigator.clipboard) await navigator.clipboard.writeText(address.toString()).catch(() => null);
  return [];
}"""


def link_button(
    page: Page, tab: str, inputs: Mapping[str, tuple[Field, Any]], part: str = "", first: bool = False
) -> None:
    """A button that copies a link to the tab with these inputs, and the reading of such links.

    Args:
        tab: the tab's id.
        inputs: (declaration, component) by name in the address.
        part: id of the inner tab they belong to, for a tab that has several.
        first: the tab is what a page opens with, so that an address without a tab means it, too.
    """
    place = {"tab": tab, "part": part} if part else {"tab": tab}
    button = page.words(
        gr.Button, keys={"value": "common.copy_link"}, size="sm", elem_id="-".join([*place.values(), "link"])
    )
    components = [component for _, component in inputs.values()]
    fields = {name: field for name, (field, _) in inputs.items()}
    code = _COPY % (json.dumps(list(inputs)), json.dumps(place))
    button.click(None, components, None, js=code).then(
        lambda lang: gr.Info(text(lang, "common.copied"), title=""),
        page.lang,
        None,
        queue=False,
        api_visibility="private",
    )

    def fill(request: gr.Request) -> list[Any]:
        query = dict(request.query_params)
        meant = all(query.get(name, value if first else None) == value for name, value in place.items())
        values = from_address(fields, query) if meant else {}
        return [gr.update(value=values[name]) if name in values else gr.skip() for name in fields]

    page.arrival.add(components, fill)


def open_tab_of_address(page: Page, tabs: gr.Tabs, names: tuple[str, ...], level: str = "tab") -> None:
    """Show the tab that the address names; ``level`` "part" is for the tabs inside one."""

    def choose(request: gr.Request) -> list[Any]:
        wanted = request.query_params.get(level)
        return [gr.update(selected=wanted) if wanted in names else gr.skip()]

    page.arrival.add([tabs], choose)
