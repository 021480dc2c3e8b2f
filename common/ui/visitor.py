"""Who a visitor is: a random token, kept in their own browser and the same on all pages of a site. It opens nothing."""

from __future__ import annotations

import secrets
from typing import Any

import gradio as gr


def visitor(demo: gr.Blocks) -> tuple[gr.BrowserState, Any]:
    """The component with the token, and the event after which it has its value."""
    owner = known_visitor()
    known = demo.load(new_owner, owner, owner, queue=False, api_visibility="private", show_progress="hidden")
    return owner, known


def known_visitor() -> gr.BrowserState:
    """The component with the token of somebody who has one; empty for others. It belongs outside of all tabs.

    What the browser keeps for a component inside a tab is read when that tab is first opened.
    """
    return gr.BrowserState("", storage_key="demystify-visitor", secret="demystify")  # noqa: S106 - hides nothing


def new_owner(known: object) -> str:
    """Who the visitor is: a random token, kept in their own browser. One that looks like no token is replaced."""
    fits = isinstance(known, str) and len(known) == 32 and known.isalnum()
    return str(known) if fits else secrets.token_hex(16)
