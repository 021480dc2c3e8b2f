"""The Scoreboard's handlers: which boards there are, and the measuring of answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import gradio as gr
from board_answers import Answers, measure, models_of
from board_look import answers_html, board_html, choices
from train_page import TrainPage

from common import errors
from common.training.scoreboard import Board, boards
from common.ui.fields import Number
from common.ui.i18n import number, text
from common.ui.streams import StopSignals

QUESTIONS = Number("board_questions", 8, 2, 16)
PER_HOUR = Number("hourly_price", 0.1, 0, 1000, 0.01)


class BoardTab:
    """The handlers of one page."""

    def __init__(self, page: TrainPage) -> None:
        self._page = page
        self._signals = StopSignals()

    async def look(
        self, lang: str, owner: str, chosen: str | None, per_hour: Any, answers: Answers | None
    ) -> list[Any]:
        """The list of boards, the chosen one drawn, and the answers that were measured for it. Raises InvalidInput."""
        found = await self._boards(owner)
        board = next((one for one in found if one.key == chosen), found[0] if found else None)
        if board is None:
            empty = f'<p class="quiet">{text(lang, "scoreboard.none")}</p>'
            return [gr.update(choices=[], value=None), empty, ""]
        kept = answers if answers is not None and answers.board == board.key else None
        listed = gr.update(choices=choices(lang, found), value=board.key)
        return [listed, board_html(lang, board, PER_HOUR.real(per_hour), kept), answers_html(lang, board, kept)]

    async def measure(
        self, lang: str, owner: str, chosen: str | None, questions: Any, per_hour: Any, request: gr.Request
    ) -> AsyncGenerator[list[Any], None]:
        """Answers of every model of the board as they come. Raises InvalidInput, NothingToMeasure."""
        price, count = PER_HOUR.real(per_hour), QUESTIONS.whole(questions)
        board = next((one for one in await self._boards(owner) if one.key == chosen), None)
        if board is None:
            raise errors.NothingToMeasure()
        yield [text(lang, "scoreboard.loading"), gr.skip(), gr.skip(), gr.skip()]
        answers: Answers | None = None
        stream = measure(board, count, self._page.trained)
        async for board, answers in self._signals.watch(request.session_hash, stream):
            complete = sum(one.rouge is not None for one in answers.by_model.values())
            of = len(models_of(board))
            at = text(lang, "scoreboard.measuring", n=number(lang, min(complete + 1, of)), all=number(lang, of))
            if board.prompted is None:
                at = text(lang, "scoreboard.measuring_loss")
            yield [at, board_html(lang, board, price, answers), answers_html(lang, board, answers), answers]
        if answers is None:  # stopped before anything began
            yield [text(lang, "scoreboard.stopped"), gr.skip(), gr.skip(), gr.skip()]
            return
        answers.ended = True
        yield [_ended(lang, board, answers), gr.skip(), gr.skip(), answers]

    async def status(self, lang: str, owner: str, answers: Answers | None) -> Any:
        """How the measuring has ended, in another language; one at work says it with its next step."""
        if answers is None or not answers.ended:
            return gr.skip()
        board = next((one for one in await self._boards(owner) if one.key == answers.board), None)
        return _ended(lang, board, answers) if board is not None else ""

    def stop(self, lang: str, request: gr.Request) -> None:
        """End the measuring; what has come stays."""
        self._signals.stop(request.session_hash)

    async def _boards(self, owner: str) -> list[Board]:
        def read() -> list[Board]:
            return boards(self._page.runs.of(owner)) if owner else []

        return await asyncio.to_thread(read)


def _ended(lang: str, board: Board, answers: Answers) -> str:
    return text(lang, "scoreboard.measured" if answers.complete(board) else "scoreboard.stopped")
