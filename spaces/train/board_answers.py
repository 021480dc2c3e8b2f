"""Answers to held-out questions, by every model of a board, and how much of the wanted answers is in them (ROUGE).

Three kinds of model answer: the base as it is, the base with a few examples in its prompt, and each run's. Before that
the loss of the second kind is measured, which no run has written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from train_page import line

from common.text.engine import GenerationRequest, Message, SamplingSettings, TextEngine, TokenBundle
from common.text.tasks.rouge import rouge
from common.training.instructions import Example
from common.training.prompted import SHOTS, measure_apart, with_shots
from common.training.scoreboard import Board
from common.ui.trained import TrainedModels

BASE, PROMPTED = "base", "prompted"
_ANSWER_TOKENS = 80


@dataclass(frozen=True, slots=True)
class Answered:
    """What one model answered.

    Attributes:
        texts: one per question, in the board's order.
        rouge: means of the F1 of ROUGE-1, ROUGE-2 and ROUGE-L, 0 to 1; None until all questions are answered.
    """

    texts: tuple[str, ...]
    rouge: tuple[float, float, float] | None = None


@dataclass(slots=True)
class Answers:
    """The answers of all models of a board so far.

    Attributes:
        board: its key.
        questions: how many of its conversations are asked.
        by_model: ``BASE``, ``PROMPTED`` or a run's id, with what it answered.
        ended: there will be no more, whether all have answered or not.
    """

    board: str
    questions: int
    by_model: dict[str, Answered] = field(default_factory=dict)
    ended: bool = False

    def complete(self, board: Board) -> bool:
        """Whether every model of the board has answered every question."""
        found = [self.by_model.get(name) for name in models_of(board)]
        return all(one is not None and one.rouge is not None for one in found)


def models_of(board: Board) -> list[str]:
    """The models that answer, in the order of the board."""
    runs = [score.run.folder.id for score in board.scores if score.run is not None]
    return [BASE, PROMPTED, *runs]


def prompt(example: Example, shots: Sequence[Example] = ()) -> tuple[Message, ...]:
    """The conversation up to the answer that is wanted; ``shots`` are complete ones shown before it."""
    turns = with_shots(example[:-1], shots)
    return tuple(Message(turn.role, turn.content) for turn in turns)  # type: ignore[arg-type]


def score(texts: Sequence[str], examples: Sequence[Example]) -> tuple[float, float, float]:
    """Means over all questions of the F1 of ROUGE-1, ROUGE-2 and ROUGE-L."""
    found = [rouge(text, example[-1].content).all for text, example in zip(texts, examples, strict=True)]
    first, second, longest = (sum(one[kind].f1 for one in found) / len(found) for kind in range(3))
    return first, second, longest


async def measure(board: Board, questions: int, trained: TrainedModels) -> AsyncGenerator[tuple[Board, Answers], None]:
    """The board and the answers, whenever there is more of them.

    First the loss that the board lacks. Then one model after the other answers; its questions at the same time.

    Raises:
        QueueFull, PromptTooLong, OutOfMemory, ModelUnavailable: of the engines.
        UnusableExamples, MeasuringTooLarge: of the loss.
    """
    asked = board.test[:questions]
    answers = Answers(board.key, len(asked))
    runs = {one.run.folder.id: one.run for one in board.scores if one.run is not None}
    if board.prompted is None:
        yield board, answers
        async with line().turn:
            board = replace(board, prompted=await measure_apart(next(iter(runs.values())).folder))
        yield board, answers
    for name in models_of(board):
        run = runs.get(name)
        engine = await trained.engine(run) if run is not None else await trained.base(board.base, board.title)
        shots = board.train[:SHOTS] if name == PROMPTED else ()
        answers.by_model[name] = Answered(("",) * len(asked))
        yield board, answers
        texts = [""] * len(asked)
        waiting = {
            asyncio.create_task(_answer(engine, prompt(example, shots))): place for place, example in enumerate(asked)
        }
        try:
            while waiting:
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    texts[waiting.pop(task)] = task.result()
                answers.by_model[name] = Answered(tuple(texts))
                yield board, answers
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        answers.by_model[name] = Answered(tuple(texts), score(texts, asked))
        yield board, answers


async def _answer(engine: TextEngine, messages: tuple[Message, ...]) -> str:
    """The most probable answer."""
    sampling = SamplingSettings(temperature=0.0, max_new_tokens=_ANSWER_TOKENS)
    text = ""
    async for event in engine.stream(GenerationRequest(messages=messages, sampling=sampling)):
        if isinstance(event, TokenBundle):
            text += "".join(token.text for token in event.tokens if not token.special)
    return text.strip()
