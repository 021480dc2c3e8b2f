"""How the Scoreboard is drawn: a row for every model, and the answers below. Texts are escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from board_answers import BASE, PROMPTED, Answers, models_of

from common.training.config import FinetuneConfig
from common.training.instructions import Example
from common.training.prompted import SHOTS
from common.training.scoreboard import Board, Score
from common.ui.components import percent
from common.ui.i18n import number, text
from common.ui.plots import Row, grouped_bars_html

_COLUMNS = ("model", "bars", "loss", "perplexity", "trainable", "size", "minutes", "peak", "cost", "rouge")
_NONE = "–"
# A lab of the course that the seminar follows: FLAN-T5-base on DialogSum, ROUGE-1.
PUBLISHED = ((0.2334, "base"), (0.4216, "full"), (0.4081, "lora"))


def board_html(lang: str, board: Board, per_hour: float, answers: Answers | None) -> str:
    """The table: bars of the loss on the held-out answers, then what it took, then ROUGE where it was measured."""
    scores = {BASE: board.scores[0], PROMPTED: Score(None, board.prompted)}
    scores |= {score.run.folder.id: score for score in board.scores if score.run is not None}
    rows = [_row(lang, name, scores[name], per_hour, answers) for name in models_of(board)]
    held_out = text(lang, "scoreboard.held_out", title=board.title, n=number(lang, len(board.test)))
    headings = [text(lang, f"scoreboard.{column}") for column in _COLUMNS]
    table = grouped_bars_html({held_out: rows}, caption=text(lang, "scoreboard.caption"), headings=headings)
    return table + _published(lang)


def _row(lang: str, name: str, score: Score, per_hour: float, answers: Answers | None) -> Row:
    answered = answers.by_model.get(name) if answers else None
    rouge = " · ".join(number(lang, 100 * one, 1) for one in answered.rouge) if answered and answered.rouge else _NONE
    loss, perplexity = score.loss, score.perplexity
    took = [_NONE] * 5
    if score.run is not None:
        share = score.trainable / score.parameters if score.parameters else 0.0
        took = [
            percent(share, lang),
            number(lang, score.megabytes, 1),
            number(lang, score.seconds / 60, 1),
            number(lang, score.peak_mb, 0),
            number(lang, score.cost(per_hour), 3),
        ]
    cells = (
        _NONE if loss is None else number(lang, loss, 3),
        _NONE if perplexity is None else number(lang, perplexity, 1),
        *took,
        rouge,
    )
    title = text(lang, "scoreboard.prompted", n=SHOTS) if name == PROMPTED else _name(lang, score)
    return Row(title, loss or 0.0, cells)


def _name(lang: str, score: Score) -> str:
    if score.run is None:
        return text(lang, "scoreboard.base")
    config = score.run.config
    assert isinstance(config, FinetuneConfig)  # noqa: S101 - boards have no others
    return f"{config.name} ({text(lang, f'scoreboard.method_{config.method}')})"


def _published(lang: str) -> str:
    shown = ", ".join(
        f"{text(lang, f'scoreboard.method_{name}')} {number(lang, value, 4)}" for value, name in PUBLISHED
    )
    words = text(lang, "scoreboard.published", figures=shown, percent=percent(0.0141, lang))
    return f'<p class="quiet">{escape(words)}</p>'


def answers_html(lang: str, board: Board, answers: Answers | None) -> str:
    """Every question with the wanted answer and everybody's."""
    if answers is None:
        return ""
    names = {BASE: text(lang, "scoreboard.base"), PROMPTED: text(lang, "scoreboard.prompted", n=SHOTS)}
    names |= {score.run.folder.id: _name(lang, score) for score in board.scores if score.run is not None}
    asked = board.test[: answers.questions]
    return "".join(_question(lang, place, example, names, answers) for place, example in enumerate(asked))


def _question(lang: str, place: int, example: Example, names: dict[str, str], answers: Answers) -> str:
    question = next((turn.content for turn in reversed(example[:-1]) if turn.role == "user"), "")
    given = [(text(lang, "scoreboard.wanted"), example[-1].content)]
    given += [(names[name], answered.texts[place]) for name, answered in answers.by_model.items() if name in names]
    panels = "".join(_panel(title, words) for title, words in given)
    summary = escape(question if len(question) <= 160 else question[:160] + "…")
    opened = " open" if place == 0 else ""
    return f'<details class="asked"{opened}><summary>{summary}</summary><div class="panels">{panels}</div></details>'


def _panel(title: str, words: str) -> str:
    return f'<div class="panel"><small>{escape(title)}</small><p>{escape(words) or "…"}</p></div>'


def choices(lang: str, found: Sequence[Board]) -> list[tuple[str, str]]:
    """The boards as a list to choose from."""
    return [
        (text(lang, "scoreboard.choice", title=board.title, runs=number(lang, len(board.scores) - 1),
              n=number(lang, len(board.test))), board.key)
        for board in found
    ]  # fmt: skip
