"""The state of visits: nothing is described before it changes, and everything works as with gradio's own."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio.blocks import BlocksConfig
from gradio_client import Client

from common.ui import sessions


def _count(name: str, count: int) -> tuple[int, str, object]:
    return count + 1, f"{name} {count + 1}", gr.update(label=f"said {count + 1}")


def test_a_visit_describes_what_its_events_touch_and_keeps_its_own_state(monkeypatch: pytest.MonkeyPatch) -> None:
    with gr.Blocks() as demo:
        name, count, said, label = gr.Textbox(), gr.State(0), gr.Textbox(), gr.Textbox()
        apart = gr.Textbox("nobody asks for it")
        gr.Button().click(_count, [name, count], [count, said, label], api_name="count")
    app, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    try:
        sessions.keep_light(app)
        described: list[int] = []
        usual = BlocksConfig.config_for_block

        def watched(number: int, *others: object) -> dict[str, object]:
            described.append(number)
            return usual(number, *others)  # type: ignore[arg-type]

        monkeypatch.setattr(BlocksConfig, "config_for_block", staticmethod(watched))
        visits = [Client(url, verbose=False) for _ in range(2)]
        described.clear()
        answers = [visits[place].predict("Ada", api_name="/count") for place in (0, 0, 1)]
        assert [answer[0] for answer in answers] == ["Ada 1", "Ada 2", "Ada 1"]
        assert answers[1][1]["label"] == "said 2"
        assert label._id in described and apart._id not in described
        assert len(app.state_holder.session_data) == 2
    finally:
        demo.close()
