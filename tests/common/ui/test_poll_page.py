"""The page to guess on: what it draws, what the presenter alone may do, and that the right answers are right."""

from __future__ import annotations

import asyncio
import math
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from common import errors
from common.config import LANGUAGES, Settings
from common.seminar.access import PRESENTER_COOKIE, VOTER_COOKIE, access
from common.seminar.poll import Poll
from common.text.tokens import count
from common.text.vocabularies import load
from common.training.budget import Model, Plan, memory
from common.training.config import FinetuneConfig, ScratchConfig
from common.training.runs import ANYBODY, TrainingRuns
from common.training.sizes import sizes
from common.ui.agenda import parts
from common.ui.i18n import number, text, texts
from common.ui.poll_page import PollPage, poll_html
from common.ui.presenter import PresenterPage, owner_mark, runs_html, way_in_html
from common.ui.stage import steps

ITEMS = {item.id: item for part in parts() for item in part.item if item.poll}


class _Visit:
    """What a handler reads of a request."""

    def __init__(self, cookie: str = "", **query: str) -> None:
        self.headers = {"cookie": cookie, "accept-language": "en"}
        self.query_params = query


def _presenter(**query: str) -> gr.Request:
    return _Visit(f"{PRESENTER_COOKIE}={access().presenter_pass()}", **query)  # type: ignore[return-value]


def _phone(name: str = "") -> gr.Request:
    return _Visit(f"{VOTER_COOKIE}={name or access().new_voter()}")  # type: ignore[return-value]


def _attendee(**query: str) -> gr.Request:
    return _Visit(f"{PRESENTER_COOKIE}=guessed", **query)  # type: ignore[return-value]


def test_only_the_presenter_asks_by_opening_a_step() -> None:
    poll = Poll()
    place = next(place for place, step in enumerate(steps()) if step.guess)
    PollPage(poll).arrive(_attendee(step=str(place)))
    assert poll.state().question == ""
    drawn = PollPage(poll).arrive(_presenter(step=str(place)))
    assert poll.state().question == steps()[place].item.id
    assert drawn[-1]["visible"] and not PollPage(poll).arrive(_attendee())[-1]["visible"]


def test_a_guess_is_counted_marked_and_shown_at_the_end() -> None:
    poll = Poll()
    poll.ask("models", 3)
    tab = PollPage(poll)
    ada = _phone()
    drawn = tab.guess("en", 1, ada)
    assert [button["variant"] for button in drawn[1:5]] == ["secondary", "primary", "secondary", "secondary"]
    assert [button["visible"] for button in drawn[1:5]] == [True, True, True, False]
    assert text("en", "ask.models_why") not in drawn[0]  # nobody reads the answer out of the page
    assert tab.again("en", _phone())[2]["variant"] == "secondary"  # somebody else's page marks none
    drawn = tab.reveal("en", _presenter())
    assert text("en", "ask.models_why") in drawn[0] and "1 (100%)" in drawn[0]
    assert not any(button["visible"] for button in drawn[1:5])


def test_a_page_that_is_up_to_date_is_left_alone() -> None:
    poll = Poll()
    poll.ask("models", 3)
    tab = PollPage(poll)
    version = tab.again("en", _phone())[-1]
    assert all(update == gr.skip() for update in tab.look("en", version, _phone()))
    poll.guess("bob", 0)
    assert "1" in tab.look("en", version, _phone())[0]


def test_every_browser_has_one_guess_and_no_name_of_its_own_making() -> None:
    poll = Poll()
    poll.ask("models", 3)
    tab = PollPage(poll)
    ada, bob = access().new_voter(), access().new_voter()
    for choice in (0, 1, 2):
        tab.guess("en", choice, _phone(ada))
    tab.guess("en", 0, _phone(bob))
    assert poll.state().counts == (1, 0, 1)
    name, _, signature = ada.partition(".")
    for forged in ("", "ada", f"{'0' * 32}.{signature}", f"{name}.", f"{name}.{signature[:-1]}", f".{signature}"):
        with pytest.raises(errors.NoCookie):
            tab.guess("en", 1, _phone(forged) if forged else _attendee())
    assert poll.state().counts == (1, 0, 1)


def test_an_attendee_cannot_do_what_the_presenter_does() -> None:
    poll = Poll()
    poll.ask("models", 3)
    tab, runs = PollPage(poll), _NoRuns()
    for act in (tab.reveal, tab.reset):
        with pytest.raises(errors.PresenterOnly):
            act("en", _attendee())
    page = PresenterPage(poll, runs)  # type: ignore[arg-type]
    with pytest.raises(errors.PresenterOnly):
        asyncio.run(page.stop("en", "some-run", _attendee()))
    with pytest.raises(errors.PresenterOnly):
        asyncio.run(page.delete("en", "some-run", _attendee()))
    with pytest.raises(errors.PresenterOnly):
        asyncio.run(page.reset("en", True, _attendee()))
    assert asyncio.run(page.look("en", None, _attendee())) == [gr.skip(), gr.skip()]
    assert not runs.asked and not poll.state().revealed


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_reset_says_what_it_ended_and_what_stays(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("common.ui.presenter.gr.Info", lambda words, **_: told.append(words))
    poll, runs = Poll(), _Runs("first", "gone", "last")
    poll.ask("models", 3)
    poll.guess("ada", 1)
    asyncio.run(PresenterPage(poll, runs).reset(lang, True, _presenter()))  # type: ignore[arg-type]
    assert told == [text(lang, "presenter.done", runs="2")] and runs.deleted == ["first", "last"]
    assert not poll.state().question


class _Runs:
    """Three visitors' runs, one of which its owner deletes just before."""

    def __init__(self, *names: str) -> None:
        self._names, self.deleted = list(names), list[str]()

    def all(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(folder=SimpleNamespace(id=name), state="finished") for name in self._names]

    def delete(self, name: str, owner: object) -> None:
        assert owner is ANYBODY
        self._names.remove(name)
        if name == "gone":
            raise errors.NoSuchRun()
        self.deleted.append(name)


class _NoRuns:
    """Stands where the runs are, to see that nobody asks them for anything."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.asked.append(name)
        raise AssertionError(name)


def test_the_way_in_names_every_step_for_the_presenter_alone() -> None:
    shown = way_in_html("fr", presenter=True)
    assert all(step.title("fr").split(":")[-1].strip()[:12] in shown.replace("&#x27;", "'") for step in steps())
    assert "step=" not in way_in_html("fr", presenter=False)


@pytest.mark.parametrize("lang", ("en", "de", "fr", "it"))
def test_the_presenter_sees_every_run_and_deletes_one(tmp_path: Path, lang: str) -> None:
    runs = TrainingRuns(Settings(runs_dir=tmp_path / "runs"))
    done = runs.create(ScratchConfig(name="<Old>", owner="a" * 32), "text")
    done.folder.append("step", step=3, loss=1.75, seconds=2.0)
    done.folder.write_json("result.json", {"state": "finished"})
    waiting = runs.create(FinetuneConfig(name="New", owner="b" * 32, base="/nowhere"), "{}")
    os.utime(done.folder.path / "config.json", (1, 1))
    shown = runs_html(lang, runs.all())
    old, new = shown.index("&lt;Old&gt;"), shown.index("New")
    assert new < old and "a" * 5 not in shown
    wanted = [text(lang, "scratch.tab"), text(lang, "scratch.state_finished"), number(lang, 1.75, 2)]
    assert [cell for cell in wanted if f"<td>{cell}</td>" not in shown[old:]] == []
    assert text(lang, "finetune.tab") in shown[new:old] and owner_mark(done) != owner_mark(waiting)
    page: Any = PresenterPage(Poll(), runs)
    table, listed = asyncio.run(page.delete(lang, done.folder.id, _presenter()))
    assert "Old" not in table and [run_id for _, run_id in listed["choices"]] == [waiting.folder.id]


@pytest.mark.parametrize("item", ITEMS)
def test_every_question_can_be_drawn(item: str) -> None:
    poll, question = Poll(), ITEMS[item].poll
    assert question is not None
    poll.ask(item, question.choices)
    poll.guess("ada", question.right)
    poll.reveal()
    for lang in ("en", "de", "fr", "it"):
        shown = poll_html(lang, poll.state("ada"), ITEMS[item])
        assert text(lang, f"ask.{item}") in shown.replace("&#x27;", "'")
        assert re.search(r"✓ [^<]*\(" + text(lang, "poll.right"), shown)


def _right(item: str) -> str:
    """The text of the right answer."""
    question = ITEMS[item].poll
    assert question is not None
    return text("en", f"ask.{item}_{question.answer}")


def test_the_answers_in_numbers_are_right() -> None:
    assert f"{math.log(65):.2f}" in text("en", "ask.scratch_why")
    assert _right("scratch") == f"About {math.log(65):.1f}"
    gpt3 = next(size for size in sizes() if size.name == "GPT-3")
    assert gpt3.parameters is not None and _right("models") == f"{gpt3.parameters / 1e9:g} billion"
    model = Model.of_size(1e9)
    held = memory(model, Plan(precision="fp32", optimizer="adamw"))
    assert _right("cost") == f"{(held.total - held.activations) / model.parameters:g}"


def test_english_takes_the_chat_model_the_fewest_tokens() -> None:
    topics = [key for key in texts("en") if key.startswith("tokens.sentence_")]
    counts = {
        code: [count(load("smollm2"), text(code, topic)) for topic in topics] for code in ("en", "de", "fr", "it")
    }
    assert len(topics) >= 5
    assert all(counts["en"][place] == min(one[place] for one in counts.values()) for place in range(len(topics)))
    assert _right("tokens") == text("en", "ask.tokens_a") == "English"
