"""Model hub, network, public link and quota, against a server on this machine that plays the other side."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants

from common.config import Settings
from common.preflight import connections

CLOSED = "http://127.0.0.1:9"


class Other:
    """A server that gives the same answer to everything."""

    def __init__(self) -> None:
        self.status, self.answer, self.asked = 200, "", 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                body = outer.answer.encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def other() -> Iterator[Other]:
    server = Other()
    yield server
    server.close()


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that allow the network, and no proxy that would be trusted blindly."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    config = Settings(offline=False)
    monkeypatch.setattr("common.catalog.settings", lambda: config)
    return config


def test_the_model_hub(monkeypatch: pytest.MonkeyPatch, online: Settings, other: Other) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", other.url)
    assert connections.hub(online).level == "ok"
    monkeypatch.setattr(constants, "ENDPOINT", CLOSED)
    found = connections.hub(online)
    assert found.level == "note" and "built-in models" in str(found.advice)
    assert "forbid" in str(connections.hub(Settings(offline=True)).detail)


@pytest.mark.parametrize(
    ("address", "host", "level", "said"),
    [
        ("127.0.0.1", "0.0.0.0", "note", "in no network"),
        ("192.0.2.7", "127.0.0.1", "note", "this machine alone"),
        ("192.0.2.7", "0.0.0.0", "ok", "http://192.0.2.7:7860"),
    ],
)
def test_the_room(monkeypatch: pytest.MonkeyPatch, address: str, host: str, level: str, said: str) -> None:
    monkeypatch.setattr(connections, "own_address", lambda: address)
    found = connections.room(Settings(host=host, port=7860))
    assert found.level == level and said in str(found.detail)
    monkeypatch.setenv("SPACE_HOST", "x.hf.space")
    assert "https://x.hf.space" in str(connections.room(Settings()).detail)


def test_the_public_link(monkeypatch: pytest.MonkeyPatch, other: Other, tmp_path: Path) -> None:
    config, wanted = Settings(share=False, offline=False), Settings(share=True)
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path))
    other.answer = json.dumps([{"host": "127.0.0.1", "port": other.port, "root_ca": ""}])
    assert connections.public_link(wanted, other.url, other.url).level == "ok"
    found = connections.public_link(config, other.url, CLOSED)
    assert found.level == "note" and "cannot be fetched" in str(found.detail)
    program = connections._program()
    program.parent.mkdir(parents=True)
    program.touch()
    assert connections.public_link(config, other.url, CLOSED).level == "ok"
    assert connections.public_link(config, CLOSED, other.url).level == "note"
    assert connections.public_link(wanted, CLOSED, other.url).level == "problem"  # it was asked for


@pytest.mark.parametrize("answer", ["", "[]", "{}", '[{"host": "127.0.0.1", "port": 9}]', '[{"host": 1, "port": "x"}]'])
def test_a_tunnel_server_that_answers_wrongly(other: Other, answer: str) -> None:
    other.answer = answer
    found = connections.public_link(Settings(share=True), other.url, other.url)
    assert found.level == "problem" and "--host 0.0.0.0" in str(found.advice)


def test_gradio_keeps_its_program_where_it_is_looked_for() -> None:
    from gradio import networking, tunneling

    assert str(connections._program()) == tunneling.BINARY_PATH
    assert networking.GRADIO_API_SERVER == connections.TUNNELS
    assert tunneling.BINARY_URL.startswith(connections.PROGRAMS)


@pytest.mark.parametrize(
    ("status", "left", "level", "said"),
    [
        (200, 290, "ok", "4.8 of 5.0 minutes"),
        (200, 30, "note", "0.5 of 5.0 minutes"),
        (401, 0, "note", "does not tell this token"),
        (403, 0, "note", "does not tell this token"),
        (500, 0, "note", "refused the request"),
    ],
)
def test_the_quota(online: Settings, other: Other, status: int, left: int, level: str, said: str) -> None:
    other.status = status
    other.answer = json.dumps({"base": 300, "current": left, "resetsAt": "2026-11-26T09:12:03.000Z"})
    found = connections.quota(online, "hf_token", other.url)
    assert found.level == level and said in str(found.detail)
    if left == 30:
        assert "09:12 UTC" in str(found.advice)


def test_the_quota_without_a_token_and_without_a_network(monkeypatch: pytest.MonkeyPatch, online: Settings) -> None:
    assert connections.quota(online, "hf_token", CLOSED).level == "note"
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    assert connections.quota(online).level == "ok"
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert connections.quota(online).level == "note"


def test_nothing_is_asked_where_the_environment_forbids_it(other: Other) -> None:
    other.status = 500
    assert connections.quota(Settings(offline=False), "hf_token", other.url).level == "ok"


def test_nothing_is_asked_where_the_settings_forbid_it(online: Settings, other: Other) -> None:
    forbidding = Settings(offline=True)
    assert "forbid" in str(connections.quota(forbidding, "hf_token", other.url).detail)
    assert "not looked at" in str(connections.public_link(forbidding, other.url, other.url).detail)
    assert other.asked == 0
    connections.public_link(Settings(offline=True, share=True), other.url, other.url)
    assert other.asked == 1  # who starts with --share wants to know


def test_a_closed_port_is_closed() -> None:
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 9)) != 0  # or the tests above prove nothing
