"""Make a translation model: read, split, encode, train, export, measure, write the card.

python -m common.recipes.translation --data PATH --direction to-en --out models/translate-to-en --minutes 60
python -m common.recipes.translation --data PATH --direction to-en --out models/translate-to-en --resume
python -m common.recipes.translation --data PATH --direction to-en --out models/translate-to-en \\
    --start models/translate-to-en --work build/further
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers

from common import errors
from common.recipes.translation import backtranslation, card, corpus, score, train, vocabulary
from common.recipes.translation.average import Shares, average
from common.recipes.translation.corpus import LANGUAGES
from common.recipes.translation.export import convert, export
from common.recipes.translation.prepare import prepare

# What is set by the command line straight into the plan.
_PLANNED = (
    "steps",
    "tokens",
    "learning_rate",
    "dropout",
    "encoder_layers",
    "decoder_layers",
    "width",
    "start",
    "favour",
    "minutes",
)


def main(arguments: list[str] | None = None) -> None:
    """Run the recipe from command-line arguments."""
    chosen = _parser().parse_args(arguments)
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    given = {name: value for name in _PLANNED if (value := getattr(chosen, name)) is not None}
    plan = train.Plan(direction=chosen.direction, **given)
    try:
        _run(plan, chosen)
    except errors.DemystifyError as error:
        sys.exit(str(error))


def _run(plan: train.Plan, chosen: argparse.Namespace) -> None:
    work, out = chosen.work, chosen.out
    prepared = prepare(chosen.data, work, chosen.vocabulary, chosen.phrases, chosen.start)
    if plan.direction == "from-en" and backtranslation.DOMAIN in prepared.counts:
        raise errors.InvalidInput(
            field="data", allowed="folders without back-translated files: their other side is no target to learn from"
        )
    print(f"{len(prepared.encoded.weight):,} pairs to train on, {len(prepared.held_out):,} held out", flush=True)
    trained = train.run(plan, prepared.encoded, _entries(prepared.tokenizer), work / plan.direction, chosen.resume)
    print(f"{trained.steps:,} steps, {trained.seconds / 60:.0f} minutes of work so far", flush=True)
    shares = Shares(*chosen.average) if chosen.average and plan.start else None
    if shares and plan.start:
        average(trained.model, plan.start, shares)
    export(trained.model, prepared.tokenizer, out)
    trained.history().save(out)
    converted = work / f"{plan.direction}-ctranslate2"
    convert(out, converted)
    translator = score.Translator(out, converted, torch.get_num_threads())
    report = score.measure(translator, prepared.held_out, plan.direction, trained.history().hold_out_rule)
    parameters = sum(weight.numel() for weight in trained.model.parameters() if weight.requires_grad)
    card.write(out, plan, trained, prepared.counts, report, parameters, shares)
    (work / f"{plan.direction}-scores.json").write_text(
        json.dumps(report.to_json(), ensure_ascii=False, indent=2), "utf-8"
    )
    for line in report.scores:
        print(
            f"{line.set:14} {line.language}  BLEU {line.bleu:5.1f}  chrF {line.chrf:5.1f}  ({line.sentences} sentences)"
        )
    for source, target in report.examples:
        print(f"{source}  →  {target}")


class _Factors(argparse.Action):
    """Keeps the languages and factors as a dictionary."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option: Any = None) -> None:
        setattr(namespace, self.dest, dict(values))


def _factor(said: str) -> tuple[str, float]:
    """A language and its factor. Raises ValueError, of which argparse makes a message."""
    language, _, factor = said.partition("=")
    if language not in LANGUAGES or not 0 < float(factor) < float("inf"):
        raise ValueError
    return language, float(factor)


def _entries(tokenizer: Path) -> int:
    return len(json.loads((tokenizer / "vocab.json").read_text("utf-8")))


def _parser() -> argparse.ArgumentParser:
    defaults = {field.name: field.default for field in dataclasses.fields(train.Plan)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders with NAME.en-LANG.tsv(.xz) files")
    parser.add_argument("--direction", choices=("to-en", "from-en"), required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the finished model")
    parser.add_argument("--work", type=Path, default=Path("build/translation"), help="folder for all that is kept")
    parser.add_argument("--resume", action="store_true", help="go on with the run that is there, if there is one")
    parser.add_argument("--start", type=Path, help="finished model to begin with; its vocabulary is taken over")
    parser.add_argument(
        "--average",
        type=float,
        nargs=2,
        metavar=("ENCODER", "REST"),
        help="in the end, so much of the trained weights and the rest of the start's, 0 to 1",
    )
    parser.add_argument(
        "--favour",
        type=_factor,
        nargs="+",
        action=_Factors,
        metavar="LANGUAGE=FACTOR",
        help="draw a language's pairs more or less often than their data alone would have it, such as de=2",
    )
    parser.add_argument("--minutes", type=float, help="stop cleanly after so much work")
    parser.add_argument("--steps", type=int, help=f"batches in all (default {defaults['steps']:,})")
    parser.add_argument("--tokens", type=int, help=f"of a batch, with padding (default {defaults['tokens']:,})")
    parser.add_argument("--learning-rate", type=float, help=f"default {defaults['learning_rate']:g}")
    parser.add_argument("--dropout", type=float, help=f"default {defaults['dropout']:g}; 0.1 for long runs")
    parser.add_argument("--encoder-layers", type=int, help=f"default {defaults['encoder_layers']}")
    parser.add_argument("--decoder-layers", type=int, help=f"default {defaults['decoder_layers']}")
    parser.add_argument("--width", type=int, help=f"default {defaults['width']}")
    parser.add_argument("--vocabulary", type=int, default=vocabulary.SIZE, help="entries of a new vocabulary")
    parser.add_argument("--phrases", type=int, default=corpus.PHRASES, help="draws from the phrase book")
    parser.add_argument("--threads", type=int, help="CPU threads; one each is best for two runs side by side")
    return parser


if __name__ == "__main__":
    main()
