"""The decoding written out step by step against transformers' own ``generate``: tokens, attentions, probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from transformers import MarianMTModel

from common import errors
from common.translation.models import Glass, TranslationModels
from common.translation.pieces import TargetTokens, source_pieces
from common.translation.trace import MAX_SOURCE_TOKENS, Encoding, Step, trace
from tests.common.translation.tiny import END, PAD, tiny_marian

SENTENCES = [("sk", "en", "Milujem seminár DSA"), ("de", "en", "Das ist ein Buch."), ("en", "fr", "I love the music.")]


def _generate(model: MarianMTModel, source: Sequence[int], prefix: Sequence[int] = (), steps: int = 20) -> Any:
    """What transformers gives: greedy, after a given beginning."""
    return model.generate(
        torch.tensor([list(source)]),
        decoder_input_ids=torch.tensor([[int(model.config.decoder_start_token_id), *prefix]]),
        num_beams=1,
        do_sample=False,
        max_new_tokens=steps,
        forced_eos_token_id=None,
        return_dict_in_generate=True,
        output_attentions=True,
        output_hidden_states=True,
        output_logits=True,
    )


def _trace(model: MarianMTModel, source: Sequence[int], **wanted: Any) -> tuple[Encoding, list[Step]]:
    first, *steps = trace(model, source, **wanted)
    assert isinstance(first, Encoding)
    return first, [one for one in steps if isinstance(one, Step)]


def _last_row(layers: Sequence[torch.Tensor]) -> np.ndarray[Any, Any]:
    return torch.stack([layer[0, :, -1] for layer in layers]).numpy()


def _same_as_generate(model: MarianMTModel, source: Sequence[int], steps: int) -> None:
    encoding, found = _trace(model, source, limit=steps, top=5)
    wanted = _generate(model, source, steps=steps)
    assert [step.chosen for step in found] == wanted.sequences[0, 1:].tolist()
    assert [step.read for step in found] == wanted.sequences[0, :-1].tolist()
    np.testing.assert_allclose(encoding.vectors, wanted.encoder_hidden_states[-1][0], atol=1e-5)
    for number, step in enumerate(found):
        np.testing.assert_allclose(step.cross, _last_row(wanted.cross_attentions[number]), atol=1e-5)
        np.testing.assert_allclose(step.own, _last_row(wanted.decoder_attentions[number]), atol=1e-5)
        probabilities = wanted.logits[number][0].float().softmax(-1)
        for token, probability in step.candidates:
            assert probability == pytest.approx(float(probabilities[token]), abs=1e-5)


@pytest.fixture(scope="module")
def models() -> TranslationModels:
    return TranslationModels()


def _glass(models: TranslationModels, source: str, target: str) -> Glass:
    return models.glass(source, target)


# -- equal to generate ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_a_tiny_model_gives_what_generate_gives(seed: int) -> None:
    _same_as_generate(tiny_marian(seed), [5 + seed, 9, 17, 33, 8, END], steps=20)


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target", "sentence"), SENTENCES)
def test_the_embedded_model_gives_what_generate_gives(
    models: TranslationModels, source: str, target: str, sentence: str
) -> None:
    glass = _glass(models, source, target)
    ids = [piece.id for piece in source_pieces(glass.codec, sentence)]
    assert ids == glass.encode(sentence)[0].tolist()
    _same_as_generate(glass.model, ids, steps=60)


# -- another token --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "place"), [(0, 0), (1, 3), (2, 7)])
def test_a_forced_token_is_the_beginning_of_another_translation(seed: int, place: int) -> None:
    model, source = tiny_marian(seed), [7, 12, 30, END]
    _, free = _trace(model, source, limit=12)
    taken = [step.chosen for step in free]
    other = next(token for token, _ in reversed(free[place].candidates) if token not in (taken[place], END))
    _, found = _trace(model, source, limit=12, forced={place: other})
    prefix = [*taken[:place], other]
    wanted = _generate(model, source, prefix, steps=12 - len(prefix)).sequences[0, 1:].tolist()
    assert [step.chosen for step in found] == wanted
    assert [step.forced for step in found] == [number == place for number in range(len(found))]
    assert found[place].best == taken[place]
    # Up to the forced token nothing is different, and after it the attention is that of the other text.
    for before, after in zip(free[: place + 1], found, strict=False):
        np.testing.assert_array_equal(before.cross, after.cross)
    attended = model(torch.tensor([source]), decoder_input_ids=torch.tensor([[PAD, *wanted]]), output_attentions=True)
    rows = torch.stack([layer[0] for layer in attended.cross_attentions])  # (layers, heads, t, S)
    for number, step in enumerate(found):
        np.testing.assert_allclose(step.cross, rows[:, :, number].detach().numpy(), atol=1e-5)


def test_two_forced_tokens_and_a_forced_end() -> None:
    model, source = tiny_marian(3), [7, 12, 30, END]
    _, found = _trace(model, source, forced={0: 11, 2: 22, 4: END})
    assert [found[0].chosen, found[2].chosen, found[4].chosen] == [11, 22, END]
    assert len(found) == 5


def test_the_tiny_models_have_something_to_show() -> None:
    """Flat attention or one token over and over would make the comparisons above easy to pass."""
    traces = [_trace(tiny_marian(seed), [5 + seed, 9, 17, 33, 8, END], limit=12)[1] for seed in range(4)]
    assert all(max(float(step.cross.max()) for step in found) > 0.25 for found in traces)
    assert sorted(len({step.chosen for step in found}) for found in traces)[-2] > 3


@pytest.mark.parametrize("forced", [{0: 40}, {0: -1}, {0: PAD}, {-1: 5}])
def test_what_cannot_be_forced(forced: dict[int, int]) -> None:
    with pytest.raises(errors.InvalidInput):
        next(iter(trace(tiny_marian(0), [7, END], forced=forced)))


def test_a_step_that_does_not_come() -> None:
    with pytest.raises(errors.InvalidInput):
        list(trace(tiny_marian(0), [7, END], forced={2: 5, 0: END}))


# -- what a step is made of -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_attention_rows_add_up_and_grow(seed: int) -> None:
    source = [5, 6, 7, 8, END]
    encoding, found = _trace(tiny_marian(seed), source, limit=10)
    assert encoding.vectors.shape == (5, 16) and encoding.ids == tuple(source)
    assert encoding.encoder_seconds > 0 and encoding.memory_seconds > 0
    for number, step in enumerate(found):
        assert step.cross.shape == (3, 4, 5) and step.own.shape == (3, 4, number + 1)
        np.testing.assert_allclose(step.cross.sum(-1), 1, atol=1e-5)
        np.testing.assert_allclose(step.own.sum(-1), 1, atol=1e-5)
        probabilities = [probability for _, probability in step.candidates]
        assert probabilities == sorted(probabilities, reverse=True) and sum(probabilities) <= 1.0001
        assert step.seconds > 0
        assert PAD not in dict(step.candidates)


def test_a_step_reads_one_token_and_the_encoder_runs_once() -> None:
    model, calls = tiny_marian(0), {"encoder": 0, "decoder": []}

    def count_encoder(*_: Any) -> None:
        calls["encoder"] += 1

    def count_decoder(_: Any, __: Any, given: dict[str, Any]) -> None:
        calls["decoder"].append(given["input_ids"].shape[1])

    keys = [0] * len(model.model.decoder.layers)

    def count_keys(index: int) -> Any:
        def hook(*_: Any) -> None:
            keys[index] += 1

        return hook

    model.model.encoder.register_forward_pre_hook(count_encoder)
    model.model.decoder.register_forward_pre_hook(count_decoder, with_kwargs=True)
    for index, layer in enumerate(model.model.decoder.layers):
        layer.encoder_attn.k_proj.register_forward_pre_hook(count_keys(index))
    _, found = _trace(model, [7, 12, END], limit=6)
    assert calls == {"encoder": 1, "decoder": [1] * len(found)}
    assert keys == [1, 1, 1]


# -- limits ---------------------------------------------------------------------------------------------------------


def test_limits() -> None:
    model = tiny_marian(5)
    longest = [7] * (MAX_SOURCE_TOKENS - 1) + [END]
    assert len(_trace(model, longest, limit=2)[1]) <= 2
    with pytest.raises(errors.SentenceTooLong, match=f"{MAX_SOURCE_TOKENS + 1} tokens"):
        next(iter(trace(model, [7, *longest])))
    with pytest.raises(errors.EmptyPrompt):
        next(iter(trace(model, [])))
    with pytest.raises(errors.SentenceTooLong, match="at most 4"):
        next(iter(trace(tiny_marian(5, max_position_embeddings=4), [7, 7, 7, 7, END])))
    assert len(_trace(tiny_marian(0, max_position_embeddings=4), [7, END], forced={0: 5, 1: 5, 2: 5, 3: 5})[1]) == 4


def test_without_attention_weights_there_is_nothing_to_see() -> None:
    with pytest.raises(ValueError, match="eager"):
        next(iter(trace(tiny_marian(0, attn_implementation="sdpa"), [7, END])))


@pytest.mark.slow
def test_one_thread_at_a_time_on_one_core(models: TranslationModels) -> None:
    glass, usual = _glass(models, "sk", "en"), torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), glass.in_use():
        assert torch.get_num_threads() == 1
        assert not models.glass("sk", "en").lock.acquire(blocking=False)
        _ = 1 / 0
    assert torch.get_num_threads() == usual and not glass.lock.locked()


# -- tokens ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("sentence", ["a </s> b", "<pad> a", ">>de<< a", "<unk> a", "</s>"])
def test_nothing_typed_becomes_a_control_token(models: TranslationModels, sentence: str) -> None:
    codec = _glass(models, "en", "sk").codec
    pieces = source_pieces(codec, sentence)
    assert [piece.text for piece in pieces if piece.control] == [">>sk<<", "</s>"]
    assert pieces[0].control and pieces[-1].control
    typed = "".join(piece.text for piece in pieces[1:-1])
    assert typed.replace(" ", "") == sentence.replace(" ", "")


@pytest.mark.slow
def test_sentences_of_which_nothing_can_be_read(models: TranslationModels) -> None:
    codec = _glass(models, "sk", "en").codec
    for empty in ("", "  \n\t"):
        with pytest.raises(errors.EmptyPrompt):
            source_pieces(codec, empty)
    for unknown in ("🎉", "🎉🎉 🎈", "北京"):
        with pytest.raises(errors.NothingToTranslate):
            source_pieces(codec, unknown)
    mixed = source_pieces(codec, "Dom 🎉")
    assert [piece.text for piece in mixed if piece.unknown] == ["🎉"]
    with pytest.raises(errors.UnsupportedPair):
        models.glass("sk", "sk")


@pytest.mark.slow
def test_tokens_of_the_target_by_number_and_by_name(models: TranslationModels) -> None:
    glass = _glass(models, "sk", "en")
    tokens = TargetTokens(glass.codec)
    number = tokens.id("▁the")
    assert tokens.piece(number).text == " the" and not tokens.piece(number).control
    assert tokens.piece(int(glass.model.config.eos_token_id)).control
    assert tokens.text([number, tokens.id("</s>")]) == "the"
    with pytest.raises(errors.InvalidInput):
        tokens.id("no such token")
