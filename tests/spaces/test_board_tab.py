"""The Scoreboard's handlers: drawn in four languages, and real answers of real (tiny) models with their ROUGE."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from board_answers import BASE, PROMPTED, Answered, Answers, models_of, prompt, score
from board_handlers import BoardTab
from board_look import answers_html, board_html

from common.config import LANGUAGES, Settings
from common.text.engine import Message
from common.training.instructions import Turn, pair, to_jsonl
from common.training.prompted import SHOTS
from common.training.runs import TrainingRuns
from common.training.scoreboard import boards
from common.ui.errors import guarded
from common.ui.i18n import text
from common.ui.trained import TrainedModels
from tests.common.training.test_scoreboard import finished

OWNER = "a" * 32


class _Page:
    """What the handlers use of a page."""

    def __init__(self, runs: TrainingRuns) -> None:
        self.runs, self.trained = runs, TrainedModels()


class _Visit:
    session_hash = "one"


@pytest.fixture
def page(tmp_path: Path) -> Any:
    return _Page(TrainingRuns(Settings(runs_dir=tmp_path / "runs", max_runs_per_visitor=9)))


def _look(page: Any, owner: str = OWNER, chosen: str | None = None, price: Any = 0.1, answers: Any = None) -> Any:
    return asyncio.run(guarded(BoardTab(page).look)("en", owner, chosen, price, answers))


def test_without_a_run_it_says_what_to_do(page: Any) -> None:
    finished(page.runs, "mine", 2.5)
    assert text("en", "scoreboard.none") in _look(page, owner="b" * 32)[1]  # runs of others are none of theirs
    with pytest.raises(gr.Error, match="Fine-tune tab first"):
        asyncio.run(_measured(page, "nonsense"))
    with pytest.raises(gr.Error, match="Price"):
        _look(page, price=-1)


async def _measured(page: Any, key: str, stop_after: int = 0) -> list[Any]:
    tab, seen = BoardTab(page), []
    async for update in guarded(tab.measure)("en", OWNER, key, 2, 0.1, _Visit()):
        seen.append(update)
        if stop_after and len(seen) == stop_after:
            tab.stop("en", _Visit())  # type: ignore[arg-type]
    return seen


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_board_is_drawn_and_names_stay_text(page: Any, lang: str) -> None:
    finished(page.runs, "<b>mine", 2.5)
    (board,) = boards(page.runs.all())
    run = board.scores[1].run
    assert run is not None
    answers = Answers(board.key, 2, {run.folder.id: Answered(("<i>one", "two"), (0.5, 0.25, 0.4))})
    drawn = board_html(lang, board, 3600.0, answers)
    assert "&lt;b&gt;mine (LoRA)" in drawn and "<b>mine" not in drawn
    assert text(lang, "scoreboard.prompted", n=SHOTS) in drawn
    assert ("50.0 · 25.0 · 40.0" if lang == "en" else "50,0 · 25,0 · 40,0") in drawn
    said = answers_html(lang, board, answers)
    assert "&lt;i&gt;one" in said and "<i>" not in said and said.count("<details") == 2
    assert answers_html(lang, board, None) == ""
    run.folder.write_json("prompted.json", {"shots": SHOTS, "loss": 3.25})
    (board,) = boards(page.runs.all())
    drawn = board_html(lang, board, 3600.0, None)
    assert ("3.250" if lang == "en" else "3,250") in drawn and ("25.8" if lang == "en" else "25,8") in drawn


def test_a_prompt_is_the_conversation_before_the_wanted_answer() -> None:
    shot = (Turn("system", "Be kind."), *pair("A?", "B."))
    asked = (Turn("system", "Be brief."), *pair("C?", "D."))
    assert prompt(asked, [shot]) == (
        Message("system", "Be brief."),
        Message("user", "A?"),
        Message("assistant", "B."),
        Message("user", "C?"),
    )


def test_a_score_is_a_mean() -> None:
    examples = [pair("A?", "the small cat"), pair("B?", "a dog")]
    assert score(["the small cat", "nothing"], examples) == pytest.approx((0.5, 0.5, 0.5))


@pytest.mark.slow
def test_every_model_answers_and_a_stop_keeps_what_came(page: Any, tiny_llama: Path) -> None:
    data = to_jsonl([pair(f"Question {number}?", f"The answer is {number}.") for number in range(20)])
    run = finished(page.runs, "mine", 2.5, data, base=str(tiny_llama), method="full")
    shutil.rmtree(run.folder.model)
    shutil.copytree(tiny_llama, run.folder.model)
    (board,) = boards(page.runs.all())
    seen = asyncio.run(_measured(page, board.key))
    assert seen[1][0] == text("en", "scoreboard.measuring_loss")
    (measured,) = boards(page.runs.all())
    assert measured.prompted is not None and f"{measured.prompted:.3f}" in seen[2][1]
    answers = seen[-2][3]
    assert list(answers.by_model) == models_of(board) == [BASE, PROMPTED, run.folder.id]
    for answered in answers.by_model.values():
        assert len(answered.texts) == 2 and answered.rouge is not None
        assert all(0 <= one <= 1 for one in answered.rouge)
    # The run's model is a copy of the base here, and the most probable answer is no matter of chance.
    assert answers.by_model[BASE] == answers.by_model[run.folder.id]
    assert seen[-1][0] == text("en", "scoreboard.measured")
    kept = _look(page, answers=answers)
    assert kept[2] == answers_html("en", board, answers)
    status = guarded(BoardTab(page).status)
    assert asyncio.run(status("de", OWNER, answers)) == text("de", "scoreboard.measured")

    stopped = asyncio.run(_measured(page, board.key, stop_after=3))
    assert stopped[1][0] != text("en", "scoreboard.measuring_loss")  # what was measured is kept
    assert stopped[-1][0] == text("en", "scoreboard.stopped")
    assert set(stopped[-2][3].by_model) < set(models_of(board))
    assert asyncio.run(status("fr", OWNER, stopped[-1][3])) == text("fr", "scoreboard.stopped")
    at_work = Answers(board.key, 2)
    assert asyncio.run(status("fr", OWNER, at_work)) == asyncio.run(status("fr", OWNER, None)) == gr.skip()
