"""Who the presenter is for a handler that takes no request."""

from __future__ import annotations

import gradio as gr
from gradio.context import LocalContext

from common.seminar.access import PRESENTER_COOKIE, access
from common.ui.roles import presenter_asks


def test_the_presenter_is_known_by_the_cookie_of_the_request_at_work() -> None:
    assert not presenter_asks()
    for carried, known in ((access().presenter_pass(), True), ("x" * 64, False)):
        before = LocalContext.request.set(gr.Request(headers={"cookie": f"{PRESENTER_COOKIE}={carried}"}))
        try:
            assert presenter_asks() is known
        finally:
            LocalContext.request.reset(before)
