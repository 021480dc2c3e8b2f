"""The LLM sizes tab: the slides' table as a timeline on a log scale, and beside it what was published."""

from __future__ import annotations

from functools import partial
from html import escape

import gradio as gr
import sizes_try
from sizes_timeline import in_words, timeline
from train_page import TrainPage

from common.training.sizes import Size, sizes
from common.ui.errors import guarded
from common.ui.fields import Number
from common.ui.i18n import text

# A click, Enter or the space bar on a point chooses its family, which is further down.
_CHOOSE = """
const choose = (event) => {
  const point = event.target.closest('[data-i]');
  if (!point || (event.key && event.key !== 'Enter' && event.key !== ' ')) return;
  event.preventDefault();
  trigger('select', {index: Number(point.dataset.i)});
  document.getElementById('sizes-family')?.scrollIntoView({block: 'center'});
};
element.addEventListener('click', choose);
element.addEventListener('keydown', choose);
"""
# Where each kind is shown live: (page of the hub, its tab).
_LIVE = {"encoder": ("translate", "player"), "decoder": ("chat", "inside"), "both": ("translate", "player")}


def build(page: TrainPage) -> None:
    """Lay out the timeline, and below it the models to try."""
    page.idea("sizes")
    drawn = page.words(
        gr.HTML, keys={"value": partial(sizes_html, in_hub=page.in_hub)}, elem_id="sizes-drawn", js_on_load=_CHOOSE
    )
    member = sizes_try.build(page)
    drawn.select(guarded(choose_family), page.lang, member, api_visibility="private", show_progress="hidden")


def choose_family(lang: str, event: gr.EventData) -> str:
    """The model to try of the kind of the one that was clicked in the timeline. Raises InvalidInput."""
    place = Number("family", 0, 0, len(sizes()) - 1).whole(event.index)
    return next(model.id for model in sizes_try.MEMBERS if sizes_try.kind_of(model) == sizes()[place].kind)


def sizes_html(lang: str, in_hub: bool = False) -> str:
    """The timeline, and the table with sources; in the hub with links to what shows each kind live."""
    heads = "".join(
        f"<th>{escape(text(lang, f'sizes.{name}'))}</th>"
        for name in ("model", "on_slide", "published", "kind", "source")
    )
    rows = "".join(_row(lang, size, in_hub) for size in sizes())
    return (
        timeline(lang)
        + f'<div class="scroll" tabindex="0"><table class="plain sizes"><tr>{heads}</tr>{rows}</table></div>'
    )


def _row(lang: str, size: Size, in_hub: bool) -> str:
    place, tab = _LIVE[size.kind]
    live = escape(text(lang, f"sizes.{size.kind}"))
    if in_hub:
        live = f'<a href="{place}?tab={tab}&amp;lang={escape(lang)}">{live}</a>'
    published = in_words(lang, size.parameters) if size.parameters else text(lang, "sizes.unknown")
    source = f"{size.source} ({text(lang, f'sizes.remark_{size.remark}')})" if size.remark else size.source
    mark = " ≠" if size.differs else ""
    return (
        f"<tr><th scope='row'>{escape(size.name)}</th>"
        f"<td>{size.slide_year} · {in_words(lang, size.slide_parameters)}</td>"
        f"<td>{size.year} · {escape(published)}{mark}</td><td>{live}</td><td>{escape(source)}</td></tr>"
    )
