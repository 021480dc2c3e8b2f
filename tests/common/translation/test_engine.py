"""The engine: many visitors at once, nobody waits behind a long text, leaving frees the place; both engines agree."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from common import errors
from common.translation.codec import Codec, load_codec, reads
from common.translation.convert import convert, convert_apart, converted_folder
from common.translation.engine import BATCH_TOKENS, Beams, Output, TranslationEngine
from common.translation.engines.ctranslate import CTranslateRunner

MODELS = Path(__file__).resolve().parents[3] / "models"
SENTENCES = [
    "Milujem seminár DSA",
    "Dobré ráno!",
    "Kde bývaš?",
    "Ich habe keine Zeit.",
    "Je voudrais un café, s'il vous plaît.",
    "Das Haus ist alt und hat einen großen Garten.",
    "Mia sorella abita a Roma.",
]


class Echo:
    """A runner that says what it is given when it is let; ``seconds`` is what a batch takes."""

    def __init__(self, held: bool = False, seconds: float = 0.0, at_once: int = 1) -> None:
        self.seconds, self.at_once = seconds, at_once
        self.batches: list[int] = []
        self.gate = threading.Event()
        if not held:
            self.gate.set()

    def run(self, sources: Sequence[list[str]], codecs: Sequence[Codec], beams: Beams) -> list[list[Output]]:
        self.gate.wait(10)
        time.sleep(self.seconds)
        self.batches.append(len(sources))
        return [[Output(tokens[:-1], -1.0)] for tokens in sources]


@pytest.fixture
def codec() -> Codec:
    return load_codec(MODELS / "translate-to-en", "sk", "en")


async def _all(
    engine: TranslationEngine, codec: Codec, sentences: Sequence[str], beams: Beams | None = None
) -> list[str]:
    found = {index: out[0] async for index, out in engine.translate(codec, sentences, beams)}
    return [codec.decode(found[index].tokens) for index in range(len(sentences))]


def test_who_comes_while_one_batch_runs_goes_together_in_the_next(codec: Codec) -> None:
    echo = Echo(held=True)
    engine = TranslationEngine("echo", lambda: echo)

    async def visit() -> list[list[str]]:
        first = asyncio.create_task(_all(engine, codec, ["Ahoj"]))
        await asyncio.sleep(0.1)
        others = [asyncio.create_task(_all(engine, codec, [f"Dom {n}"])) for n in range(10)]
        await asyncio.sleep(0.1)
        assert engine.active == 11
        echo.gate.set()
        return await asyncio.gather(first, *others)

    said = asyncio.run(visit())
    engine.close()
    assert echo.batches == [1, 10]
    assert said == [["Ahoj"], *([f"Dom {n}"] for n in range(10))]
    assert engine.active == 0


def test_in_company_the_next_requests_are_waited_for(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes a moment after another goes into the same batch, when a room was there before; alone nobody waits."""
    monkeypatch.setattr("common.translation.engine._GATHER", 5.0)
    echo = Echo(held=True)
    engine = TranslationEngine("echo", lambda: echo)

    async def visit() -> None:
        room = [asyncio.create_task(_all(engine, codec, ["Ahoj"]))]
        await asyncio.sleep(0.3)
        room += [asyncio.create_task(_all(engine, codec, ["Ahoj"])) for _ in range(3)]
        await asyncio.sleep(0.3)
        echo.gate.set()
        await asyncio.gather(*room)
        for group in (3, 3):
            again = []
            for _ in range(group):
                again.append(asyncio.create_task(_all(engine, codec, ["Dom"])))
                await asyncio.sleep(0.1)
            await asyncio.gather(*again)

    started = time.monotonic()
    asyncio.run(visit())
    engine.close()
    assert echo.batches == [1, 3, 3, 3]
    assert time.monotonic() - started < 5.0  # nobody waited to the end


def test_a_short_text_does_not_wait_behind_a_long_one(codec: Codec) -> None:
    echo = Echo(held=True)
    engine = TranslationEngine("echo", lambda: echo)
    order: list[str] = []

    async def one(name: str, sentences: Sequence[str]) -> None:
        await _all(engine, codec, sentences)
        order.append(name)

    async def visit() -> None:
        long = asyncio.create_task(one("long", ["Toto je dlhý text."] * 2_000))
        await asyncio.sleep(1)  # both are in line before the first batch is done
        short = asyncio.create_task(one("short", ["Ahoj"]))
        await asyncio.sleep(1)
        echo.gate.set()
        await asyncio.gather(long, short)

    asyncio.run(visit())
    engine.close()
    assert order == ["short", "long"]
    assert max(echo.batches) <= BATCH_TOKENS


@pytest.mark.parametrize(("sentences", "at_once"), [(200, 2), (3, 1)], ids=["full batches", "few sentences"])
def test_beside_a_batch_only_a_full_one_is_begun(codec: Codec, sentences: int, at_once: int) -> None:
    """Two at a time where there is work for both; a few sentences wait for company instead."""
    running: list[int] = []

    class Counted(Echo):
        def run(self, sources: Sequence[list[str]], codecs: Sequence[Codec], beams: Beams) -> list[list[Output]]:
            running.append(len(running) + 1)
            try:
                return super().run(sources, codecs, beams)
            finally:
                running.pop()

    echo = Counted(held=True, at_once=2)
    engine = TranslationEngine("echo", lambda: echo)

    async def visit() -> int:
        texts = [f"Dom {n}" for n in range(sentences)]
        visits = [asyncio.create_task(_all(engine, codec, texts))]
        await asyncio.sleep(0.3)
        visits.append(asyncio.create_task(_all(engine, codec, texts)))
        await asyncio.sleep(0.3)
        found = len(running)
        echo.gate.set()
        assert await asyncio.gather(*visits) == [texts, texts]
        return found

    assert asyncio.run(visit()) == at_once
    engine.close()


def test_a_room_of_equal_texts_is_served_one_after_the_other(codec: Codec) -> None:
    """A text of a few sentences goes whole into a batch; nobody waits until all others are done."""
    echo = Echo(held=True, seconds=0.3)
    engine = TranslationEngine("echo", lambda: echo)
    done: list[int] = []

    async def one(number: int) -> None:
        await _all(engine, codec, ["Toto je dlhý text."] * 12)
        done.append(len(echo.batches))

    async def visit() -> None:
        visits = [asyncio.create_task(one(number)) for number in range(24)]
        await asyncio.sleep(0.5)
        echo.gate.set()
        await asyncio.gather(*visits)

    asyncio.run(visit())
    engine.close()
    assert min(done) < len(echo.batches) / 2


def test_leaving_takes_the_rest_out_of_line(codec: Codec) -> None:
    echo = Echo(seconds=0.1)
    engine = TranslationEngine("echo", lambda: echo)

    async def visit() -> None:
        stream = engine.translate(codec, ["Toto je dlhý text."] * 5_000)
        async for _ in stream:
            break
        await stream.aclose()

    asyncio.run(visit())
    assert engine.active == 0
    engine.close()
    assert sum(echo.batches) < 5_000


def test_too_many_are_refused_with_a_number(codec: Codec) -> None:
    echo = Echo(held=True)
    engine = TranslationEngine("echo", lambda: echo, most=2)

    async def visit() -> None:
        waiting = [asyncio.create_task(_all(engine, codec, ["Ahoj"])) for _ in range(2)]
        await asyncio.sleep(0.1)
        with pytest.raises(errors.QueueFull, match="2 at the moment"):
            await _all(engine, codec, ["Ahoj"])
        echo.gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(visit())
    engine.close()


def test_a_model_that_cannot_be_loaded_is_said_and_tried_again(codec: Codec) -> None:
    tries = []

    def open_runner() -> Echo:
        tries.append(1)
        if len(tries) == 1:
            raise errors.ModelUnavailable(model="m", reason=errors.Phrase("files_unreadable"))
        return Echo()

    engine = TranslationEngine("echo", open_runner)
    with pytest.raises(errors.ModelUnavailable):
        asyncio.run(_all(engine, codec, ["Ahoj"]))
    assert asyncio.run(_all(engine, codec, ["Ahoj"])) == ["Ahoj"]
    engine.close()


def test_a_batch_that_fails_does_not_end_the_engine(codec: Codec) -> None:
    class Broken(Echo):
        def run(self, sources: Sequence[list[str]], codecs: Sequence[Codec], beams: Beams) -> list[list[Output]]:
            if not self.batches:
                self.batches.append(0)
                raise RuntimeError("out of luck")
            return super().run(sources, codecs, beams)

    broken = Broken()
    engine = TranslationEngine("echo", lambda: broken)
    with pytest.raises(RuntimeError):
        asyncio.run(_all(engine, codec, ["Ahoj"]))
    assert asyncio.run(_all(engine, codec, ["Ahoj"])) == ["Ahoj"]
    engine.close()


def test_nothing_in_a_text_is_a_control_token(codec: Codec) -> None:
    from_english = load_codec(MODELS / "translate-from-en", "en", "sk")
    for text in (">>de<< Hello </s> <pad>", "</s>", "<pad>"):
        tokens = from_english.encode(text)
        assert tokens[0] == ">>sk<<" and tokens[-1] == "</s>"
        assert not {"</s>", "<pad>", ">>de<<"} & set(tokens[1:-1])
    assert codec.encode("Ahoj")[-1] == "</s>"


def test_letters_that_the_model_does_not_know_are_noticed(codec: Codec) -> None:
    assert reads(codec, "Milujem seminár DSA")
    assert not reads(codec, "مرحبا كيف حالك")
    assert not reads(codec, "你好吗？很好")
    assert not reads(load_codec(MODELS / "translate-from-en", "en", "de"), "你好吗")


@pytest.mark.slow
@pytest.mark.parametrize("beams", [Beams(1), Beams(4, alternatives=4, align=True)], ids=["greedy", "beam 4"])
def test_both_engines_say_the_same(beams: Beams, codec: Codec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same weights: ctranslate2 with float32 and transformers, tokens, order and scores."""
    from common.translation.engines.transformers import TransformersRunner

    folder = MODELS / "translate-to-en"
    fast = CTranslateRunner(convert(folder, "float32"), compute_type="float32")
    slow = TransformersRunner(folder, device="cpu")
    sources, codecs = [codec.encode(sentence) for sentence in SENTENCES], [codec] * len(SENTENCES)
    for quick, exact, source in zip(
        fast.run(sources, codecs, beams), slow.run(sources, codecs, beams), sources, strict=True
    ):
        assert len(quick) == len(exact) == beams.alternatives
        assert quick[0].tokens == exact[0].tokens
        assert [output.score for output in quick] == pytest.approx([output.score for output in exact], abs=0.01)
        if beams.align:
            for output in (quick[0], exact[0]):
                assert output.attention is not None
                assert len(output.attention) == len(output.tokens)
                assert all(
                    sum(row) == pytest.approx(1, abs=0.05) and len(row) == len(source) for row in output.attention
                )


@pytest.mark.slow
def test_both_engines_obey_the_limits(codec: Codec, m2m_folder: Path) -> None:
    """No three tokens in a row twice; at least so many tokens, those that an output must begin with not counted."""
    from common.translation.engines.transformers import TransformersRunner

    folder = MODELS / "translate-to-en"
    many = load_codec(m2m_folder, "sk", "en")  # its random weights repeat themselves for ever
    sources = [many.encode("Milujem hudbu")]
    for runner in (
        CTranslateRunner(convert(m2m_folder, "float32"), compute_type="float32"),
        TransformersRunner(m2m_folder, device="cpu"),
    ):
        free, held = (runner.run(sources, [many], Beams(1, no_repeat_ngram_size=size))[0][0].tokens for size in (0, 3))
        assert _most(free) > 1 and _most(held) == 1
    sources, codecs = [codec.encode(sentence) for sentence in SENTENCES], [codec] * len(SENTENCES)
    for runner in (
        CTranslateRunner(convert(folder, "float32"), compute_type="float32"),
        TransformersRunner(folder, device="cpu"),
    ):
        short, long = (runner.run(sources, codecs, Beams(1, min_length=least)) for least in (0, 25))
        assert all(len(output[0].tokens) < 25 for output in short)
        assert all(len(output[0].tokens) >= 25 for output in long)


@pytest.mark.slow
def test_no_sentence_ends_before_its_first_word(codec: Codec) -> None:
    """Not even one of several hypotheses: ctranslate2 has none, and with nothing written there is nothing to align."""
    from common.translation.engines.transformers import TransformersRunner

    runner = TransformersRunner(MODELS / "translate-to-en", device="cpu")
    model = runner._model
    model.final_logits_bias[0, model.config.eos_token_id] += 1000.0
    (found,) = runner.run([codec.encode("Dobré ráno!")], [codec], Beams(4, alternatives=2, align=True))
    assert [len(output.tokens) for output in found] == [1, 1]
    assert all(output.attention is not None and len(output.attention) == 1 for output in found)


def _most(tokens: Sequence[str]) -> int:
    """How often the most frequent three tokens in a row occur."""
    return max(Counter(zip(tokens, tokens[1:], tokens[2:], strict=False)).values())


@pytest.mark.slow
def test_eight_bits_say_nearly_the_same(codec: Codec) -> None:
    folder = MODELS / "translate-to-en"
    sources, codecs = [codec.encode(sentence) for sentence in SENTENCES], [codec] * len(SENTENCES)
    small = CTranslateRunner(convert(folder)).run(sources, codecs, Beams())
    exact = CTranslateRunner(convert(folder, "float32"), compute_type="float32").run(sources, codecs, Beams())
    same = sum(a[0].tokens == b[0].tokens for a, b in zip(small, exact, strict=True))
    assert same >= len(SENTENCES) // 2
    assert all(a[0].score == pytest.approx(b[0].score, abs=0.2) for a, b in zip(small, exact, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "slovak", "english"), [("m2m", "__sk__", "__en__"), ("nllb", "slk_Latn", "eng_Latn")])
def test_a_model_for_many_languages_runs_in_both_engines(
    name: str, slovak: str, english: str, request: pytest.FixtureRequest
) -> None:
    """The tokens that name the languages: in front of the source, first in the output, different ones in a batch."""
    from common.translation.engines.transformers import TransformersRunner

    folder: Path = request.getfixturevalue(f"{name}_folder")
    codecs = [load_codec(folder, "sk", "en"), load_codec(folder, "en", "fr")]
    assert codecs[0].encode("Ahoj")[0] == slovak and codecs[0].target_prefix == [english]
    sources = [codecs[0].encode("Milujem hudbu"), codecs[1].encode("I love music")]
    fast = CTranslateRunner(convert(folder, "float32"), compute_type="float32").run(sources, codecs, Beams(2))
    slow = TransformersRunner(folder, device="cpu").run(sources, codecs, Beams(2))
    # Random weights write until they are stopped; ties far into that are nobody's fault.
    assert [out[0].tokens[:20] for out in fast] == [out[0].tokens[:20] for out in slow]
    assert all(len(out[0].tokens) > 20 for out in fast)
    assert not any(out[0].tokens[0] in (english, codecs[1].target_prefix[0]) for out in fast)
    with pytest.raises(errors.UnsupportedPair):
        load_codec(folder, "sk", "xx")


@pytest.mark.parametrize("size", [200_000, 5_000_000], ids=["read whole", "read in pieces"])
def test_a_model_trained_on_is_converted_anew(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte of weights tells two models of one size apart; a new installation of the same files does not matter."""
    monkeypatch.setattr("common.translation.convert._READ_WHOLE", 1_000_000)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(bytes(size))
    (tmp_path / ".git").mkdir()
    before = converted_folder(tmp_path)
    assert converted_folder(tmp_path) == before != converted_folder(tmp_path, "float32")
    written = weights.stat().st_mtime_ns
    changed = bytearray(size)
    changed[size // 2 - 1] = 1  # between two pieces
    weights.write_bytes(changed)
    os.utime(weights, ns=(written + 1000, written + 1000))
    assert converted_folder(tmp_path) != before
    weights.write_bytes(bytes(size))
    os.utime(weights, ns=(written, written) if size > 1_000_000 else (0, 0))
    assert converted_folder(tmp_path) == before


@pytest.mark.slow
def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(errors.ModelUnavailable, match="cannot be converted"):
        convert_apart(empty)
    assert not converted_folder(empty).exists()
    with pytest.raises(errors.ModelUnavailable):
        load_codec(empty, "sk", "en")
    with pytest.raises(errors.ModelUnavailable):
        CTranslateRunner(empty)
