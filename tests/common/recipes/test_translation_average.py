"""Weights between those before and after training."""

from __future__ import annotations

from pathlib import Path

import torch

from common.recipes.translation.average import Shares, average
from common.recipes.translation.train import Plan, build


def _model(seed: int) -> torch.nn.Module:
    model = build(Plan("to-en", encoder_layers=1, decoder_layers=1, width=64, seed=seed), 40)
    return model.float()


def test_each_part_takes_its_share_and_shared_weights_stay_one(tmp_path: Path) -> None:
    before, after = _model(1), _model(2)
    before.save_pretrained(tmp_path)  # type: ignore[operator]
    old = {name: weight.clone() for name, weight in before.state_dict().items()}
    new = {name: weight.clone() for name, weight in after.state_dict().items()}
    average(after, tmp_path, Shares(encoder=0.75, rest=0.25))  # type: ignore[arg-type]
    inner, outer = "model.encoder.layers.0.fc1.weight", "model.decoder.layers.0.fc1.weight"
    for name, share in ((inner, 0.75), (outer, 0.25), ("model.shared.weight", 0.25)):
        assert not torch.allclose(old[name], new[name])
        torch.testing.assert_close(after.state_dict()[name], (1 - share) * old[name] + share * new[name])
    shared = after.state_dict()
    assert shared["lm_head.weight"].data_ptr() == shared["model.shared.weight"].data_ptr()
    assert not shared["lm_head.weight"][-1].any()  # padding, which starts a translation, stays zero
