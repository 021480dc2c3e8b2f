"""The Step player's handlers: a sentence on the embedded model, tokens forced and released, what cannot be played."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from html import unescape
from typing import Any

import gradio as gr
import player_look
import pytest
import torch
from player_drawing import player_html
from player_handlers import FORCE, PlayerHandlers
from player_look import Shown, look, read_forced, written_forced
from transformers import BartConfig, BartForConditionalGeneration

from common import errors
from common.config import LANGUAGES
from common.translation.models import Glass, TranslationModels
from common.translation.trace import MAX_SOURCE_TOKENS
from common.ui.i18n import text

SENTENCE = "Milujem seminár DSA"
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def models() -> TranslationModels:
    return TranslationModels()


def _all(updates: AsyncIterator[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    async def collect() -> list[tuple[Any, ...]]:
        return [update async for update in updates]

    return asyncio.run(collect())


def _play(
    models: TranslationModels, sentence: Any = SENTENCE, source: Any = "sk", target: Any = "en", force: Any = ""
) -> list[tuple[Any, ...]]:
    return _all(PlayerHandlers(models).play("en", None, sentence, source, target, force, 0, 0))


def _click(**values: int) -> gr.EventData:
    return gr.EventData(None, values)


def _data(html: str) -> dict[str, Any]:
    found = re.search(r'data-trace="([^"]*)"', html)
    assert found
    data: dict[str, Any] = json.loads(unescape(found[1]))
    return data


def _own(models: TranslationModels, sentence: str, source: str, target: str) -> str:
    """What transformers itself translates, greedily."""
    glass = models.glass(source, target)
    output = glass.model.generate(glass.encode(sentence), num_beams=1, do_sample=False, max_new_tokens=80)[0].tolist()
    names = {number: token for token, number in glass.codec.ids.items()}
    return glass.codec.decode([names[number] for number in output])


# -- a sentence -----------------------------------------------------------------------------------------------------


@slow
@pytest.mark.parametrize(("source", "target", "sentence"), [("sk", "en", SENTENCE), ("en", "de", "I see a house.")])
def test_a_sentence_is_played(models: TranslationModels, source: str, target: str, sentence: str) -> None:
    updates = _play(models, sentence, source, target)
    assert text("en", "player.working") in updates[0][3] and updates[0][:3] == (gr.skip(), gr.skip(), gr.skip())
    shown, html, force, note = updates[-1]
    assert shown.complete and shown.ended and force == "" and note == ""
    assert shown.text == _own(models, sentence, source, target)
    assert shown.text in unescape(html)

    data = _data(html)
    steps = len(shown.steps)
    assert (data["run"], data["at"], data["complete"]) == (shown.run, 0, True)
    assert len(data["cross"]) == len(data["own"]) == steps
    for number, (cross, own) in enumerate(zip(data["cross"], data["own"], strict=True)):
        assert len(cross) == shown.layers and len(cross[0]) == shown.heads
        assert len(cross[0][0]) == len(shown.pieces) and len(own[0][0]) == number + 1
        assert sum(cross[0][0]) == pytest.approx(1000, abs=len(shown.pieces))
    assert f'type="range" min="0" max="{steps}"' in html
    assert html.count("<canvas") == len(shown.pieces)
    assert html.count('<li class="later') == steps + 1
    assert html.count('<table class="bars">') == steps
    assert "data-release" not in html


@slow
def test_nothing_typed_is_markup(models: TranslationModels) -> None:
    shown, html, *_ = _play(models, '<img src=x onerror="alert(1)"> </div> dom')[-1]
    assert "<img" not in html and 'onerror="' not in html and "</div> dom" not in html
    assert html.count("<div") == html.count("</div")
    assert shown.complete


@slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_player_in_every_language(models: TranslationModels, lang: str) -> None:
    shown = _play(models)[-1][0]
    forced = _all(PlayerHandlers(models).force("en", shown, 0, 0, _click(step=0, candidate=1)))[-1][0]
    html = PlayerHandlers(models).relabel(lang, forced, 0, 2)
    said = unescape(re.sub(r' data-trace="[^"]*"', "", html))
    for key in ("encoder", "decoder", "release", "cache", "result_forced", "say_end" if forced.ended else "say_limit"):
        assert text(lang, f"player.{key}") in said
    assert "{" not in said
    assert '<option value="2" selected>2</option>' in html
    assert PlayerHandlers(models).relabel(lang, None, 0, 0) == gr.skip()


# -- another token --------------------------------------------------------------------------------------------------


@slow
def test_a_forced_token_and_the_way_back(models: TranslationModels) -> None:
    handlers = PlayerHandlers(models)
    free = _play(models)[-1][0]
    forced, html, force, _ = _all(handlers.force("en", free, 0, 0, _click(step=1, candidate=2)))[-1]
    other = free.steps[1].candidates[2][0]
    assert [step.chosen for step in forced.steps[:2]] == [free.steps[0].chosen, other]
    assert force == f"2={free.tokens.name(other)}" and read_forced(free.tokens, force) == {1: other}
    assert forced.usual == free.text and free.text in unescape(html)
    assert _data(html)["at"] == 2 and _data(html)["run"] != free.run
    assert html.count("data-release") == 1

    # A second one before it: what was forced behind it belongs to another text.
    _, _, force, _ = _all(handlers.force("en", forced, 0, 0, _click(step=0, candidate=1)))[-1]
    assert force == f"1={free.tokens.name(free.steps[0].candidates[1][0])}"

    # The model's own choice is no forced token.
    again, _, force, _ = _all(handlers.force("en", forced, 0, 0, _click(step=1, candidate=0)))[-1]
    assert force == "" and again.text == free.text

    back, html, force, _ = _all(handlers.release("en", forced, 0, 0, _click(step=1)))[-1]
    assert force == "" and back.text == free.text and not back.forced
    assert _data(html)["at"] == 2


@slow
def test_a_link_with_forced_tokens_also_gives_the_models_own_translation(models: TranslationModels) -> None:
    free = _play(models)[-1][0]
    other = free.steps[0].candidates[3][0]
    force = written_forced(free.tokens, {0: other})
    shown, html, kept, _ = _play(models, force=force)[-1]
    assert shown.steps[0].chosen == other and shown.steps[0].forced
    assert kept == force and shown.usual == free.text
    assert text("en", "player.result_forced") in html


@slow
@pytest.mark.parametrize(
    "force", ["nonsense", "0=▁I", "1=no_such_token_at_all", "-1=▁I", "99999=▁I", "70=▁I", "1=<pad>"]
)
def test_a_link_whose_forced_tokens_cannot_be_used(models: TranslationModels, force: str) -> None:
    updates: list[tuple[Any, ...]] = []

    async def run() -> None:
        async for update in PlayerHandlers(models).play("en", None, SENTENCE, "sk", "en", force, 0, 0):
            updates.append(update)

    with pytest.raises(errors.InvalidInput, match="tokens of this model"):
        asyncio.run(run())
    assert updates[-1][2:] == ("", "")  # the next click gives the model's own translation
    assert len(FORCE.default) == 0


# -- what comes while it runs ---------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pages are told about every step."""
    monkeypatch.setattr(player_look, "_PAUSE", 0.001)
    yield


@slow
def test_steps_come_while_the_decoder_still_writes(models: TranslationModels, impatient: None) -> None:
    updates = _play(models, "Dobrý deň, dnes večer ideme spolu do mesta.")[1:]
    counts = [len(shown.steps) for shown, *_ in updates]
    assert len(updates) > 2 and counts == sorted(counts) and counts[0] >= 1
    assert len({shown.run for shown, *_ in updates}) == 1
    assert [shown.complete for shown, *_ in updates] == [False] * (len(updates) - 1) + [True]
    assert "hidden" in updates[0][1] and not _data(updates[0][1])["complete"]


@slow
def test_who_leaves_frees_the_model(models: TranslationModels, impatient: None) -> None:
    async def leave() -> int:
        stream = look(models, "Dobrý deň, dnes večer ideme spolu do mesta.", "sk", "en")
        first = await anext(stream)
        await stream.aclose()
        return len(first.steps)

    assert asyncio.run(leave()) >= 1
    assert models.glass("sk", "en").lock.acquire(timeout=5)
    models.glass("sk", "en").lock.release()


# -- what cannot be played ------------------------------------------------------------------------------------------


@slow
@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"sentence": ""}, errors.EmptyPrompt),
        ({"sentence": " \n "}, errors.EmptyPrompt),
        ({"sentence": "🎉🎉 🎈"}, errors.NothingToTranslate),
        ({"sentence": "dom " * MAX_SOURCE_TOKENS}, errors.SentenceTooLong),
        ({"sentence": "x" * 1001}, errors.InvalidInput),
        ({"sentence": "half \ud800"}, errors.InvalidInput),
        ({"sentence": None}, errors.InvalidInput),
        ({"target": "sk"}, errors.UnsupportedPair),
        ({"target": "cs"}, errors.UnsupportedPair),
        ({"target": "xx"}, errors.InvalidInput),
        ({"source": None}, errors.InvalidInput),
        ({"force": "x" * 601}, errors.InvalidInput),
    ],
)
def test_what_cannot_be_played(
    models: TranslationModels, changed: dict[str, Any], problem: type[errors.DemystifyError]
) -> None:
    with pytest.raises(problem):
        _play(models, **changed)


@slow
def test_odd_texts_are_played(models: TranslationModels) -> None:
    for odd in ("dom 🎉", "שלום dom", "a\u0000b\u200b\u202e dom", "?!", "</s> <pad> >>de<< dom"):
        assert _play(models, odd)[-1][0].complete


def test_before_anything_was_played() -> None:
    handlers = PlayerHandlers(TranslationModels())
    for handler in (handlers.force, handlers.release):
        with pytest.raises(errors.EmptyPrompt):
            _all(handler("en", None, 0, 0, _click(step=0, candidate=0)))
    assert handlers.pick("en", _click(layer=1, head=3)) == (1, 3)
    with pytest.raises(errors.InvalidInput):
        handlers.pick("en", _click(layer=-1, head=3))


@slow
def test_a_click_on_a_step_that_is_not_there(models: TranslationModels) -> None:
    shown = _play(models)[-1][0]
    for step, candidate in ((99, 0), (-1, 0), (0, 99)):
        with pytest.raises(errors.InvalidInput):
            _all(PlayerHandlers(models).force("en", shown, 0, 0, _click(step=step, candidate=candidate)))


@slow
def test_a_model_of_another_kind_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    size = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    torch.manual_seed(0)
    bart = BartForConditionalGeneration(BartConfig(vocab_size=20, d_model=8, **size, **heads))
    models = TranslationModels()
    glass = Glass(bart, models.glass("sk", "en").codec, "A Bart", threading.Lock())
    monkeypatch.setattr(models, "glass", lambda source, target: glass)
    with pytest.raises(errors.NotSupported, match="A Bart is no Marian model"):
        _play(models)


def test_nothing_is_drawn_before_the_encoder_has_run() -> None:
    empty: Any = Shown("a", "sk", "en", (), None, {})  # type: ignore[arg-type]
    assert player_html("en", empty, 0, 0, 0) == ""
