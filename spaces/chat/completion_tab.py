"""The Prompt → completion tab: every token coloured by how sure the model was, alternatives to click, branches kept."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, cast

import gradio as gr
from chat_page import MAX_NEW_TOKENS, SEED, TEMPERATURE, TOP_K, TOP_P, ChatPage, check_length, sampling_settings
from own_models import COMPLETION, lay_out_note

from common import errors
from common.config import settings
from common.text.engine import (
    Candidate,
    Finished,
    GenerationRequest,
    GlassBox,
    PromptRead,
    SamplingSettings,
    TextEngine,
    Token,
    TokenBundle,
)
from common.ui.api import endpoint
from common.ui.components import chips_html, figures_html, folded, percent, token_chip, token_strip
from common.ui.errors import guarded
from common.ui.fields import Number, Text
from common.ui.i18n import number, text
from common.ui.links import link_button
from common.ui.plots import Bar, bars_html
from common.ui.streams import StopSignals

ALTERNATIVES = 10
_START = "The capital of France is"  # English on every page, since the embedded model has learned hardly anything else
_MAX_BRANCHES = 40


@dataclass(slots=True)
class Branch:
    """One way the text went on: the prompt's tokens, then the model's (or the visitor's choices among them)."""

    prompt: list[Token] = field(default_factory=list)
    made: list[Token] = field(default_factory=list)
    # What could have stood at each place of `made`, and what could follow: filled by the glass box when asked for.
    candidates: list[list[Candidate]] | None = None

    @property
    def ids(self) -> list[int]:
        """Ids of the whole text."""
        return [token.id for token in [*self.prompt, *self.made] if token.id is not None]


@dataclass(slots=True)
class Work:
    """What one visitor has made here; lives in the session."""

    branches: list[Branch] = field(default_factory=list)
    current: int = 0
    selected: int | None = None  # index among the chips: prompt first, then completion

    @property
    def branch(self) -> Branch:
        """The branch on screen."""
        return self.branches[self.current]

    def start(self, branch: Branch) -> None:
        """Add a branch and show it; the oldest leaves when there are too many to list."""
        self.branches = [*self.branches, branch][-_MAX_BRANCHES:]
        self.current, self.selected = len(self.branches) - 1, None


class CompletionTab:
    """The handlers of the tab. All yield (work, strip, chart, figures, branch list)."""

    def __init__(self, page: ChatPage) -> None:
        self._models, self._own = page.models, page.own
        self._stops = StopSignals()

    async def complete(
        self,
        lang: str,
        work: Work | None,
        prompt: str,
        temperature: Any,
        top_p: Any,
        top_k: Any,
        longest: Any,
        seed: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Complete the prompt, in a new branch."""
        sampling = sampling_settings(temperature, top_p, longest, seed, top_k)
        work = work or Work()
        engine = await self._engine(request.session_hash)
        work.start(Branch(await engine.tokenize(GenerationRequest(prompt=check_length(prompt)))))
        async for update in self._run(lang, work, sampling, request.session_hash):
            yield update

    async def one_more(
        self,
        lang: str,
        work: Work | None,
        prompt: str,
        temperature: Any,
        top_p: Any,
        top_k: Any,
        longest: Any,
        seed: Any,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """One token more, then look at what could come next: the loop of a language model in slow motion."""
        sampling = replace(sampling_settings(temperature, top_p, longest, seed, top_k), max_new_tokens=1)
        work = work or Work()
        engine = await self._engine(request.session_hash)
        typed = await engine.tokenize(GenerationRequest(prompt=check_length(prompt)))
        if not work.branches or [t.id for t in work.branch.prompt] != [t.id for t in typed]:
            work.start(Branch(typed))
        async for update in self._run(lang, work, sampling, request.session_hash):
            yield update

    async def choose_alternative(
        self,
        lang: str,
        work: Work | None,
        temperature: Any,
        top_p: Any,
        top_k: Any,
        longest: Any,
        seed: Any,
        event: gr.EventData,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Put another token in the selected place (or at the end) and go on from it, in a new branch."""
        sampling = sampling_settings(temperature, top_p, longest, seed, top_k)
        if work is None or not work.branches or work.branch.candidates is None:
            raise errors.EmptyPrompt()
        branch = work.branch
        place = len(branch.made) if work.selected is None else work.selected - len(branch.prompt)
        rows = self._rows(branch, place)
        index = int(event.index)
        if not 0 <= index < len(rows):
            raise errors.InvalidInput(
                field="alternative", allowed=errors.Phrase("whole_between", minimum=0, maximum=len(rows) - 1)
            )
        chosen = rows[index]
        token = Token(chosen.id, chosen.text, math.log(max(chosen.probability, 1e-12)))
        work.start(Branch(list(branch.prompt), [*branch.made[:place], token]))
        async for update in self._run(lang, work, sampling, request.session_hash):
            yield update

    async def _run(
        self, lang: str, work: Work, sampling: SamplingSettings, session: str | None
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Generate into the current branch, then look up what could follow."""
        engine, branch = await self._engine(session), work.branch
        work.selected, branch.candidates = None, None
        yield (work, _strip(lang, work), gr.skip(), "", _branch_list(lang, work))
        seed, finished = 0, None
        before = len(branch.made)
        request = GenerationRequest(prompt_ids=tuple(branch.ids), sampling=sampling)
        async with contextlib.aclosing(self._stops.watch(session, engine.stream(request))) as events:
            async for event in events:
                if isinstance(event, PromptRead):
                    seed = event.seed
                elif isinstance(event, TokenBundle):
                    branch.made += event.tokens
                    yield (gr.skip(), _strip(lang, work), gr.skip(), gr.skip(), gr.skip())
                elif isinstance(event, Finished):
                    finished = event
        figures = _figures(lang, branch.made[before:], seed, finished)
        waiting = f'<p class="quiet">{escape(text(lang, "completion.looking"))}</p>'
        yield (work, _strip(lang, work), waiting, figures, _branch_list(lang, work))
        await self._look(branch, session)
        yield (work, gr.skip(), self._chart(lang, work), gr.skip(), gr.skip())

    async def _engine(self, session: str | None) -> TextEngine:
        """The model that this page completes with: the visitor's own, if its address named one."""
        own = await self._own.engine(session, COMPLETION) if self._own else None
        return own or self._models.engine()

    async def _look(self, branch: Branch, session: str | None) -> None:
        """Fill in the candidates: one pass of the glass box over the whole text."""
        if branch.candidates is None:
            own = await self._own.engine(session, COMPLETION) if self._own else None
            inside = self._models.glass_box() if own is None else cast(GlassBox, own)  # a process with all of it
            branch.candidates = await inside.candidates(branch.ids, len(branch.prompt), ALTERNATIVES)

    async def select(self, lang: str, work: Work | None, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """Show what could have stood in place of the clicked token; a click on the prompt shows what may follow."""
        if work is None or not work.branches:
            raise errors.EmptyPrompt()
        branch, index = work.branch, int(event.index)
        inside = len(branch.prompt) <= index < len(branch.prompt) + len(branch.made)
        work.selected = index if inside and index != work.selected else None
        await self._look(branch, request.session_hash)
        return work, _strip(lang, work), self._chart(lang, work)

    async def show_branch(self, lang: str, work: Work | None, which: int, request: gr.Request) -> tuple[Any, ...]:
        """Show a branch that was made before."""
        if work is None or not 0 <= int(which) < len(work.branches):
            raise errors.EmptyPrompt()
        work.current, work.selected = int(which), None
        await self._look(work.branch, request.session_hash)
        return work, _strip(lang, work), self._chart(lang, work), ""

    async def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's running completion."""
        self._stops.stop(request.session_hash)

    async def next_token(self, prompt: str, top: int = ALTERNATIVES) -> AsyncIterator[list[dict[str, Any]]]:
        """Give the most probable next tokens after a text.

        Args:
            prompt: the text.
            top: how many, 1 to 100.
        """
        limit = Number("top", ALTERNATIVES, 1, 100).whole(top)
        tokens = await self._models.engine().tokenize(GenerationRequest(prompt=check_length(prompt)))
        ids = [token.id for token in tokens if token.id is not None]
        found = await self._models.glass_box().candidates(ids, len(ids), limit)
        yield [{"id": row.id, "text": row.text, "probability": row.probability} for row in found[0]]

    @staticmethod
    def _rows(branch: Branch, place: int) -> list[Candidate]:
        """The candidates of a place, with the token that stands there added when it is not among the first."""
        assert branch.candidates is not None  # noqa: S101 - the callers looked
        rows = list(branch.candidates[place])
        if place < len(branch.made):
            here = branch.made[place]
            if here.id is not None and here.id not in {row.id for row in rows}:
                rows.append(Candidate(here.id, here.text, math.exp(here.logprob) if here.logprob is not None else 0.0))
        return rows

    def _chart(self, lang: str, work: Work) -> str:
        branch = work.branch
        if branch.candidates is None:
            return ""
        place = len(branch.made) if work.selected is None else work.selected - len(branch.prompt)
        here = branch.made[place].id if place < len(branch.made) else None
        bars = []
        for rank, row in enumerate(self._rows(branch, place)):
            note = percent(row.probability, lang)
            if row.id == here:
                note += f" · {text(lang, 'completion.chosen')}"
            if rank >= ALTERNATIVES:
                note += f" · {text(lang, 'completion.rank_below', n=ALTERNATIVES)}"
            bars.append(Bar(row.text, row.probability, note, selected=row.id == here))
        if here is None:
            caption = text(lang, "completion.next_caption")
        else:
            caption = text(lang, "completion.at_caption", text=branch.made[place].text.strip() or "␣")
        hint = f'<p class="quiet">{escape(text(lang, "completion.alternatives"))}</p>'
        return bars_html(bars, caption=caption, clickable=True) + hint


def build(page: ChatPage) -> None:
    """Lay out the tab and wire it."""
    tab, words, lang = CompletionTab(page), page.words, page.lang
    page.idea("completion")
    if page.own is not None:
        lay_out_note(page, page.own, page.owner, COMPLETION)
    work = gr.State(None)
    prompt = words(
        gr.Textbox,
        keys={"label": "completion.prompt"},
        value=_START,
        lines=2,
        max_lines=8,
        max_length=settings().max_prompt_chars,
        elem_id="completion-prompt",
    )
    with gr.Row():
        complete = words(
            gr.Button, keys={"value": "completion.complete"}, variant="primary", min_width=120, elem_id="completion-go"
        )
        one = words(gr.Button, keys={"value": "completion.one"}, min_width=120, elem_id="completion-one")
        stop = words(gr.Button, keys={"value": "common.stop"}, min_width=90, elem_id="completion-stop")
    with folded(words, "completion.settings"):
        with gr.Row():
            temperature = TEMPERATURE.slider(words, "completion.temperature", min_width=200)
            top_p = TOP_P.slider(words, "completion.top_p", min_width=200)
            top_k = TOP_K.slider(words, "completion.top_k", min_width=200)
        with gr.Row():
            longest = replace(MAX_NEW_TOKENS, default=60).slider(words, "completion.max_new_tokens", min_width=200)
            seed = SEED.box(words, "completion.seed", min_width=200)
        link_button(
            page,
            "completion",
            {
                "prompt": (Text("prompt", "", settings().max_prompt_chars), prompt),
                "temperature": (TEMPERATURE, temperature),
                "top_p": (TOP_P, top_p),
                "top_k": (TOP_K, top_k),
                "max_new_tokens": (MAX_NEW_TOKENS, longest),
                "seed": (SEED, seed),
            },
        )
    words(gr.HTML, keys={"value": _legend})
    with gr.Row():
        with gr.Column(scale=3, min_width=300):
            strip = token_strip("completion-text")
            figures = gr.HTML("", elem_id="completion-figures")
        with gr.Column(scale=2, min_width=300):
            chart = token_strip("completion-chart")
    branches = words(
        gr.Radio, keys={"label": "completion.branches"}, choices=[], visible=False, elem_id="completion-branches"
    )

    shown = [work, strip, chart, figures, branches]
    controls = [temperature, top_p, top_k, longest, seed]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    complete.click(guarded(tab.complete), [lang, work, prompt, *controls], shown, **quiet)
    one.click(guarded(tab.one_more), [lang, work, prompt, *controls], shown, **quiet)
    stop.click(guarded(tab.stop), lang, None, queue=False, **quiet)
    strip.select(guarded(tab.select), [lang, work], [work, strip, chart], **quiet)
    chart.select(guarded(tab.choose_alternative), [lang, work, *controls], shown, **quiet)
    branches.input(guarded(tab.show_branch), [lang, work, branches], [work, strip, chart, figures], **quiet)
    endpoint("next_token", tab.next_token)


def _strip(lang: str, work: Work) -> str:
    branch = work.branch
    before = len(branch.prompt)
    chips = [replace(token_chip(token, lang=lang, kind="prompt"), heat=None) for token in branch.prompt]
    chips += [
        token_chip(token, lang=lang, selected=work.selected == before + index)
        for index, token in enumerate(branch.made)
    ]
    return chips_html(chips, empty=text(lang, "completion.nothing"))


def _branch_list(lang: str, work: Work) -> Any:
    choices = []
    for index, branch in enumerate(work.branches):
        ending = "".join(token.text for token in branch.made)[:48].replace("\n", " ")
        choices.append((text(lang, "completion.branch_n", n=index + 1, text=ending), index))
    return gr.update(choices=choices, value=work.current, visible=len(choices) > 1)


def _legend(lang: str) -> str:
    words = {name: escape(text(lang, f"completion.legend_{name}")) for name in ("prompt", "sure", "surprised", "click")}
    return (
        f'<div class="legend"><span class="chip idea-prompt">{words["prompt"]}</span>'
        f'<span>{words["sure"]}</span><span class="ramp"></span><span>{words["surprised"]}</span>'
        f"<span>{words['click']}</span></div>"
    )


def _figures(lang: str, made: list[Token], seed: int, finished: Finished | None) -> str:
    known = [token.logprob for token in made if token.logprob is not None]
    rows = [(number(lang, len(made)), text(lang, "completion.length"))]
    if finished is not None and finished.tokens_per_second:
        rows.insert(0, (number(lang, finished.tokens_per_second, 1), text(lang, "completion.speed")))
    if known:  # geometric mean: the average of log-probabilities, turned back into a probability
        rows.append((percent(math.exp(sum(known) / len(known)), lang), text(lang, "completion.surprise")))
    rows.append((str(seed), text(lang, "completion.seed_used")))
    return figures_html(rows)
