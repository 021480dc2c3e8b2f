"""The hub as it is served, driven by programs: what only the presenter may do, nobody else does over HTTP.

Every handler that is marked ``presenter_only`` has to be in the table here, and every button of the presenter's pages
has to be marked, or named as everybody's: whoever adds one without the check fails a test.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.middleware import Middleware

from common.catalog import Model
from common.config import Settings, settings
from common.diffusion.models import DiffusionModels
from common.seminar.access import PRESENTER_COOKIE, access
from common.seminar.poll import Poll
from common.text.models import TextModels
from common.training.config import FinetuneConfig, PreferenceConfig, ScratchConfig, StyleConfig
from common.training.runs import TrainingRuns
from common.translation.models import TranslationModels
from common.ui.door import Door
from common.ui.i18n import text
from common.ui.roles import PRESENTER_ONLY
from common.ui.stage import steps

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
OWNER, SECONDS = "a" * 32, 60.0
# Of the presenter's page. Others use it, too: it is no secret, and what that page lists may be chosen with it.
VISIT = "presenters"
# Buttons of the presenter's pages that anybody may press: a guess, and the look of the buttons of one's own page.
EVERYBODYS = {"poll-a", "poll-b", "poll-c", "poll-d", "preflight-start", "preflight-stop"}
REFUSED = text("en", "error.presenter_only")


class _TwoLarge(DiffusionModels):
    """Beside the embedded model two others that are on this machine, of which one fits into the memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        size = {"task": "image", "where": "file", "folder": str(folder), "size": 16}
        self._large = tuple(Model(name, name.title(), **size) for name in ("one", "two"))  # type: ignore[arg-type]

    def usable(self) -> tuple[Model, ...]:
        return (*super().usable()[:1], *self._large)


class _OneMore(TranslationModels):
    """Beside the embedded models another one."""

    def usable(self) -> tuple[Model, ...]:
        embedded = super().usable()
        folder = str(ROOT / "models" / "translate-to-en")
        known = {"sources": ("sk",), "targets": ("en",)}
        return (*embedded, Model("more", "More", "translation", "file", folder=folder, **known))  # type: ignore[arg-type]


@dataclass
class _Served:
    """The hub at work, and what is behind it."""

    url: str
    demo: gr.Blocks
    runs: TrainingRuns
    poll: Poll
    diffusion: DiffusionModels
    translation: TranslationModels

    def run(self) -> str:
        """A new run of somebody's."""
        name = f"Theirs {len(self.runs.all())} {secrets.token_hex(2)}"
        return self.runs.create(ScratchConfig(name=name, owner=OWNER), "a text").folder.id

    def asked(self) -> Poll:
        """The room's guesses, with one."""
        self.poll.ask("models", 3)
        self.poll.guess("ada", 1)
        return self.poll

    def states(self) -> dict[str, str]:
        return {run.folder.id: run.state for run in self.runs.all()}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tiny_diffusion: Path) -> Iterator[_Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEMYSTIFY_PRESENTER_KEY", "the-presenters-own")
        patch.setenv("HF_TOKEN", "hf_of_this_machine")
        settings.cache_clear()
        access.cache_clear()
        spec = importlib.util.spec_from_file_location("hub_of_roles", ROOT / "app.py")
        assert spec is not None and spec.loader is not None
        hub = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = hub
        spec.loader.exec_module(hub)
        runs = TrainingRuns(Settings(runs_dir=tmp_path_factory.mktemp("runs"), max_runs_per_visitor=60))
        diffusion, translation = _TwoLarge(tiny_diffusion), _OneMore()
        demo = hub.build(TextModels(), translation, runs, diffusion)
        demo.queue(default_concurrency_limit=None)
        door = [Middleware(Door, access=access())]
        launched = demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, app_kwargs={"middleware": door})
        poll = next(handler.__self__._poll for handler in map(_handler, demo.fns.values()) if _is_on_poll(handler))
        yield _Served(launched[1].rstrip("/"), demo, runs, poll, diffusion, translation)
        demo.close()
        diffusion.close()
        translation.close()
    settings.cache_clear()
    access.cache_clear()


def _handler(event: Any) -> Any:
    """What an event sets off, without what ``guarded`` and others have put around it."""
    found = event.fn
    while not inspect.ismethod(found) and hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return found


def _is_on_poll(handler: Any) -> bool:
    return inspect.ismethod(handler) and type(handler.__self__).__name__ == "PollPage"


def _name(event: Any) -> str:
    handler = _handler(event)
    return f"{getattr(handler, '__module__', '')}.{getattr(handler, '__qualname__', '')}"


def _event(served: _Served, name: str) -> Any:
    return next(event for event in served.demo.fns.values() if _name(event) == name)


def _visitor(served: _Served, presenter: str = "") -> httpx.Client:
    client = httpx.Client(base_url=served.url, timeout=SECONDS, headers={"accept": "text/html"})
    assert client.get("/").status_code == 200  # with it comes the name of this browser
    if presenter:
        client.cookies.set(PRESENTER_COOKIE, presenter)
    return client


def _call(client: httpx.Client, event: Any, data: list[Any], query: str = "", until: str = "process_completed") -> str:
    """What the server says to a call, as text; of a stream as far as the first message of the kind ``until``."""
    body = {"fn_index": event._id, "data": data, "session_hash": VISIT}
    if not event.queue:
        answer = client.post(f"/gradio_api/run/predict?{query}", json=body)
        return _readable(answer.text)
    joined = client.post(f"/gradio_api/queue/join?{query}", json=body)
    assert joined.status_code == 200, joined.text
    said = ""
    with client.stream("GET", f"/gradio_api/queue/data?session_hash={body['session_hash']}") as stream:
        for line in stream.iter_lines():
            said += _readable(line.removeprefix("data:")) if line.strip() else ""
            if f'"{until}"' in line or '"process_completed"' in line or '"close_stream"' in line:
                break
    return said


def _readable(said: str) -> str:
    try:
        return json.dumps(json.loads(said), ensure_ascii=False)
    except ValueError:
        return said


@dataclass
class _Action:
    """What the presenter may do.

    Attributes:
        prepare: makes what it is done to, and gives the inputs.
        done: whether it has happened, from those inputs and what the server said.
        until: the message of a stream to wait for.
    """

    prepare: Callable[[_Served], list[Any]]
    done: Callable[[_Served, list[Any], str], bool]
    until: str = "process_completed"


def _with_run_and_guess(served: _Served) -> list[Any]:
    served.run()
    return _with_guess(served)


def _with_guess(served: _Served) -> list[Any]:
    served.asked()
    return ["en"]


_PAGE = "common.ui.presenter.PresenterPage"
TABLE = {
    f"{_PAGE}.stop": _Action(
        lambda served: ["en", served.run()], lambda served, data, _: served.states()[data[1]] == "stopped"
    ),
    f"{_PAGE}.delete": _Action(
        lambda served: ["en", served.run()], lambda served, data, _: data[1] not in served.states()
    ),
    f"{_PAGE}.reset": _Action(
        lambda served: [*_with_run_and_guess(served), True],
        lambda served, _data, _said: not served.poll.state().question and not served.states(),
    ),
    "common.ui.poll_page.PollPage.reveal": _Action(
        _with_guess, lambda served, _data, _said: served.poll.state().revealed
    ),
    "common.ui.poll_page.PollPage.reset": _Action(
        _with_guess, lambda served, _data, _said: not sum(served.poll.state().counts)
    ),
    "common.ui.preflight.build.<locals>.look": _Action(
        lambda _: ["en"],
        lambda _served, _data, said: "preflight" in said or "summary" in said,
        "process_generating",
    ),
}


def test_the_table_has_every_handler_that_is_the_presenters(served: _Served) -> None:
    assert set(TABLE) == PRESENTER_ONLY
    assert set(map(_name, served.demo.fns.values())) >= set(TABLE), "one of them is set off by nothing"


def test_every_button_of_the_presenters_pages_is_checked_or_everybodys(served: _Served) -> None:
    seen = set()
    for event in served.demo.fns.values():
        for target, kind in event.targets:
            block = served.demo.blocks.get(target)
            if kind == "click" and block is not None and block.page in ("presenter", "poll", "preflight"):
                name = str(getattr(block, "elem_id", ""))
                seen.add(name)
                assert (name in EVERYBODYS) or _name(event) in PRESENTER_ONLY, name
    assert seen > EVERYBODYS and len(seen) >= len(TABLE) + len(EVERYBODYS) - 1


@pytest.mark.parametrize("name", TABLE)
def test_nobody_else_does_it_over_http(served: _Served, name: str) -> None:
    action = TABLE[name]
    for event in (event for event in served.demo.fns.values() if _name(event) == name):
        data = action.prepare(served)
        _call(_visitor(served, access().presenter_pass()), _event(served, f"{_PAGE}.look"), ["en", None])
        for presenter in ("", "guessed", access().room_pass(), access().key):
            said = _call(_visitor(served, presenter), event, data, until=action.until)
            assert REFUSED in said and not action.done(served, data, said)
        said = _call(_visitor(served, access().presenter_pass()), event, data, until=action.until)
        assert REFUSED not in said and action.done(served, data, said)


def test_what_is_drawn_for_the_presenter_is_not_sent_to_others(served: _Served) -> None:
    look, run_id = _event(served, f"{_PAGE}.look"), served.run()
    for presenter in ("", "guessed"):
        said = _call(_visitor(served, presenter), look, ["en", None])
        assert run_id not in said and "Theirs" not in said
    assert run_id in _call(_visitor(served, access().presenter_pass()), look, ["en", None])


def test_only_the_presenter_asks_by_opening_a_step(served: _Served) -> None:
    served.poll.reset()
    place = next(place for place, step in enumerate(steps()) if step.guess)
    arrivals = [
        event
        for event in served.demo.fns.values()
        if any(kind == "load" for _, kind in event.targets)
        and any(getattr(block, "elem_id", "") == "poll-view" for block in event.outputs)
    ]
    assert arrivals
    for presenter, question in (("", ""), ("guessed", ""), (access().presenter_pass(), steps()[place].item.id)):
        for event in arrivals:
            said = _call(_visitor(served, presenter), event, [], query=f"step={place}")
            assert "poll" in said
        assert served.poll.state().question == question


def test_a_hundred_calls_are_one_guess(served: _Served) -> None:
    served.poll.reset()
    served.poll.ask("models", 3)
    first = next(
        event
        for event in served.demo.fns.values()
        if any(getattr(served.demo.blocks.get(target), "elem_id", "") == "poll-a" for target, _ in event.targets)
    )
    script, phone = _visitor(served), _visitor(served)
    for _ in range(100):
        _call(script, first, ["en"])
    _call(phone, first, ["en"])  # from the same address
    assert served.poll.state().counts == (2, 0, 0)
    without = httpx.Client(base_url=served.url, timeout=SECONDS)
    assert text("en", "error.no_cookie") in _call(without, first, ["en"])
    assert served.poll.state().counts == (2, 0, 0)


def test_a_room_draws_with_the_models_that_the_presenter_loads(served: _Served) -> None:
    attendee, presenter = _visitor(served), _visitor(served, access().presenter_pass())
    draw = next(event for event in served.demo.fns.values() if event.api_name == "draw")
    click = next(event for event in served.demo.fns.values() if _name(event).endswith("ImageHandlers.draw"))

    def api(model: str) -> list[Any]:
        return ["fox", "", 1, 3.0, 0, 16, "own", model]

    def form(model: str) -> list[Any]:
        return ["en", [], "fox", "", "none", 1, 3.0, 0, 16, "own", 1, "small", model]

    for call, inputs in ((draw, api), (click, form)):
        said = _call(attendee, call, inputs("one"))
        assert text("en", "error.shared_model", model="One") in said
        assert served.diffusion.held("one") is None
    assert "seconds" in _call(presenter, draw, api("one"))
    assert "seconds" in _call(attendee, draw, api("one"))  # it is everybody's now
    assert text("en", "error.shared_model", model="Two") in _call(attendee, draw, api("two"))
    assert served.diffusion.held("one") is not None and served.diffusion.held("two") is None


def test_a_room_translates_with_the_models_that_the_presenter_loads(served: _Served) -> None:
    attendee, presenter = _visitor(served), _visitor(served, access().presenter_pass())
    translate = next(event for event in served.demo.fns.values() if event.api_name == "translate")
    data = ["Dom je malý.", "sk", "en", 1, 1]
    assert text("en", "error.shared_model", model="More") in _call(attendee, translate, [*data, "more"])
    assert '"model": "more"' in _call(presenter, translate, [*data, "more"])
    for model in ("more", "auto"):
        assert '"translation"' in _call(attendee, translate, [*data, model])


def _own_lists(served: _Served) -> dict[int, str]:
    """A run of every kind, in the lists of its owner's page: the run by the number of the list that offers it."""
    base = {"base": "/nowhere"}
    kinds = (
        (ScratchConfig, {}),
        (FinetuneConfig, base),
        (PreferenceConfig, base),
        (StyleConfig, {**base, "size": 64, "prompt": "a"}),
    )
    made = [
        served.runs.create(kind(name=secrets.token_hex(4), owner=OWNER, **more), "data", unlimited=True).folder.id  # type: ignore[arg-type]
        for kind, more in kinds
    ]
    found = {}
    for event in served.demo.fns.values():
        if _name(event).endswith("VisitorRuns.runs_of"):
            said = _call(_visitor(served), event, ["en", OWNER, None])
            found[event.outputs[0]._id] = next(run_id for run_id in made if run_id in said)
    assert set(found.values()) == set(made)
    return found


def test_only_the_presenter_publishes_with_the_login_of_this_machine(served: _Served) -> None:
    lists = _own_lists(served)
    events = [event for event in served.demo.fns.values() if _name(event).endswith("PublishHandlers.push")]
    assert len(events) >= 3
    for event in events:
        data = ["en", OWNER, lists[event.inputs[2]._id], "model", False]
        for presenter in ("", "guessed"):
            said = _call(_visitor(served, presenter), event, data)
            assert text("en", "error.nobody_logged_in") in said and text("en", "after.preparing") not in said
        said = _call(_visitor(served, access().presenter_pass()), event, data, until="process_generating")
        assert text("en", "after.preparing") in said


def test_a_run_is_not_everybodys_for_one_who_names_no_owner(served: _Served) -> None:
    lists = _own_lists(served)
    names = {f"common.ui.visitor_runs.VisitorRuns.{action}" for action in ("stop", "resume", "delete")}
    events = [event for event in served.demo.fns.values() if _name(event) in names]
    assert {_name(event) for event in events} == names and len(events) >= 3 * len(lists)
    for event in events:
        for owner in (None, "", "b" * 32):
            said = _call(_visitor(served), event, ["en", owner, lists[event.inputs[2]._id]])
            assert text("en", "error.no_such_run") in said
    assert {served.states()[run_id] for run_id in lists.values()} == {"waiting"}
