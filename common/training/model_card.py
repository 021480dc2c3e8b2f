"""The model card of a run's result: what it is, what it saw, how good it became, how to use it. All from the files.

Source: Mitchell et al. 2019 (arXiv:1810.03993) for the idea; the head is that of the Hugging Face Hub.
"""

from __future__ import annotations

import json

from common.training.config import AnyConfig, PreferenceConfig, TunedConfig
from common.training.folder import RunFolder

# What was asked of the run, in its file. The name is not that of a model's own description, beside which it may lie.
DESCRIPTION = "run-config.json"
_METHODS = {
    "lora": "a LoRA on all linear layers",
    "dora": "a DoRA on all linear layers",
    "qlora": "a LoRA on all linear layers beside weights of 4 bits (nf4)",
    "full": "all weights",
}
_WHOLE = """from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("{name}/model")
tokenizer = AutoTokenizer.from_pretrained("{name}/model")"""
_ADAPTER = """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("{base}")
model = PeftModel.from_pretrained(base, "{name}/model")
tokenizer = AutoTokenizer.from_pretrained("{name}/model")"""


def card(folder: RunFolder, config: AnyConfig, name: str, adapter: bool, again: bool) -> str:
    """The card as Markdown.

    Args:
        folder: the run's.
        config: what was asked for.
        name: of the folder in the file.
        adapter: the base model is not in the file.
        again: all that trains it again is in the file.
    """
    tuned = config if isinstance(config, TunedConfig) else None
    head = {"library_name": "peft" if adapter else "transformers", "pipeline_tag": "text-generation"}
    if tuned and tuned.base_repo:
        head["base_model"] = tuned.base_repo
    if tuned and tuned.base_licence:
        head["license"] = tuned.base_licence.lower()
    use = _ADAPTER.format(name=name, base=tuned.base_repo or tuned.base_title) if adapter and tuned else ""
    return "\n".join(
        [
            "---",
            *(f"{key}: {json.dumps(value)}" for key, value in head.items()),
            "---",
            f"# {_plain(config.name)}",
            "",
            _about(tuned, folder),
            "",
            "## Use",
            "",
            "```python",
            use or _WHOLE.format(name=name),
            "```",
            "",
            "## Training",
            "",
            *_facts(folder, config),
            "",
            *([f"`reproduce.py` trains it again with `{DESCRIPTION}` and the data beside it.", ""] if again else []),
            "## Limits",
            "",
            "A model made to learn from, in minutes: it says false things with confidence, and repeats what its data "
            "say. Its weights may hold pieces of the data word for word.",
            "",
        ]
    )


def _about(tuned: TunedConfig | None, folder: RunFolder) -> str:
    data = folder.read_json("data.json") or {}
    if tuned is None:
        return (
            f"A small language model trained from random weights on {data.get('characters', 0):,} characters of text: "
            f"{data.get('parameters', 0):,} parameters, {data.get('vocabulary', 0):,} tokens in the vocabulary."
        )
    if isinstance(tuned, PreferenceConfig):
        further = ", trained further in an earlier run" if tuned.adapter or folder.is_of_a_run(tuned.base) else ""
        return (
            f"{tuned.base_title}{further}, aligned with {data.get('pairs', 0):,} choices between two answers "
            f"by direct preference optimization (DPO, beta {tuned.beta:g})."
        )
    about = (
        f"{tuned.base_title}, trained further on {data.get('examples', 0):,} conversations: {_METHODS[tuned.method]}, "
        f"{data.get('trainable', 0):,} numbers learned of {data.get('parameters', 0):,}."
    )
    if tuned.method == "qlora":
        about += " It was trained beside weights of 4 bits; added to full ones it answers slightly otherwise."
    return about


def _facts(folder: RunFolder, config: AnyConfig) -> list[str]:
    events = list(folder.events())
    looks = [event for event in events if event["type"] == "eval" and event["loss"] is not None]
    planned, batch = config.pace.steps, config.pace.batch
    done = max((event.get("step", 0) for event in events), default=0)
    steps = f"{planned:,}" if done >= planned else f"{done:,} of {planned:,} (stopped)"
    each, further = f"{batch} texts", ""
    if isinstance(config, PreferenceConfig):
        each, further = f"{batch} pairs of answers", f"- rank {config.rank}, at most {config.row} tokens each"
    elif isinstance(config, TunedConfig):
        each, rank = f"{batch} rows", "" if config.method == "full" else f"rank {config.rank}, "
        further = f"- {rank}loss on the answers alone, packed into rows of {config.row} tokens"
    result = folder.read_json("result.json") or {}
    facts = [
        f"- loss on the held-out part: {looks[0]['loss']:.3f} at step {looks[0]['step']}, "
        f"{looks[-1]['loss']:.3f} at the end"
        if looks
        else "",
        f"- steps: {steps}, {each} each; highest learning rate {config.pace.learning_rate:g}; seed {config.pace.seed}",
        f"- minutes of work: {result['seconds'] / 60:.1f}; most memory: {result['peak_mb']:,.0f} MB"
        if "seconds" in result
        else "",
        further,
    ]
    return [fact for fact in facts if fact]


def _plain(name: str) -> str:
    """A visitor's name for it, with no sign that Markdown or HTML would act on."""
    return "".join(sign for sign in name if sign.isalnum() or sign in " .,-·()")
