"""One look for all spaces: system fonts (nothing is fetched), light and dark, one accent colour per idea.

The accents are from the colour-blind safe palette of Okabe and Ito (2008, *Color Universal Design*).
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

ACCENTS = {
    "prompt": "#0072b2",
    "completion": "#d55e00",
    "attention": "#9b4f8e",
    "loss": "#00795a",
    "noise": "#8a6100",
}
CSS_PATH = Path(__file__).parent / "theme.css"


def theme() -> gr.themes.Base:
    """The gradio theme; fonts are the reader's own."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]
    return gr.themes.Soft(
        primary_hue=gr.themes.colors.blue,
        secondary_hue=gr.themes.colors.slate,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=sans,
        font_mono=mono,
    ).set(
        # Text on the main button has a contrast of 5.9:1 on this blue (WCAG AA asks for 4.5).
        button_primary_background_fill="#0b63a5",
        button_primary_background_fill_hover="#094f84",
        button_primary_background_fill_dark="#0b63a5",
        button_primary_text_color="#ffffff",
        checkbox_label_background_fill_selected="#0b63a5",
        checkbox_label_background_fill_selected_dark="#0b63a5",
        # Labels are dark on their pale blue: 7:1.
        block_title_text_color="*primary_800",
        block_label_text_color="*primary_800",
        button_secondary_border_color="*neutral_400",
        button_border_width="1px",
        input_border_width="1px",
        input_border_color="*neutral_400",
        block_border_width="1px",
        body_text_color_subdued="#475569",
        body_text_color_subdued_dark="#cbd5e1",
        block_info_text_color="#475569",
        block_info_text_color_dark="#cbd5e1",
    )


def css() -> str:
    """The accents as CSS variables, and the styles of our own components."""
    accents = "".join(f"--idea-{name}: {colour};" for name, colour in ACCENTS.items())
    return f":root {{ {accents} }}\n{CSS_PATH.read_text(encoding='utf-8')}"
