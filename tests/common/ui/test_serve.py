"""What the start of a page leaves behind for it: the tunnel's address, in the codes for the room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from common.network import tunnel
from common.ui import serve, sessions
from common.ui.join import _link

TUNNEL = "https://a1b2.gradio.live"


class _Shared:
    """Blocks that gradio has found a tunnel for."""

    def queue(self, **_: Any) -> None: ...

    def launch(self, **_: Any) -> tuple[object, str, str]:
        return object(), "http://127.0.0.1:7860", TUNNEL

    def block_thread(self) -> None: ...


class _Visit:
    """The presenter's, on the machine itself."""

    def __init__(self) -> None:
        self.headers = {"host": "127.0.0.1:7860"}


@pytest.fixture(autouse=True)
def _no_tunnel_afterwards() -> Iterator[None]:
    yield
    tunnel.address = ""


def test_codes_lead_through_the_tunnel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _link(_Visit()) == ("http://127.0.0.1:7860/", True)  # type: ignore[arg-type]
    monkeypatch.setattr(serve, "_is_free", lambda *_: True)
    monkeypatch.setattr(serve, "settle", lambda: None)
    monkeypatch.setattr(sessions, "keep_light", lambda app: None)
    serve.serve(_Shared())  # type: ignore[arg-type]
    assert _link(_Visit()) == (f"{TUNNEL}/", False)  # type: ignore[arg-type]
    assert TUNNEL in capsys.readouterr().out
