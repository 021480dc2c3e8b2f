"""A visit's state without a description of the whole page.

Gradio describes every component of the app anew for each visit, and each call of the API is a visit: 50 ms for a page
of 300 components, a quarter of a second for the hub, while nothing else is answered. Only its deep links read that
(``gr.DeepLinkButton``), which no page here has; what an event touches is described then in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradio.state_holder import SessionState, StateHolder

if TYPE_CHECKING:
    from gradio.blocks import Blocks


class _Undescribed:
    """The part of an app that a visit's state is made from, with no component to describe."""

    def __init__(self, blocks: Blocks) -> None:
        self.default_config = blocks.default_config
        self.blocks: dict[int, Any] = {}


class Visits(StateHolder):
    """The state of all visits, each made at its first event."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = SessionState(_Undescribed(self.blocks))  # type: ignore[arg-type]
        return super().__getitem__(session_id)


def keep_light(app: Any) -> None:
    """Let a served app make light visits; those that have begun go on."""
    visits, before = Visits(), app.state_holder  # type: ignore[no-untyped-call]
    visits.session_data, visits.time_last_used = before.session_data, before.time_last_used
    visits.set_blocks(app.get_blocks())
    app.state_holder = visits
