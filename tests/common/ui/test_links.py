"""Which inputs a link names although nothing is in them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from common.ui.fields import Choice, Field, Number, Text
from common.ui.links import emptied


def test_a_box_that_opens_with_something_in_it_is_named_when_it_was_emptied() -> None:
    inputs: dict[str, tuple[Field, Any]] = {
        "filled": (Text("text", "", 20), gr.Textbox("a")),
        "empty": (Text("text", "", 20), gr.Textbox("")),
        "number": (Number("seed", 3, 0, 9), gr.Number(3)),  # cannot be empty
        "optional": (Number("seed", 3, 0, 9, optional=True), gr.Textbox("3")),
        "choice": (Choice("kind", "a", ("a", "b")), gr.Radio(["a", "b"], value="a")),
    }
    assert emptied(inputs) == ["filled", "optional"]
    assert all(field.check("") in ("", None) for field, _ in (inputs[name] for name in emptied(inputs)))
