"""The transformers worker without its process: prompts, limits, stop texts, and both kinds of batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GenerationConfig

from common import errors
from common.text.engine import GenerationRequest, Message, SamplingSettings, Token
from common.text.engines.loading import LoadedModel, load
from common.text.engines.transformers_worker import TransformersRunner
from tests.common.text import tiny
from tests.common.text.conftest import options

Ending = str | Exception | None
TEXT = "The quick brown fox"


@pytest.fixture(params=["turns", "continuous"])
def runner(request: pytest.FixtureRequest, loaded: LoadedModel) -> Iterator[TransformersRunner]:
    """The same model in both kinds of batch: the second is what a GPU gets."""
    made = TransformersRunner(loaded, {"batching": request.param, "max_active": 4, "kv_cache_tokens": 2048})
    yield made
    made.close()


def _raw(text: str = TEXT, **sampling: Any) -> GenerationRequest:
    return GenerationRequest(prompt=text, sampling=SamplingSettings(**sampling))


def _run(runner: TransformersRunner) -> dict[int, tuple[list[Token], Ending]]:
    done: dict[int, tuple[list[Token], Ending]] = {}
    while runner.busy:
        for request_id, tokens, end in runner.step():
            before, reason = done.get(request_id, ([], None))
            assert reason is None, "news after the end"
            # A text cut in the middle of a character ends with a piece that is no token; it is not of interest here.
            done[request_id] = [*before, *(token for token in tokens if token.id is not None)], end
    return done


def _greedy(loaded: LoadedModel, text: str, length: int) -> list[int]:
    ids = torch.tensor([tiny.tokenizer()(text)["input_ids"]])
    config = GenerationConfig(max_new_tokens=length, do_sample=False, eos_token_id=sorted(loaded.ends), pad_token_id=2)
    found = loaded.model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
    return found[0, ids.shape[1] :].tolist()


def test_greedy_texts_side_by_side_are_those_of_generate(runner: TransformersRunner, loaded: LoadedModel) -> None:
    texts = [TEXT, "Rivers", "A language model writes one token", "Ein Fluss", "1, 2, 3"]
    for request_id, text in enumerate(texts):
        runner.add(request_id, _raw(text, temperature=0, max_new_tokens=16), seed=0)
    done = _run(runner)
    for request_id, text in enumerate(texts):
        tokens, end = done[request_id]
        assert [token.id for token in tokens] == _greedy(loaded, text, 16)
        assert end == ("stop" if tokens[-1].special and tokens[-1].id in loaded.ends else "length")


def test_each_request_has_its_own_settings_and_seed(runner: TransformersRunner) -> None:
    requests = [
        (_raw(temperature=1.4, max_new_tokens=12, ignore_eos=True), 7),
        (_raw(temperature=1.4, max_new_tokens=12, ignore_eos=True), 7),
        (_raw(temperature=1.4, max_new_tokens=12, ignore_eos=True), 8),
        (_raw(temperature=1.4, max_new_tokens=12, ignore_eos=True, top_k=1), 9),
        (_raw(temperature=0, max_new_tokens=12, ignore_eos=True), 1),
        (_raw(temperature=0, max_new_tokens=12, ignore_eos=True, repetition_penalty=1.8), 1),
        (_raw(temperature=1.4, max_new_tokens=12, ignore_eos=True, min_p=1.0), 3),
    ]
    for request_id, (request, seed) in enumerate(requests):
        runner.add(request_id, request, seed)
    ids = [[token.id for token in tokens] for _, (tokens, _) in sorted(_run(runner).items())]
    assert ids[0] == ids[1] != ids[2]
    assert ids[3] == ids[4] == ids[6] != ids[5]
    assert all(len(text) == 12 for text in ids)


def test_logprobs_are_the_models_own(runner: TransformersRunner, loaded: LoadedModel) -> None:
    prompt = tiny.tokenizer()(TEXT)["input_ids"]
    runner.add(1, _raw(temperature=2.0, top_k=50, max_new_tokens=10, ignore_eos=True), seed=3)
    tokens, _ = _run(runner)[1]
    with torch.inference_mode():
        rows = loaded.model(torch.tensor([[*prompt, *(token.id for token in tokens)]])).logits[0].log_softmax(-1)
    for place, token in enumerate(tokens):
        assert token.logprob == pytest.approx(rows[len(prompt) + place - 1, token.id].item(), abs=1e-3)


def test_a_stop_text_ends_it_and_is_left_out(runner: TransformersRunner) -> None:
    runner.add(1, _raw(temperature=0, max_new_tokens=20, ignore_eos=True), seed=0)
    whole = "".join(token.text for token in _run(runner)[1][0])
    stop = whole[5:8]
    runner.add(2, _raw(temperature=0, max_new_tokens=20, ignore_eos=True, stop=(stop,)), seed=0)
    tokens, end = _run(runner)[2]
    assert end == "stop" and "".join(token.text for token in tokens) == whole[: whole.index(stop)]
    assert not runner.busy


def test_a_cancelled_request_leaves_and_the_others_stay(runner: TransformersRunner) -> None:
    for request_id in (1, 2):
        runner.add(request_id, _raw(max_new_tokens=30, ignore_eos=True), seed=request_id)
    runner.step()
    runner.cancel(1)
    done = _run(runner)
    assert 1 not in done
    assert done[2][1] == "length"


def test_beams_arrive_in_one_piece_while_others_write(runner: TransformersRunner, loaded: LoadedModel) -> None:
    runner.add(1, _raw(num_beams=3, max_new_tokens=8, stop=("\x00",)), seed=0)
    runner.add(2, _raw(temperature=0, max_new_tokens=8, ignore_eos=True), seed=0)
    pieces: list[int] = []
    ids: list[int | None] = []
    while runner.busy:
        for request_id, tokens, _ in runner.step():
            pieces.append(request_id)
            ids += [token.id for token in tokens] if request_id == 1 else []
    assert pieces.count(1) == 1 and pieces.count(2) >= 1
    prompt = torch.tensor([tiny.tokenizer()(TEXT)["input_ids"]])
    config = GenerationConfig(max_new_tokens=8, num_beams=3, eos_token_id=sorted(loaded.ends), pad_token_id=2)
    expected = loaded.model.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=config)
    assert ids == expected[0, prompt.shape[1] :].tolist()[: len(ids)]


def test_the_glass_box_answers_while_texts_are_written(runner: TransformersRunner) -> None:
    runner.add(1, _raw(temperature=0, max_new_tokens=16, ignore_eos=True), seed=0)
    runner.step()
    header, _ = runner.answer("candidates", {"ids": [5, 6, 7], "start": 1, "top": 2})
    assert [len(place) for place in header["positions"]] == [2, 2, 2]
    _, arrays = runner.answer("attentions", {"ids": [5, 6, 7]})
    assert arrays["attentions"].shape == (3, 4, 3, 3)
    tokens, end = _run(runner)[1]
    runner.add(2, _raw(temperature=0, max_new_tokens=16, ignore_eos=True), seed=0)
    undisturbed = _run(runner)[2]
    assert end == "length" and [token.id for token in undisturbed[0]][-len(tokens) :] == [t.id for t in tokens]


def test_the_context_is_a_limit(runner: TransformersRunner) -> None:
    full = GenerationRequest(prompt_ids=(5,) * tiny.CONTEXT)
    with pytest.raises(errors.PromptTooLong) as caught:
        runner.add(1, full, seed=0)
    assert caught.value.params == {"tokens": tiny.CONTEXT, "limit": tiny.CONTEXT - 1}
    nearly = GenerationRequest(
        prompt_ids=(5,) * (tiny.CONTEXT - 3), sampling=SamplingSettings(max_new_tokens=50, ignore_eos=True)
    )
    assert runner.add(2, nearly, seed=0) == tiny.CONTEXT - 3
    tokens, end = _run(runner)[2]
    assert len(tokens) == 3 and end == "length"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (GenerationRequest(prompt=""), errors.EmptyPrompt),
        (GenerationRequest(prompt_ids=()), errors.EmptyPrompt),
        (GenerationRequest(prompt_ids=(5, 320)), errors.InvalidInput),
        (GenerationRequest(prompt_ids=(-1,)), errors.InvalidInput),
    ],
)
def test_prompts_that_cannot_be_used(
    runner: TransformersRunner, request_: GenerationRequest, error: type[errors.DemystifyError]
) -> None:
    with pytest.raises(error):
        runner.add(1, request_, seed=0)
    assert not runner.busy


def test_messages_go_through_the_template(loaded: LoadedModel) -> None:
    runner = TransformersRunner(loaded, {"batching": "turns"})
    messages = (Message("user", "Où?"), Message("assistant", "The sea"))
    tokens = runner.tokenize(GenerationRequest(messages=messages, continue_last=True))
    written = "<|im_start|>user\nOù?<|im_end|>\n<|im_start|>assistant\nThe sea"
    assert "".join(token.text for token in tokens) == written
    assert [token.text for token in tokens if token.special] == ["<|im_start|>", "<|im_end|>", "<|im_start|>"]


def test_a_base_model_continues_texts_but_holds_no_conversation(base_folder: Path) -> None:
    runner = TransformersRunner(load(options(base_folder)), {"batching": "turns"})
    with pytest.raises(errors.NotSupported, match="only continues texts"):
        runner.add(1, GenerationRequest(messages=(Message("user", "Hello"),)), seed=0)
    runner.add(1, _raw(max_new_tokens=3, ignore_eos=True), seed=0)
    assert len(_run(runner)[1][0]) == 3


def test_a_batch_goes_on_after_memory_ran_out(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = TransformersRunner(loaded, {"batching": "continuous", "max_active": 2, "kv_cache_tokens": 512})

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    try:
        with monkeypatch.context() as broken:
            broken.setattr(loaded.model, "forward", refuse)
            runner.add(1, _raw(max_new_tokens=4), seed=0)
            _, end = _run(runner)[1]
        assert isinstance(end, RuntimeError) and "out of memory" in str(end)
        runner.add(2, _raw(max_new_tokens=4, ignore_eos=True), seed=0)
        assert _run(runner)[2][1] == "length"
    finally:
        runner.close()


def test_weights_that_do_not_fit_are_not_loaded(chat_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.hardware.free_memory_gb", lambda: 0.0001)
    with pytest.raises(errors.OutOfMemory):
        load(options(chat_folder))


def test_a_folder_that_is_no_model_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "no-such-architecture"}')
    with pytest.raises(errors.ModelUnavailable):
        load(options(tmp_path))
