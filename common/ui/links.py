"""State in the address: a link that opens a tab with its inputs filled in, and nothing kept on any server.

A tab names its inputs once; from that come the link and, on a visit, the checked values. Knows nothing about tabs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import gradio as gr

from common.config import settings
from common.network import own_address, tunnel
from common.ui import qr
from common.ui.errors import guarded
from common.ui.fields import Choice, Field, Link, Number, Text
from common.ui.i18n import text
from common.ui.page import Page

# The address of this view, from the values of its inputs: what the page opens with by itself is left out. A box that
# somebody has emptied is named with nothing behind it, where it would open with something in it otherwise.
_ADDRESS = """
  const names = %s, opening = %s, emptied = %s;
  const address = new URL(window.location);
  address.search = '';
  const language = new URL(window.location).searchParams.get('lang');
  if (language) address.searchParams.set('lang', language);
  Object.entries(%s).forEach(([name, value]) => address.searchParams.set(name, value));
  names.forEach((name, index) => {
    const value = values[index] ?? '';
    if (String(value) === String(opening[index] ?? '')) return;
    if (value !== '' || emptied.includes(name)) address.searchParams.set(name, value);
  });
  window.history.replaceState(null, '', address);"""
# Copying needs a secure context (https or this machine); elsewhere the link is put into the address bar alone.
_COPY = """async (...values) => {%s
  if (navigator.clipboard) await navigator.clipboard.writeText(address.toString()).catch(() => null);
  return [];
}"""
_TELL = """(...values) => {%s
  return [address.toString()];
}"""


def link_button(
    page: Page,
    tab: str,
    inputs: Mapping[str, tuple[Field, Any]],
    part: str = "",
    first: bool = False,
    later: Collection[str] = (),
) -> Link:
    """Buttons that copy a link to the tab with these inputs or show it as a QR code, and the reading of such links.

    Args:
        page: the page.
        tab: the tab's id.
        inputs: (declaration, component) by name in the address.
        part: id of the inner tab they belong to, for a tab that has several.
        first: the tab is what a page opens with, so that an address without a tab means it, too.
        later: inputs that the tab itself sets on a visit, since whether their values can be used is not in them alone.

    Returns:
        What the addresses of the tab carry.
    """
    place = {"tab": tab, "part": part} if part else {"tab": tab}
    name = "-".join(place.values())
    with gr.Row(elem_classes=["links"]):
        copy = page.words(
            gr.Button, keys={"value": "common.copy_link"}, size="sm", min_width=130, elem_id=f"{name}-link"
        )
        show = page.words(gr.Button, keys={"value": "link.show_qr"}, size="sm", min_width=130, elem_id=f"{name}-qr")
    address = gr.Textbox(visible=False)
    dialog = gr.HTML("", elem_id=f"{name}-qr-dialog", padding=False, js_on_load=qr.OPEN_DIALOG)
    components = [component for _, component in inputs.values()]
    fields = {name: field for name, (field, _) in inputs.items()}
    link = Link(place, fields, first, opening(inputs))
    here = _ADDRESS % tuple(
        map(json.dumps, (list(inputs), [link.opening[name] for name in inputs], emptied(inputs), place))
    )
    quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    copy.click(None, components, None, js=_COPY % here).then(
        lambda lang: gr.Info(text(lang, "common.copied"), title=""), page.lang, None, **quiet
    )
    show.click(None, components, address, js=_TELL % here).then(
        guarded(_show_qr), [page.lang, address], dialog, **quiet
    )

    def fill(request: gr.Request) -> list[Any]:
        values, _ = link.read(dict(request.query_params))
        return [gr.update(value=values[name]) if name in values else gr.skip() for name in filled]

    filled = [name for name in fields if name not in later]
    page.arrival.add([inputs[name][1] for name in filled], fill)
    page.arrival.links.append(link)
    return link


def opening(inputs: Mapping[str, tuple[Field, Any]]) -> dict[str, Any]:
    """What is in the inputs when the page opens without a link."""
    return {name: component.value for name, (_, component) in inputs.items()}


def emptied(inputs: Mapping[str, tuple[Field, Any]]) -> list[str]:
    """The inputs that may be empty and are not when the page opens."""
    optional = [name for name, (field, _) in inputs.items() if isinstance(field, Text) or _is_optional(field)]
    return [name for name in optional if inputs[name][1].value not in (None, "")]


def _is_optional(field: Field) -> bool:
    return isinstance(field, Number) and field.optional


def _show_qr(lang: str, address: str, request: gr.Request) -> str:
    config = settings()
    host = request.headers.get("host", "")
    link, alone = qr.for_others(str(address), host, config.listen_host, own_address(), tunnel.address)
    return qr.dialog_html(lang, link, alone)


def open_tab_of_address(page: Page, tabs: gr.Tabs, names: tuple[str, ...], inside: str = "") -> None:
    """Show the tab that the address names; ``inside`` is the tab that these are parts of, if they are."""
    level = "part" if inside else "tab"

    def choose(request: gr.Request) -> list[Any]:
        wanted = request.query_params.get(level)
        return [gr.update(selected=wanted) if wanted in names else gr.skip()]

    page.arrival.add([tabs], choose)
    page.arrival.links.append(Link({"tab": inside} if inside else {}, {level: Choice(level, names[0], names)}))
    if not inside:
        page.arrival.tabs.extend(names)
