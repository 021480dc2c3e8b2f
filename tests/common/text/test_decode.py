"""The decode loop: what transformers' own generate gives, in turns, with a bounded cache."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from transformers import DynamicCache, GenerationConfig

from common.text.engine import SamplingSettings
from common.text.engines.batch import News
from common.text.engines.beams import BeamSearch
from common.text.engines.decode import PREFILL_TOKENS, DecodeLoop
from common.text.engines.loading import LoadedModel

PROMPT = [10, 40, 70, 100, 130]
LONG = [3 + (7 * place) % 300 for place in range(PREFILL_TOKENS + 60)]


def _loop(loaded: LoadedModel, **limits: int) -> DecodeLoop:
    return DecodeLoop(loaded.model, loaded.ends, **{"max_active": 4, "kv_cache_tokens": 2000, **limits})


def _run(loop: DecodeLoop) -> dict[int, list[News]]:
    seen: dict[int, list[News]] = {}
    while loop.busy:
        for news in loop.step():
            seen.setdefault(news.request_id, []).append(news)
    return seen


def _ids(news: Sequence[News]) -> list[int]:
    return [token_id for one in news for token_id, _ in one.tokens]


def _generate(loaded: LoadedModel, prompt: list[int], **config: Any) -> list[int]:
    batch = torch.tensor([prompt])
    ends = sorted(loaded.ends)
    settings = GenerationConfig(do_sample=False, eos_token_id=ends, pad_token_id=ends[0], **config)
    return loaded.model.generate(batch, attention_mask=torch.ones_like(batch), generation_config=settings)[
        0, len(prompt) :
    ].tolist()


@pytest.mark.parametrize("prompt", [PROMPT, LONG], ids=["short", "longer than a piece"])
@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_greedy_is_what_generate_gives(loaded: LoadedModel, prompt: list[int], penalty: float) -> None:
    loop = _loop(loaded)
    loop.add(1, prompt, SamplingSettings(temperature=0, repetition_penalty=penalty, max_new_tokens=24), seed=0)
    news = _run(loop)[1]
    assert _ids(news) == _generate(loaded, prompt, max_new_tokens=24, repetition_penalty=penalty)
    assert news[-1].end == ("stop" if _ids(news)[-1] in loaded.ends else "length")


def test_the_same_seed_gives_the_same_text_alone_and_with_others(loaded: LoadedModel) -> None:
    settings = SamplingSettings(temperature=1.3, top_p=0.95, max_new_tokens=30)
    alone, together = _loop(loaded), _loop(loaded, max_active=3)
    alone.add(1, PROMPT, settings, seed=5)
    for other in (2, 3, 4):
        together.add(other, [other] * other, settings, seed=5 + other)
    together.add(1, PROMPT, settings, seed=5)
    expected = _ids(_run(alone)[1])
    texts = _run(together)
    assert _ids(texts[1]) == expected
    assert len(texts) == 4 and len({tuple(_ids(news)) for news in texts.values()}) == 4


def test_logprobs_are_those_of_a_single_pass(loaded: LoadedModel) -> None:
    loop = _loop(loaded)
    loop.add(1, PROMPT, SamplingSettings(temperature=1.5, top_k=20, max_new_tokens=12), seed=2)
    tokens = [token for news in _run(loop)[1] for token in news.tokens]
    whole = torch.tensor([[*PROMPT, *(token_id for token_id, _ in tokens)]])
    with torch.inference_mode():
        expected = loaded.model(whole).logits[0].log_softmax(-1)
    for place, (token_id, logprob) in enumerate(tokens):
        assert logprob == pytest.approx(expected[len(PROMPT) + place - 1, token_id].item(), abs=1e-4)


def test_an_end_token_ends_the_text_unless_it_is_ignored(loaded: LoadedModel) -> None:
    first = _generate(loaded, PROMPT, max_new_tokens=6)
    for ignore, reason in ((False, "stop"), (True, "length")):
        loop = DecodeLoop(loaded.model, {first[2]}, 1, 1000)
        loop.add(1, PROMPT, SamplingSettings(temperature=0, max_new_tokens=6, ignore_eos=ignore), seed=0)
        news = _run(loop)[1]
        assert news[-1].end == reason
        assert _ids(news) == (first if ignore else first[: first.index(first[2]) + 1])


def test_cancelling_frees_the_cache(loaded: LoadedModel) -> None:
    loop = _loop(loaded)
    loop.add(1, PROMPT, SamplingSettings(max_new_tokens=50, ignore_eos=True), seed=0)
    gc.collect()
    before = {id(thing) for thing in gc.get_objects() if type(thing) is DynamicCache}
    loop.step()
    caches = [
        weakref.ref(thing) for thing in gc.get_objects() if type(thing) is DynamicCache and id(thing) not in before
    ]
    assert len(caches) == 1
    loop.cancel(1)
    gc.collect()
    assert caches[0]() is None
    assert not loop.busy and loop.step() == []


def test_texts_wait_until_the_cache_has_room_for_them(loaded: LoadedModel) -> None:
    loop = _loop(loaded, kv_cache_tokens=40)  # room for one of these texts, not two
    for request_id in (1, 2):
        loop.add(request_id, PROMPT, SamplingSettings(temperature=0, max_new_tokens=20, ignore_eos=True), seed=0)
    order: list[int] = []
    while loop.busy:
        order += [news.request_id for news in loop.step()]
    assert order == [1] * 20 + [2] * 20


def test_a_text_that_finds_no_memory_does_not_take_the_others_along(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = loaded.model.forward

    def refuse_long(*args: Any, **kwargs: Any) -> Any:
        if kwargs["input_ids"].shape[1] > 100:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(*args, **kwargs)

    monkeypatch.setattr(loaded.model, "forward", refuse_long)
    loop = _loop(loaded)
    loop.add(1, LONG, SamplingSettings(max_new_tokens=4), seed=0)
    loop.add(2, PROMPT, SamplingSettings(temperature=0, max_new_tokens=4, ignore_eos=True), seed=0)
    texts = _run(loop)
    assert isinstance(texts[1][-1].end, torch.OutOfMemoryError)
    assert texts[2][-1].end == "length"


def test_beam_search_is_that_of_generate_and_moves_in_turns(loaded: LoadedModel) -> None:
    settings = SamplingSettings(num_beams=3, max_new_tokens=8)
    search = BeamSearch(loaded.model, loaded.ends, 1, PROMPT, settings)
    turns = 0
    while (news := search.turn()) is None:
        turns += 1
    expected = _generate(loaded, PROMPT, max_new_tokens=8, num_beams=3)
    found = _ids([news])
    assert found == expected[: len(found)] and turns >= len(found) - 1
    assert news.end in ("stop", "length") and all(logprob <= 0 for _, logprob in news.tokens)


def test_a_cancelled_beam_search_ends_its_thread(loaded: LoadedModel) -> None:
    search = BeamSearch(loaded.model, loaded.ends, 1, PROMPT, SamplingSettings(num_beams=2, max_new_tokens=100))
    search.turn()
    search.cancel()
    search._thread.join(10)
    assert not search._thread.is_alive()
