"""How the Actions tab looks: the steps from the prompt to the answer, one under the other. All text is escaped."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape

from common import errors
from common.text.actions.calling import Call
from common.text.actions.tool import Result
from common.text.actions.toolbox import NO_TOOL
from common.ui.i18n import error_text, number, text


@dataclass(frozen=True, slots=True)
class Trace:
    """How far a question has come; lives in the session, so that it can be told in another language.

    Attributes:
        question, prompt: the visitor's words, and the whole prompt the model reads.
        constrained: the model was held to the schema.
        attempt: 1, or more after a repair.
        raw, tokens, seconds: what the model has written, and in how long.
        written: that is all of it.
        call, approved: the call as read, and whether it was let run.
        at_most: seconds that the tool may take.
        result: what the tool gave.
        answer, answer_tokens, answer_seconds: the model's own sentence on the result.
        problem: why it goes no further.
        stopped: the visitor has ended it.
    """

    question: str
    prompt: str
    constrained: bool
    attempt: int = 1
    raw: str = ""
    tokens: int = 0
    seconds: float = 0.0
    written: bool = False
    call: Call | None = None
    approved: bool = False
    at_most: float = 0.0
    result: Result | None = None
    answer: str = ""
    answer_tokens: int = 0
    answer_seconds: float = 0.0
    problem: errors.DemystifyError | None = None
    stopped: bool = False


def trace_html(lang: str, trace: Trace) -> str:
    """The steps that have been taken, and why there is no next one."""
    rule = text(lang, "actions.held" if trace.constrained else "actions.free")
    summary = escape(text(lang, "actions.open_prompt"))
    prompt = f"<details><summary>{summary}</summary><pre>{escape(trace.prompt)}</pre></details>"
    steps = [_step(lang, "prompt", f"<p>{escape(trace.question)}</p>{prompt}")]
    cost = text(lang, "actions.cost", tokens=trace.tokens, seconds=number(lang, trace.seconds, 1))
    steps.append(
        _step(lang, "raw", f"{_quiet(rule)}<pre>{escape(trace.raw) or '…'}</pre>{_quiet(cost)}", trace.attempt)
    )
    if trace.call is not None:
        rows = "".join(
            f"<li><code>{escape(name)}</code> = <code>{escape(value)}</code></li>"
            for name, value in trace.call.arguments.items()
        )
        steps.append(_step(lang, "call", f"<p><b>{escape(trace.call.name)}</b></p><ul>{rows}</ul>"))
        key = "actions.approved" if trace.approved else "actions.waiting"
        running = trace.approved and not (trace.result or trace.problem or trace.stopped)
        limit = _quiet(text(lang, "actions.running", seconds=number(lang, trace.at_most))) if running else ""
        steps.append(_step(lang, "approval", f"<p>{escape(text(lang, key))}</p>{limit}"))
    if trace.result is not None:
        steps.append(_step(lang, "result", f"<p><b>{escape(trace.result.words)}</b></p>{_picture(lang, trace.result)}"))
        cost = text(lang, "actions.cost", tokens=trace.answer_tokens, seconds=number(lang, trace.answer_seconds, 1))
        by_itself = trace.call is not None and trace.call.name == NO_TOOL
        source = text(lang, "actions.by_itself" if by_itself else "actions.truth")
        body = f"<p>{escape(trace.answer) or '…'}</p>{_quiet(cost)}{_quiet(source)}"
        steps.append(_step(lang, "answer", body))
    if trace.problem is not None:
        steps.append(f'<p class="problem">{escape(error_text(lang, trace.problem))}</p>')
    if trace.stopped:
        steps.append(_quiet(text(lang, "actions.stopped")))
    return f'<div class="trace">{"".join(steps)}</div>'


def _step(lang: str, name: str, body: str, attempt: int = 1) -> str:
    again = f" · {escape(text(lang, 'actions.attempt', n=attempt))}" if attempt > 1 else ""
    title = escape(text(lang, f"actions.step_{name}"))
    return f'<article class="panel" data-step="{name}"><h4>{title}{again}</h4>{body}</article>'


def _picture(lang: str, result: Result) -> str:
    if not result.picture:
        return ""
    address = f"data:image/png;base64,{base64.b64encode(result.picture).decode('ascii')}"
    save = f'<a href="{address}" download="drawing.png">{escape(text(lang, "image.save"))}</a>'
    return (
        f'<div class="drawn"><figure><img src="{address}" alt="{escape(result.shows)}">'
        f"<figcaption>{save}</figcaption></figure></div>"
    )


def _quiet(sentence: str) -> str:
    return f'<p class="quiet">{escape(sentence)}</p>'
