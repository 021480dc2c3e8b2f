"""The presenter's page: the way into the talk, everybody's training runs, and a clean start for the next room.

Everything here is drawn and done for the presenter alone; somebody else reads how to become one.
"""

from __future__ import annotations

import asyncio
import hashlib
from functools import lru_cache
from html import escape
from typing import Any

import gradio as gr

from common.errors import NoSuchRun
from common.seminar.poll import Poll
from common.training.folder import RunFolder
from common.training.runs import ANYBODY, Run, TrainingRuns, seconds_left
from common.ui.errors import guarded
from common.ui.i18n import number, text
from common.ui.page import Page, language_of_visit
from common.ui.roles import is_presenter, presenter_only
from common.ui.stage import steps

_LOOK_SECONDS = 3.0
_AT_WORK = ("waiting", "running")
# The tab that makes each kind of run, which names it.
_KINDS = {"scratch": "scratch", "finetune": "finetune", "preference": "prefer", "style": "teach"}
_COLUMNS = ("name", "owner", "kind", "state", "left", "loss")
_MARK = 4  # signs; enough to tell a room's visitors apart


class PresenterPage:
    """The handlers of one page."""

    def __init__(self, poll: Poll, runs: TrainingRuns) -> None:
        self._poll, self._runs = poll, runs

    def arrive(self, request: gr.Request) -> list[Any]:
        """The head of the page, and whether the rest is shown."""
        presenter = is_presenter(request)
        return [way_in_html(language_of_visit(request), presenter), gr.update(visible=presenter)]

    def way_in(self, lang: str, request: gr.Request) -> str:
        """The head of the page in another language."""
        return way_in_html(lang, is_presenter(request))

    async def look(self, lang: str, chosen: str | None, request: gr.Request) -> list[Any]:
        """The table of runs, and the list to choose one from; nothing of either for others."""
        if not is_presenter(request):  # the page of somebody else asks, too
            return [gr.skip(), gr.skip()]
        return await self._listed(lang, chosen)

    @presenter_only
    async def stop(self, lang: str, chosen: str | None, request: gr.Request) -> list[Any]:
        """Stop anybody's run. Raises PresenterOnly and NoSuchRun."""
        await asyncio.to_thread(self._runs.stop, chosen or "", ANYBODY)
        return await self._listed(lang, chosen)

    @presenter_only
    async def delete(self, lang: str, chosen: str | None, request: gr.Request) -> list[Any]:
        """Remove anybody's run and all that it made. Raises PresenterOnly and NoSuchRun."""
        await asyncio.to_thread(self._runs.delete, chosen or "", ANYBODY)
        return await self._listed(lang, None)

    @presenter_only
    async def reset(self, lang: str, sure: bool, request: gr.Request) -> list[Any]:
        """Forget all guesses, stop and delete all runs; only when the box is ticked. Raises PresenterOnly."""
        if not sure:
            gr.Warning(text(lang, "presenter.not_sure"), title="")
            return [gr.skip(), gr.skip(), gr.skip()]
        self._poll.reset()
        deleted = 0
        for run in await asyncio.to_thread(self._runs.all):
            try:
                await asyncio.to_thread(self._runs.delete, run.folder.id, ANYBODY)
            except NoSuchRun:
                continue  # its owner was quicker
            deleted += 1
        gr.Info(text(lang, "presenter.done", runs=number(lang, deleted)), title="")
        return [*await self._listed(lang, None), False]

    async def _listed(self, lang: str, chosen: str | None) -> list[Any]:
        runs = await asyncio.to_thread(self._runs.all)
        table = await asyncio.to_thread(runs_html, lang, runs)
        names = [(f"{run.config.name} · {owner_mark(run)}", run.folder.id) for run in runs]
        kept = chosen if chosen in [run_id for _, run_id in names] else None
        return [table, gr.update(choices=names, value=kept)]


def way_in_html(lang: str, presenter: bool) -> str:
    """The steps of the talk as links; for others how to become the presenter."""
    if not presenter:
        closed, enter = escape(text(lang, "presenter.closed")), escape(text(lang, "presenter.enter"))
        return f'<p>{closed}</p><p><a href="enter?lang={escape(lang)}">{enter}</a></p>'
    listed = "".join(
        f'<li><a href="{escape(step.address(lang, place))}">{escape(step.title(lang))}</a></li>'
        for place, step in enumerate(steps())
    )
    start, check = escape(text(lang, "presenter.start")), escape(text(lang, "preflight.title"))
    return (
        f'<p class="start"><a href="{escape(steps()[0].address(lang, 0))}">{start}</a></p>'
        f'<p><a href="preflight?lang={escape(lang)}">{check}</a></p>'
        f'<p class="quiet">{escape(text(lang, "presenter.keys"))}</p><ol class="steps">{listed}</ol>'
    )


def owner_mark(run: Run) -> str:
    """A short sign for whose run it is. Made from a hash: who knows an owner's id can do what the owner may."""
    return hashlib.sha256(run.config.owner.encode()).hexdigest()[:_MARK]


@lru_cache(maxsize=4096)
def _last_loss(folder: RunFolder, changed: float) -> float | None:
    """The loss of a run's last step; ``changed`` is when its events were written, since they are read once only."""
    steps = [event for event in folder.events() if event["type"] == "step"]
    return steps[-1]["loss"] if steps else None


def _row(lang: str, run: Run) -> str:
    try:
        loss = _last_loss(run.folder, (run.folder.path / "events.jsonl").stat().st_mtime)
    except FileNotFoundError:  # it has not begun, or was deleted meanwhile
        loss = None
    left = number(lang, (seconds_left(run) + run.wait_seconds) / 60, 1) if run.state in _AT_WORK else ""
    cells = (
        owner_mark(run),
        text(lang, f"{_KINDS[run.config.kind]}.tab"),
        text(lang, f"scratch.state_{run.state}"),
        left,
        "" if loss is None else number(lang, loss, 2),
    )
    drawn = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(run.config.name)}</th>{drawn}</tr>'


def runs_html(lang: str, runs: list[Run]) -> str:
    """Everybody's runs, the newest first: whose, of what kind, how they stand, minutes still to go, last loss."""
    if not runs:
        return f'<p class="quiet">{escape(text(lang, "presenter.no_runs"))}</p>'
    heads = "".join(f'<th scope="col">{escape(text(lang, f"presenter.run_{name}"))}</th>' for name in _COLUMNS)
    rows = "".join(_row(lang, run) for run in runs)
    table = f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="scroll-x" tabindex="0"><table class="work">{table}</table></div>'


def build(page: Page, poll: Poll, runs: TrainingRuns) -> None:
    """Lay out the page and wire it."""
    tab, words, lang = PresenterPage(poll, runs), page.words, page.lang
    quiet: dict[str, Any] = {"queue": False, "api_visibility": "private", "show_progress": "hidden"}
    way_in = gr.HTML("", elem_id="presenter-way", padding=False)
    with gr.Column(visible=False) as inner:
        words(gr.Markdown, keys={"value": "presenter.runs"})
        table = gr.HTML("", elem_id="presenter-runs", padding=False)
        with gr.Row():
            chosen = words(gr.Dropdown, keys={"label": "presenter.run"}, choices=[], elem_id="presenter-run")
            stop = words(gr.Button, keys={"value": "presenter.stop"}, variant="stop", elem_id="presenter-stop")
            delete = words(gr.Button, keys={"value": "presenter.delete"}, variant="stop", elem_id="presenter-delete")
        words(gr.Markdown, keys={"value": "presenter.reset_part"})
        sure = words(gr.Checkbox, keys={"label": "presenter.sure"}, value=False, elem_id="presenter-sure")
        reset = words(gr.Button, keys={"value": "presenter.reset"}, variant="stop", elem_id="presenter-reset")
    page.arrival.add([way_in, inner], tab.arrive)
    page.on_language(guarded(tab.way_in), [], [way_in])
    gr.Timer(_LOOK_SECONDS).tick(guarded(tab.look), [lang, chosen], [table, chosen], **quiet)
    stop.click(guarded(tab.stop), [lang, chosen], [table, chosen], **quiet)
    delete.click(guarded(tab.delete), [lang, chosen], [table, chosen], **quiet)
    reset.click(guarded(tab.reset), [lang, sure], [table, chosen, sure], **quiet)
