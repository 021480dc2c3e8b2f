"""The door before a real ASGI app: pages, API, form, links with a pass, and addresses that lead elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from common.seminar.access import PRESENTER_COOKIE, ROOM_COOKIE, VOTER_COOKIE, Access
from common.ui.door import Door, _onward
from common.ui.i18n import text

PAGE = {"accept": "text/html"}


def _client(access: Access, **options: Any) -> TestClient:
    async def inside(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{request.method} {request.url.path}?{request.url.query}")

    app = Starlette(routes=[Route("/{path:path}", inside, methods=["GET", "POST"])])
    return TestClient(Door(app, access), base_url="http://testserver", follow_redirects=False, **options)


def test_an_open_room_has_no_door() -> None:
    assert _client(Access()).get("/chat", headers=PAGE).text == "GET /chat?"


def test_a_closed_room_asks_in_the_visitors_language() -> None:
    client = _client(Access(password="owl"))
    answer = client.get("/chat?tab=tokens", headers={**PAGE, "accept-language": "de-CH"})
    assert answer.status_code == 401
    assert text("de", "door.label") in answer.text and 'value="tab=tokens"' in answer.text
    assert 'lang="de"' in answer.text


@pytest.mark.parametrize("path", ["/gradio_api/info", "/gradio_api/mcp/", "/gradio_api/run/predict", "/config"])
def test_the_api_is_closed_too(path: str) -> None:
    client = _client(Access(password="owl"))
    for answer in (client.get(path), client.post(path, json={})):
        assert answer.status_code == 401 and "Bearer" in answer.json()["detail"]
    assert client.get(path, headers={"authorization": "Bearer owl"}).status_code == 200


def test_the_password_leads_on_to_where_one_wanted() -> None:
    client = _client(Access(password="owl"))
    wrong = client.post("/enter", data={"secret": "own", "path": "/chat", "query": "tab=tokens"})
    assert wrong.status_code == 401 and text("en", "door.wrong") in wrong.text
    assert 'value="/chat"' in wrong.text  # the next try still leads there
    right = client.post("/enter", data={"secret": "owl", "path": "/chat", "query": "tab=tokens"})
    assert (right.status_code, right.headers["location"]) == (303, "/chat?tab=tokens")
    assert client.get("/chat").text == "GET /chat?"
    assert not client.cookies.get(PRESENTER_COOKIE)


def test_the_key_makes_the_presenter_and_leaves_the_address() -> None:
    access = Access(password="owl", key="secret")
    client = _client(access)
    answer = client.get("/presenter?lang=it&presenter=secret")
    assert (answer.status_code, answer.headers["location"]) == (303, "/presenter?lang=it")
    assert client.cookies[PRESENTER_COOKIE] == access.presenter_pass()
    assert "secret" not in "".join(client.cookies.values())
    for cookie in answer.headers.get_list("set-cookie"):
        morsel = next(iter(SimpleCookie(cookie).values()))
        assert morsel["httponly"] and morsel["samesite"] == "lax"


def test_a_wrong_key_is_said_and_makes_nobody_the_presenter() -> None:
    client = _client(Access(key="secret"))
    answer = client.get("/?presenter=guess")
    assert answer.status_code == 401 and text("en", "door.wrong") in answer.text
    assert not client.cookies.get(PRESENTER_COOKIE)


def test_a_code_with_the_rooms_pass_lets_in_and_an_old_one_does_not() -> None:
    access = Access(password="owl")
    client = _client(access)
    old = client.get("/?room=0123")
    assert old.status_code == 303 and not client.cookies.get(ROOM_COOKIE)
    answer = client.get(f"/?room={access.room_pass()}&lang=fr")
    assert answer.headers["location"] == "/?lang=fr"
    assert client.get("/").status_code == 200


def test_a_browser_gets_a_name_with_its_first_page_and_keeps_it() -> None:
    access = Access()
    client = _client(access)
    assert not client.get("/gradio_api/info").headers.get_list("set-cookie")  # programs get none
    (cookie,) = client.get("/chat", headers=PAGE).headers.get_list("set-cookie")
    morsel = SimpleCookie(cookie)[VOTER_COOKIE]
    assert morsel["httponly"] and morsel["samesite"] == "lax"
    name = access.voter(client.cookies)
    assert name and not client.get("/chat", headers=PAGE).headers.get_list("set-cookie")
    phone = _client(access)  # at the same address
    phone.get("/chat", headers=PAGE)
    assert access.voter(phone.cookies) not in ("", name)
    forged = _client(access, cookies={VOTER_COOKIE: "made up"})
    assert forged.get("/chat", headers=PAGE).headers.get_list("set-cookie")
    assert not _client(Access(password="owl")).get("/chat", headers=PAGE).headers.get_list("set-cookie")


def test_behind_https_cookies_travel_in_a_frame() -> None:
    client = _client(Access(password="owl"))
    answer = client.post("/enter", data={"secret": "owl"}, headers={"x-forwarded-proto": "https"})
    cookie = answer.headers["set-cookie"].lower()
    assert "secure" in cookie and "samesite=none" in cookie


def test_too_many_tries_are_said_and_a_form_too_long_is_no_try() -> None:
    access = Access(password="owl")
    client = _client(access)
    assert client.post("/enter", data={"secret": "x" * 10_000}).status_code == 401
    for _ in range(121):
        answer = client.post("/enter", data={"secret": "x"})
    assert text("en", "door.tired") in answer.text
    elsewhere = _client(access, client=("10.0.0.8", 1))
    assert elsewhere.post("/enter", data={"secret": "owl"}).status_code == 303


def test_guesses_wait_while_many_guess_and_passes_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    access = Access(password="owl", key="secret")
    monkeypatch.setattr(access, "pause", lambda: 1.0)
    monkeypatch.setattr("common.ui.door.asyncio.sleep", sleep)
    client = _client(access)
    client.post("/enter", data={"secret": "x"})
    client.get("/?presenter=x")
    client.get("/", headers={"authorization": "Bearer x"})
    assert waits == [1.0] * 3
    client.get(f"/?room={access.room_pass()}")
    assert client.get("/").status_code == 200 and len(waits) == 3


def test_no_more_of_a_form_is_read_than_a_form_may_have() -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1000
            yield b"secret=" + b"x" * 993

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": next(pieces), "more_body": True}

    async def send(message: dict[str, object]) -> None:
        said.append(message)

    pieces, said = endless(), []  # type: ignore[var-annotated]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/enter",
        "query_string": b"",
        "headers": [(b"content-length", b"9")],
        "server": ("here", 80),
        "scheme": "http",
        "client": ("10.0.0.8", 1),
    }
    asyncio.run(Door(Starlette(), Access(password="owl"))(scope, receive, send))  # type: ignore[arg-type]
    assert said[0]["status"] == 401 and sent <= 6000


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=1&b=2&c=3&d=4", b"", b"secret"])
def test_what_is_no_form_opens_nothing(body: bytes) -> None:
    assert _client(Access(password="owl")).post("/enter", content=body).status_code == 401


def test_what_somebody_wrote_into_the_address_stays_text() -> None:
    answer = _client(Access(password="owl")).get('/"><script>x</script>?a="><script>', headers=PAGE)
    assert "<script>" not in answer.text


@given(st.text(max_size=40), st.text(max_size=40))
def test_nobody_is_led_to_another_host(path: str, query: str) -> None:
    onward = _onward(path, query)
    assert onward.startswith("/") and not onward.startswith(("//", "/\\"))
    assert onward.isprintable()
