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
# What has to hold before the page is there: gradio applies theme.css only once it has begun to lay out, and what stands
# then would move. Nothing is seen before the masthead; scroll bar, spinner and status line have their place.
_FRAME = """
html { scrollbar-gutter: stable; }
/* The names in gradio's own bar of pages do not follow the language; the doors and the way back do. */
.nav-holder { display: none; }
.gradio-container { max-width: none !important; width: 100% !important; }
.gradio-container main.contain { width: 100%; max-width: 1116px; margin: 0 auto !important; }
.gradio-container:not(:has(.masthead)) main.contain { visibility: hidden; }
.gradio-container > .main > .wrap.full.translucent { position: fixed !important; inset: 0; }
#status { min-height: 2.5rem; }
@media (max-width: 640px) {
  #status { min-height: 4.2rem; }
  #status .html-container { padding-block: 0 4px !important; }
}
"""


def theme() -> gr.themes.Base:
    """The gradio theme; fonts are the reader's own."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]
    made = gr.themes.Soft(
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
        # Under the mouse a dark button gets darker: gradio's own grey has 4.3:1.
        button_secondary_background_fill_hover_dark="*neutral_700",
        # On the dark page 10:1; gradio's own grey-blue has 4.0.
        link_text_color_dark="*primary_300",
        link_text_color_visited_dark="*primary_300",
        link_text_color_hover_dark="*primary_200",
        link_text_color_active_dark="*primary_300",
    )
    made.custom_css = _FRAME
    return made


def css() -> str:
    """The accents as CSS variables, and the styles of our own components."""
    accents = "".join(f"--idea-{name}: {colour};" for name, colour in ACCENTS.items())
    return f":root {{ {accents} }}\n{CSS_PATH.read_text(encoding='utf-8')}"
