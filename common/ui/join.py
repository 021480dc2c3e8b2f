"""The page that a room joins by: the address of the front page as a QR code that fills a projector."""

from __future__ import annotations

from html import escape

import gradio as gr

from common.config import settings
from common.network import own_address, tunnel
from common.seminar.access import access
from common.ui import qr
from common.ui.i18n import text
from common.ui.page import Page, language_of_visit

# A phone whose browser cannot fill its screen with a part of a page stays as it is.
_FULL_SCREEN = """
element.addEventListener('click', (event) => {
  if (event.target.closest('button')) element.querySelector('.join').requestFullscreen?.();
});
"""


def build(page: Page) -> None:
    """Lay out the page. The code is drawn for the address that the visitor's own browser asked for."""
    code = gr.HTML("", elem_id="join", padding=False, js_on_load=_FULL_SCREEN)

    def show(lang: str, request: gr.Request) -> str:
        return join_html(lang, *_link(request))

    page.arrival.add([code], lambda request: [show(language_of_visit(request), request)])
    page.on_language(show, [], [code])


def join_html(lang: str, address: str, alone: bool) -> str:
    """The code, the address in letters, a warning when no other machine can follow it, and a way to fill the screen."""
    about = text(lang, "join.about")
    fill = escape(text(lang, "join.full_screen"))
    warning = f'<p class="problem">{escape(text(lang, "link.alone"))}</p>' if alone else ""
    return (
        f'<div class="join"><p>{escape(about)}</p><div class="code">{qr.svg(address, about)}</div>{warning}'
        f'<p class="address">{escape(address)}</p><button type="button">{fill}</button></div>'
    )


def _link(request: gr.Request) -> tuple[str, bool]:
    """Where the front page is for others, and whether it is there for this machine alone."""
    host = request.headers.get("host", "")
    scheme = request.headers.get("x-forwarded-proto", "http").split(",")[0].strip()
    address = f"{'https' if scheme == 'https' else 'http'}://{host}/"
    if access().closed:  # whoever sees this page has come in; the code lets the others in without typing
        address += f"?room={access().room_pass()}"
    return qr.for_others(address, host, settings().listen_host, own_address(), tunnel.address)
