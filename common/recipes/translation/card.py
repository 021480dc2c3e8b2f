"""The model card: what the model is, what it was trained on and for how long, and what was measured, as measured."""

from __future__ import annotations

from pathlib import Path

from common.recipes.translation.average import Shares
from common.recipes.translation.corpus import HELD_OUT_ONE_IN, LANGUAGES
from common.recipes.translation.score import BEAM, Report
from common.recipes.translation.train import LABEL_SMOOTHING, Plan, Trained

# Where each domain's sentences are from and under which licence, as far as its source says.
SOURCES = {
    "tatoeba": ("Tatoeba sentence pairs, by way of manythings.org/anki", "CC BY 2.0 FR"),
    "sentences": ("everyday sentences written for this project", "Apache-2.0"),
    "everyday": (
        "everyday sentences that a large language model wrote for this project; no native speaker checked them",
        "Apache-2.0",
    ),
    "back-translated": (
        "Tatoeba's English sentences, by way of manythings.org/anki, with sources that this project's own model from "
        "English made",
        "CC BY 2.0 FR",
    ),
    "phrases": ("phrases made from this project's own tables of words", "Apache-2.0"),
    "fillets": ("dialogues of the game Fish Fillets NG", "GPL-2+"),
    "multi30k-train": ("Multi30k captions (Flickr30k photos)", "research use; no licence file"),
    "examples": ("example sentences of the dictionary Ding (dictionary-packages.txt in the recipe)", "GPL-2+"),
    "dictionary": ("words and phrases of Ding and FreeDict (dictionary-packages.txt in the recipe)", "GPL-2+"),
    "wesnoth": ("message catalogues of The Battle for Wesnoth 1.16", "GPL-2+"),
    "catalogues": (
        "message catalogues of Debian packages (catalogue-packages.txt in the recipe)",
        "each package's own",
    ),
    "debian-descriptions": (
        "package descriptions of Debian 12 and their translations",
        "Debian main; no single licence",
    ),
    "libreoffice-help": ("LibreOffice 7.4 help pages", "MPL-2.0"),
}
_HELD_OUT = {
    "everyday": "Tatoeba sentences of the LASER test set, of which nothing is learned",
    "everyday, own kinds": (
        "the held-out part of what everyday speech is learned from (French: Tatoeba, German: that and the sentences "
        "written for this project by a large language model, the others: these alone), without any that is within one "
        "word of a learned one in either language"
    ),
    "captions": "Multi30k validation captions",
    "packages": "descriptions of Debian packages, a sentence here and there",
    "whole packages": "descriptions of Debian packages, each held out from its first sentence to its last",
}
# Measured only on models that were never trained on them.
_NOT_ALWAYS = ("whole packages",)
# Everyday chrF below which the card warns.
_RELIABLE = 45.0
_NAMES = {"sk": "Slovak", "cs": "Czech", "de": "German", "fr": "French", "it": "Italian"}


def write(
    folder: Path,
    plan: Plan,
    trained: Trained,
    counts: dict[str, dict[str, int]],
    report: Report,
    parameters: int,
    shares: Shares | None = None,
) -> None:
    """Write README.md into a model's folder.

    Args:
        folder: the exported model.
        plan: of its training.
        trained: how far it got.
        counts: training pairs by domain and language.
        report: its scores.
        parameters: trainable weights.
        shares: of the trained weights, if they were averaged with those that training began with.
    """
    to_english = plan.direction == "to-en"
    languages = ", ".join(_NAMES[language] for language in LANGUAGES)
    title = f"{languages} to English" if to_english else f"English to {languages}"
    text = f"""---
license: other
license_name: see-training-data
language: [en, {", ".join(LANGUAGES)}]
library_name: transformers
pipeline_tag: translation
tags: [marian]
---

# {title}

A small Marian model ({parameters / 1e6:.1f} million weights, {plan.encoder_layers} encoder and {plan.decoder_layers} \
decoder layers of width {plan.width}, one vocabulary for all languages) that this project trained from random weights. \
It is there to be looked into and to work without a network. Larger models translate far better. {_verdict(report)}

{_usage(to_english)}

## Measured

On sentences that are not in the training data, neither they nor their translations; 8-bit ctranslate2, beam {BEAM}. \
Each is BLEU / chrF.

{_table(report)}

Sets: {"; ".join(f"*{name}* = {_HELD_OUT[name]}" for name in _sets(report))}. At most 600 sentences each. \
Where nothing is said of it, sentences that differ by a word or two from one of these may be in the training data.

BLEU `{report.bleu_signature}` · chrF `{report.chrf_signature}`

Some translations, as they come:

| in | out |
|---|---|
{chr(10).join(f"| {source} | {target} |" for source, target in report.examples)}

## Training

{_begun(trained)}{trained.steps:,} steps of at most {plan.tokens:,} tokens (source, target and padding) in \
{_duration(trained.seconds)} on {trained.device}, {plan.direction} with `python -m common.recipes.translation` \
(Seq2SeqTrainer, {trained.dtype}, Muon and AdamW, learning rate {plan.learning_rate:g}, \
label smoothing {LABEL_SMOOTHING}). \
{_favoured(plan)}{_averaged(shares)}{_judgement(plan, trained)}

Training pairs by language; how often a domain is drawn is set by its weight in the recipe, not by its size:

| domain | {" | ".join(LANGUAGES)} | source | licence |
|---|{"---|" * len(LANGUAGES)}---|---|
{chr(10).join(_domain_row(domain, by_language) for domain, by_language in sorted(counts.items()))}

### What is held out

By sentence: the sets above, and one English sentence in {HELD_OUT_ONE_IN} of every other domain. A pair was trained \
on only if neither of its sentences occurs in a held-out pair of any language.

By source text: {_texts(trained.history().hold_out_rule)} Everything else is held out by sentence alone, so the \
sentences before and after a held-out one (the same help page, the same scene of a game) may have been learned. \
Tatoeba is no text: its sentences stand alone, and close variants of a held-out one may be in the training data.

The sentence "Milujem seminár DSA" and \
variants of it were taken out too.

## Limits

Short everyday sentences are what it is for. It invents when it does not know a word, it knows no context beyond the \
sentence, and its data is partly narrow: captions, a fantasy game, software. Do not rely on it where a wrong \
translation does harm.
"""
    (folder / "README.md").write_text(text, "utf-8")


def _usage(to_english: bool) -> str:
    sentence = "Milujem hudbu." if to_english else ">>sk<< I love music."
    note = (
        ""
        if to_english
        else " The target language stands in front: " + ", ".join(f"`>>{c}<<`" for c in LANGUAGES) + "."
    )
    folder = "translate-to-en" if to_english else "translate-from-en"
    return f"""```python
from transformers import MarianMTModel, MarianTokenizer

tokenizer = MarianTokenizer.from_pretrained("models/{folder}")
model = MarianMTModel.from_pretrained("models/{folder}", dtype="float32")
batch = tokenizer(["{sentence}"], return_tensors="pt")
print(tokenizer.batch_decode(model.generate(**batch), skip_special_tokens=True))
```
{note}"""


def _table(report: Report) -> str:
    names = _sets(report)
    rows = [
        f"| {'from' if report.direction == 'to-en' else 'into'} | {' | '.join(names)} |",
        "|---|" + "---|" * len(names),
    ]
    for language in LANGUAGES:
        found = {score.set: score for score in report.scores if score.language == language}
        cells = [f"{found[name].bleu} / {found[name].chrf}" if name in found else "no data" for name in names]
        rows.append(f"| {_NAMES[language]} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _sets(report: Report) -> list[str]:
    """The names of the sets to show."""
    measured = {score.set for score in report.scores}
    return [name for name in _HELD_OUT if name in measured or name not in _NOT_ALWAYS]


def _texts(rule: int) -> str:
    """What is held out by whole texts, as far as this model never saw them."""
    captions = "the captions (their photos are in no training data)"
    if rule >= 2:
        return f"{captions}, and one description of a package in about {HELD_OUT_ONE_IN}."
    return (
        f"{captions}. The recipe holds out one description of a package in about {HELD_OUT_ONE_IN} as well, but an "
        "earlier run of this model has learned some of their sentences, so it is not measured on them."
    )


def _domain_row(domain: str, by_language: dict[str, int]) -> str:
    source, licence = SOURCES.get(domain, (domain, "see the source of this data"))
    cells = " | ".join(f"{by_language.get(language, 0):,}" for language in LANGUAGES)
    return f"| {domain} | {cells} | {source} | {licence} |"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"


def _begun(trained: Trained) -> str:
    """What the weights had behind them when this run began."""
    if not trained.earlier.steps:
        return ""
    earlier = trained.earlier
    return (
        f"Began with the weights of earlier runs of this recipe ({earlier.steps:,} steps in "
        f"{_duration(earlier.seconds)}); then "
    )


def _averaged(shares: Shares | None) -> str:
    if shares is None:
        return ""
    return (
        f"The weights are a mean of those before and after this run, with a share of {shares.encoder:g} of the trained "
        f"ones in the encoder and {shares.rest:g} elsewhere (`--average`; the shares were chosen by the everyday "
        "scores above and the talk's sentence). "
    )


def _verdict(report: Report) -> str:
    """A plain word on the everyday figures."""
    everyday = [score for score in report.scores if score.set == "everyday"]
    weak = [_NAMES[score.language] for score in everyday if score.chrf < _RELIABLE]
    if not weak:
        return "Simple everyday sentences mostly come out right."
    return f"Expect simple sentences at most: translations are often wrong for {', '.join(weak)}."


def _favoured(plan: Plan) -> str:
    if not plan.favour:
        return ""
    said = ", ".join(f"{_NAMES[language]} {factor:g}" for language, factor in plan.favour.items())
    return f"Languages were drawn more or less often than the table below says, by a factor (`--favour`): {said}. "


def _judgement(plan: Plan, trained: Trained) -> str:
    if trained.steps < plan.steps:
        return f"The run is not finished: {plan.steps:,} steps were planned, and going on with `--resume` will help."
    return "The run is finished; more steps would still help (`--resume` with a larger `--steps`)."
