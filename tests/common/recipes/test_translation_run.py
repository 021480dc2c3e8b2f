"""The whole recipe on a tiny model: trained, interrupted, gone on with, exported, converted, measured."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
import time
from pathlib import Path

import ctranslate2
import pytest
import torch
from transformers import MarianMTModel, MarianTokenizer

from common import errors
from common.recipes.translation import card, export, prepare, score, train
from common.recipes.translation.__main__ import main
from common.recipes.translation.corpus import HOLD_OUT_RULE
from common.recipes.translation.prepare import Prepared
from common.recipes.translation.train import History, Plan, Trained

pytestmark = pytest.mark.slow
SIZE = 800
PLAN = Plan(
    "from-en", steps=9, tokens=512, warmup=2, dropout=0.1, encoder_layers=1, decoder_layers=1, width=64, save_every=4
)


@pytest.fixture(scope="module")
def prepared(pairs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare.prepare([pairs_folder], tmp_path_factory.mktemp("work"), SIZE, phrases=500)


@pytest.fixture(scope="module")
def uninterrupted(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train.run(PLAN, prepared.encoded, SIZE, tmp_path_factory.mktemp("run"), resume=False)


def test_a_run_in_slices_ends_where_a_run_in_one_piece_does(
    prepared: Prepared, uninterrupted: Trained, tmp_path: Path
) -> None:
    slice_ = dataclasses.replace(PLAN, minutes=0)  # ends after one step
    steps = [train.run(slice_, prepared.encoded, SIZE, tmp_path, resume=True).steps for _ in range(3)]
    ended = train.run(PLAN, prepared.encoded, SIZE, tmp_path, resume=True)
    assert steps == [1, 2, 3]
    assert ended.steps == uninterrupted.steps == 9
    for name, weight in uninterrupted.model.state_dict().items():
        assert torch.equal(weight, ended.model.state_dict()[name]), name


def test_a_run_that_is_there_is_not_overwritten(prepared: Prepared, tmp_path: Path) -> None:
    train.run(dataclasses.replace(PLAN, minutes=0), prepared.encoded, SIZE, tmp_path, resume=False)
    with pytest.raises(errors.InvalidInput, match="--resume"):
        train.run(PLAN, prepared.encoded, SIZE, tmp_path, resume=False)


def test_a_signal_ends_a_run_with_a_checkpoint(prepared: Prepared, tmp_path: Path) -> None:
    def stop_it() -> None:
        while not list(tmp_path.glob("checkpoint-4/trainer_state.json")):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_it, daemon=True).start()
    endless = dataclasses.replace(PLAN, steps=1_000_000)
    trained = train.run(endless, prepared.encoded, SIZE, tmp_path, resume=False)
    assert trained.steps >= 4
    assert (tmp_path / f"checkpoint-{trained.steps}" / "optimizer.pt").exists()


def test_a_run_can_begin_with_a_finished_model_and_counts_its_steps(
    prepared: Prepared, uninterrupted: Trained, tmp_path: Path
) -> None:
    export.export(uninterrupted.model, prepared.tokenizer, tmp_path / "finished")
    uninterrupted.history().save(tmp_path / "finished")
    plan = dataclasses.replace(PLAN, start=tmp_path / "finished", learning_rate=0.0, steps=1)
    further = train.run(plan, prepared.encoded, SIZE, tmp_path / "further", resume=False)
    for name, weight in uninterrupted.model.state_dict().items():
        torch.testing.assert_close(further.model.state_dict()[name], weight, rtol=0.01, atol=1e-4, msg=name)
    assert further.earlier.steps == 9
    assert further.history().steps == 10
    assert further.history().hold_out_rule == HOLD_OUT_RULE


@pytest.mark.parametrize("earlier", ["model", "run"])
def test_what_was_learned_before_a_rule_of_holding_out_does_not_count_as_held_out(
    earlier: str, prepared: Prepared, uninterrupted: Trained, tmp_path: Path
) -> None:
    plan = dataclasses.replace(PLAN, minutes=0)
    if earlier == "model":
        export.export(uninterrupted.model, prepared.tokenizer, tmp_path / "finished")
        (tmp_path / "finished" / "training.json").write_text('{"steps": 9, "seconds": 1}')
        plan = dataclasses.replace(plan, start=tmp_path / "finished")
    else:
        train.run(plan, prepared.encoded, SIZE, tmp_path / "run", resume=False)
        (tmp_path / "run" / "hold-out-rule").unlink()
    trained = train.run(plan, prepared.encoded, SIZE, tmp_path / "run", resume=True)
    assert trained.history().hold_out_rule == 1
    trained.history().save(tmp_path)
    assert History.load(tmp_path).hold_out_rule == 1
    assert "not measured on them" in card._texts(trained.history().hold_out_rule)


def test_a_model_of_another_shape_is_no_beginning(prepared: Prepared, uninterrupted: Trained, tmp_path: Path) -> None:
    export.export(uninterrupted.model, prepared.tokenizer, tmp_path)
    with pytest.raises(errors.InvalidInput, match="the plan's layers"):
        train.build(dataclasses.replace(PLAN, start=tmp_path, encoder_layers=2), SIZE)


def test_the_vocabulary_of_the_beginning_is_taken_over(prepared: Prepared, pairs_folder: Path, tmp_path: Path) -> None:
    again = prepare.prepare([pairs_folder], tmp_path, SIZE, phrases=600, start=prepared.tokenizer)
    for name in "source.spm", "vocab.json":
        assert (again.tokenizer / name).read_bytes() == (prepared.tokenizer / name).read_bytes()


def test_training_lowers_the_loss(prepared: Prepared, uninterrupted: Trained) -> None:
    batch = train.Batches(prepared.encoded, "from-en", 1, 2048, SIZE, seed=1)[0]
    losses = []
    for model in train.build(PLAN, SIZE), uninterrupted.model:
        with torch.no_grad():
            losses.append(model.eval()(**batch).loss.item())
    assert losses[1] < losses[0] - 0.3


def test_what_starts_a_translation_stays_zero(uninterrupted: Trained) -> None:
    assert not uninterrupted.model.lm_head.weight[-1].any()  # ctranslate2 starts from a zero embedding
    assert uninterrupted.model.lm_head.weight[:-1].abs().sum(dim=1).all()


def test_transformers_and_ctranslate2_read_the_export_alike(
    prepared: Prepared, uninterrupted: Trained, tmp_path: Path
) -> None:
    export.export(uninterrupted.model, prepared.tokenizer, tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").stat().st_size <= export.MAX_BYTES
    model = MarianMTModel.from_pretrained(tmp_path / "model", dtype="float32").eval()
    tokenizer = MarianTokenizer.from_pretrained(tmp_path / "model")
    export.convert(tmp_path / "model", tmp_path / "exact", "float32")
    engine = ctranslate2.Translator(str(tmp_path / "exact"))
    for text in (">>sk<< I read a book.", ">>it<< Where is my house?", ">>cs<< Tom is tired."):
        batch = tokenizer([text], return_tensors="pt")
        ids = model.generate(**batch, num_beams=1, max_length=13)[0, 1:-1].tolist()  # the last is forced to be the end
        source = tokenizer.convert_ids_to_tokens(batch.input_ids[0])
        found = engine.translate_batch([source], beam_size=1, max_decoding_length=12)[0].hypotheses[0]
        assert found[:11] == tokenizer.convert_ids_to_tokens(ids)[: len(found)]
        assert len(found) > 0


def test_a_model_too_large_to_be_committed_is_not_written(prepared: Prepared, tmp_path: Path) -> None:
    large = train.build(dataclasses.replace(PLAN, width=512, encoder_layers=2), SIZE)
    with pytest.raises(errors.InvalidInput):
        export.export(large, prepared.tokenizer, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_one_command_makes_measures_and_describes_a_model(
    pairs_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score, "MOST", 12)  # a model that knows nothing writes on and on

    def call(*more: str) -> None:
        arguments = ["--data", str(pairs_folder), "--direction", "to-en", "--work", str(tmp_path / "work")]
        size = ["--encoder-layers", "1", "--decoder-layers", "1", "--width", "64", "--tokens", "256", "--steps", "3"]
        size += ["--vocabulary", str(SIZE), "--phrases", "500"]
        main([*arguments, *size, "--out", str(tmp_path / "model"), *more])

    call("--minutes", "0")
    assert "1 steps" in capsys.readouterr().out
    call("--resume")
    out = capsys.readouterr().out
    assert "3 steps" in out
    scores = json.loads((tmp_path / "work" / "to-en-scores.json").read_text("utf-8"))
    everyday = {score["language"]: score for score in scores["scores"] if score["set"] == "everyday"}
    assert {score["set"] for score in scores["scores"]} >= {"everyday", "everyday, own kinds", "whole packages"}
    assert set(everyday) == {"sk", "cs", "it"}
    assert all(0 <= score["chrf"] <= 100 and score["sentences"] > 10 for score in everyday.values())
    written = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert f"{everyday['sk']['bleu']} / {everyday['sk']['chrf']}" in written
    assert scores["chrf_signature"] in written and "The run is finished" in written
    assert "one description of a package in about 100." in written and "| whole packages |" in written
    with pytest.raises(SystemExit, match="--resume"):
        call()
