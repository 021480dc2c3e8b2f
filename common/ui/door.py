"""The door in front of every page, of the API and of MCP: the room's password, and how the presenter comes in.

An ASGI layer around the whole app, because what a page hides its API would still answer. Secrets arrive in a form or,
behind a QR code, as a pass in the address; they leave the address at once and stay in a cookie that scripts cannot
read. With its first page every browser gets a name of the server's making, too: guesses are counted by it, and not
by what a page says of itself. Knows nothing about what is behind it.
"""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.seminar.access import PRESENTER_COOKIE, ROOM_COOKIE, VOTER_COOKIE, Access
from common.ui.i18n import text, wanted_language

ENTER = "/enter"
# What gradio asks of itself while it starts; it does nothing for anybody else.
_OWN_CALL = "/gradio_api/startup-events"
_LONGEST_FORM, _HOURS = 4096, 12
_STYLE = """
:root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif; }
body { max-width: 24rem; margin: 12vh auto; padding: 0 1rem; }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: 0.6rem; margin: 0.4rem 0;
  border-radius: 8px; border: 1px solid #7a7a7a; }
button { background: #0b63a5; color: #fff; border: 0; cursor: pointer; }
[role=alert] { border-left: 4px solid #c2410c; padding-left: 0.8rem; }
"""


class Door:
    """ASGI middleware: lets in whom ``access`` lets in, and makes the presenter known.

    Args:
        app: what is behind the door.
        access: who may enter.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = await self._answer(request)
        if answer is not None:
            await answer(scope, receive, send)
        elif _is_for_a_page(request) and not self._access.voter(request.cookies):
            await self._app(scope, receive, self._naming(request, send))
        else:
            await self._app(scope, receive, send)

    def _naming(self, request: Request, send: Send) -> Send:
        """``send``, with a new voter's name on top of a page; of anything else nothing."""

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                holder = Response()
                _set_cookie(holder, request, VOTER_COOKIE, self._access.new_voter())
                message["headers"] = [
                    *message["headers"],
                    *(header for header in holder.raw_headers if header[0] == b"set-cookie"),
                ]
            await send(message)

        return named

    async def _answer(self, request: Request) -> Response | None:
        """What the door itself says; None opens it."""
        if request.method == "GET" and {"presenter", "room"} & request.query_params.keys():
            return await self._with_pass(request)
        if request.url.path == ENTER:
            return await self._entered(request) if request.method == "POST" else _form(request, "")
        if request.url.path == _OWN_CALL or self._access.has_pass(request.cookies):
            return None
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if bearer and await self._opens(request, bearer) == "room":
            return None
        if _is_for_a_page(request):
            return _form(request, "")
        return JSONResponse({"detail": text("en", "door.closed")}, status_code=401)

    async def _opens(self, request: Request, typed: str) -> str:
        """What a typed secret opens; the answer takes its time while many guess."""
        await asyncio.sleep(self._access.pause())
        return self._access.opens(typed, _address(request))

    async def _with_pass(self, request: Request) -> Response:
        """Somebody came by a link that carries a pass or the presenter's key: into the cookie with it."""
        carried = {name: request.query_params.get(name, "") for name in ("presenter", "room")}
        rest = [(name, value) for name, value in request.query_params.multi_items() if name not in carried]
        onward = _onward(request.url.path, urlencode(rest))
        if carried["presenter"]:
            if await self._opens(request, carried["presenter"]) != "presenter":
                return self._wrong(request)
            return self._let_in(request, onward, presenter=True)
        if self._access.is_room_pass(carried["room"]):
            return self._let_in(request, onward, presenter=False)
        return RedirectResponse(onward, status_code=303)  # an old pass, or none is needed: the door asks, if at all

    async def _entered(self, request: Request) -> Response:
        form = await _short_form(request)
        if form is None:
            return self._wrong(request)
        typed, path, query = (form.get(name, [""])[0] for name in ("secret", "path", "query"))
        opened = await self._opens(request, typed)
        if not opened:
            return self._wrong(request, path, query)
        return self._let_in(request, _onward(path, query), presenter=opened == "presenter")

    def _let_in(self, request: Request, onward: str, presenter: bool) -> Response:
        answer = RedirectResponse(onward, status_code=303)
        passes = {ROOM_COOKIE: self._access.room_pass()}
        if presenter:
            passes[PRESENTER_COOKIE] = self._access.presenter_pass()
        for name, value in passes.items():
            _set_cookie(answer, request, name, value)
        return answer

    def _wrong(self, request: Request, path: str = "/", query: str = "") -> Response:
        return _form(request, "door.tired" if self._access.tired(_address(request)) else "door.wrong", path, query)


def _is_for_a_page(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _set_cookie(answer: Response, request: Request, name: str, value: str) -> None:
    secure = request.headers.get("x-forwarded-proto", request.url.scheme).startswith("https")
    # Inside the frame of a Space's page only a cookie with SameSite=None comes back.
    answer.set_cookie(
        name, value, max_age=_HOURS * 3600, httponly=True, secure=secure, samesite="none" if secure else "lax"
    )


def _address(request: Request) -> str:
    """Where a request comes from. The server has put in a proxy's word for it where it trusts the proxy, not else."""
    return request.client.host if request.client else ""


async def _short_form(request: Request) -> dict[str, list[str]] | None:
    """The fields of a form; None for what is too long or no form. No more of it is read than a form may have."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_FORM:
            return None
    try:
        return parse_qs(body.decode(), max_num_fields=3)
    except ValueError:
        return None


def _onward(path: str, query: str) -> str:
    """An address on this server, whatever somebody wrote into the form: no host, no scheme, no line end."""
    clean = "/" + "".join(sign for sign in path if sign.isprintable() and sign != "\\").lstrip("/")
    kept = "".join(sign for sign in query if sign.isprintable() and sign not in '#"<> ')
    return f"{clean}?{kept}" if kept else clean


def _form(request: Request, problem: str, path: str | None = None, query: str | None = None) -> HTMLResponse:
    """The page that asks for the password, in the visitor's language.

    Args:
        request: what they asked for.
        problem: key of a sentence on what was wrong; empty at first.
        path: where they go on to; where they wanted to go by default.
        query: what follows it behind the question mark.
    """
    lang = wanted_language(request.query_params.get("lang"), request.headers.get("accept-language"))
    if path is None:
        path = "/" if request.url.path == ENTER else request.url.path
    hidden: dict[str, Any] = {"path": path, "query": request.url.query if query is None else query}
    kept = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items())
    said = f'<p role="alert">{escape(text(lang, problem))}</p>' if problem else ""
    title, about, label, go = (escape(text(lang, f"door.{name}")) for name in ("title", "about", "label", "go"))
    body = (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f'<body><main><h1>{title}</h1><p>{about}</p>{said}<form method="post" action="{ENTER.lstrip("/")}">{kept}'
        f'<label>{label}<input type="password" name="secret" autocomplete="current-password" required autofocus>'
        "</label>"
        f"<button>{go}</button></form></main></body></html>"
    )
    return HTMLResponse(body, status_code=401 if problem or request.url.path != ENTER else 200)
