"""The embedding model from torch's format to OpenVINO's: ``python -m common.text.retrieval.convert [file.xml]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any


def convert(target: Path) -> None:
    """Write the network with mean pooling and normalization in it; the files appear when they are complete."""
    import openvino
    import torch
    from transformers import AutoModel

    from common.text.retrieval.embedder import model_folder

    model = AutoModel.from_pretrained(model_folder(), dtype=torch.float32, local_files_only=True).eval()

    class Pooled(torch.nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            states = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(states.dtype)  # (batch, tokens, 1)
            mean = (states * mask).sum(1) / mask.sum(1)  # (batch, 384)
            return torch.nn.functional.normalize(mean, dim=-1)

    ones = torch.ones(2, 16, dtype=torch.int64)
    with torch.no_grad():
        network = openvino.convert_model(Pooled(), example_input={"input_ids": ones, "attention_mask": ones})
    network.reshape({"input_ids": [-1, -1], "attention_mask": [-1, -1]})
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        openvino.save_model(network, str(made), compress_to_fp16=False)
        made.with_suffix(".bin").replace(target.with_suffix(".bin"))
        made.replace(target)  # last: who sees it sees both


if __name__ == "__main__":
    from common.config import settings
    from common.text.retrieval.embedder import EMBEDDING_MODEL

    given = sys.argv[1:]
    convert(Path(given[0]) if given else settings().cache_dir / "embedding" / f"{EMBEDDING_MODEL}.xml")
