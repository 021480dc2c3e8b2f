"""QR codes of links into this app, drawn on this machine: no service hears of them.

Source: ISO/IEC 18004, through the library segno.
"""

from __future__ import annotations

import io
import itertools
import sys
from html import escape
from urllib.parse import urlsplit, urlunsplit

from common import errors
from common.ui.i18n import error_text, number, text

# With more signs than this a code has so many squares that a phone cannot read it off a projector.
LONGEST = 600
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_shown = itertools.count()
# The dialog opens when a new code arrives. Escape and its button close it, as with any dialog.
OPEN_DIALOG = """
const open = () => {
  const dialog = element.querySelector('dialog');
  if (dialog && !dialog.open) dialog.showModal();
};
watch('value', () => requestAnimationFrame(open));
"""


def svg(address: str, label: str) -> str:
    """The code as an SVG image that fills its box, dark on white in any theme.

    Raises LinkTooLong.
    """
    import segno

    if len(address) > LONGEST:
        raise errors.LinkTooLong(length=len(address), limit=LONGEST)
    drawn = io.BytesIO()
    segno.make(address, error="l", micro=False, boost_error=True).save(
        drawn, kind="svg", xmldecl=False, svgns=False, omitsize=True, light="white", title=label, border=4
    )
    return drawn.getvalue().decode().strip()


def terminal(address: str) -> str:
    """The code in letters and signs, with the link under it; the link alone where the terminal has not the signs."""
    import segno

    drawn = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(out=drawn, compact=True, border=2)
    try:
        drawn.getvalue().encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return address
    return f"{drawn.getvalue()}{address}"


def dialog_html(lang: str, address: str, alone: bool) -> str:
    """A dialog with the code, the link in letters and a button that closes it.

    Args:
        lang: language of the visitor.
        address: the link.
        alone: the link leads to this machine and no other can follow it, which is said.
    """
    warning = f'<p class="problem">{escape(text(lang, "link.alone"))}</p>' if alone else ""
    close, about = escape(text(lang, "link.close")), text(lang, "link.qr_about")
    return (
        f'<dialog class="qr" data-n="{next(_shown)}" aria-label="{escape(about)}"><div class="code">'
        f'{svg(address, about)}</div>{warning}<p class="address">{escape(address)}</p>'
        f'<form method="dialog"><button type="submit">{close}</button></form></dialog>'
    )


def for_others(address: str, host: str, listens_on: str, own: str, public: str = "") -> tuple[str, bool]:
    """The link as others have to write it, and whether it leads to this machine alone.

    Args:
        address: the link as this visitor's browser has it.
        host: the page's host and port, as the browser asked for it.
        listens_on: the address that the server listens on.
        own: this machine's address in its network.
        public: address of a tunnel that leads here from everywhere; empty without one.

    Raises:
        InvalidInput: it is no link into this app.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or parts.netloc != host:
        raise errors.InvalidInput(field="page_link", allowed=errors.Phrase("link_here", host=host))
    name, _, port = parts.netloc.rpartition(":") if parts.port else (parts.netloc, "", "")
    way = urlsplit(public)
    if public and (name in _LOCAL or host == way.netloc):
        return urlunsplit(parts._replace(scheme=way.scheme, netloc=way.netloc)), False
    if name not in _LOCAL:
        return address, False
    if listens_on != "0.0.0.0":  # noqa: S104 - compared, not bound
        return address, True
    return urlunsplit(parts._replace(netloc=f"{own}:{port}" if port else own)), False


def report(lang: str, problems: list[errors.InvalidInput]) -> str:
    """What an address carried that cannot be used, as a notice; empty without problems."""
    if not problems:
        return ""
    shown = "".join(f"<li>{escape(error_text(lang, problem))}</li>" for problem in problems[:5])
    more = len(problems) - 5
    rest = f"<li>{escape(text(lang, 'link.more', n=number(lang, more)))}</li>" if more > 0 else ""
    return f'<div class="notice" role="alert"><p>{escape(text(lang, "link.refused"))}</p><ul>{shown}{rest}</ul></div>'
