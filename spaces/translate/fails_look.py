"""What the Where it fails tab knows: one sentence, translated as it is and with one thing changed, and what is wrong.

Both translations are made by greedy search on the model that would translate, unless another search is the fix: only
the fix differs.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from common import errors
from common.translation import failures
from common.translation.codec import reads
from common.translation.detect import OTHER, Guess, detect
from common.translation.engine import MAX_NEW_TOKENS, Beams
from common.translation.models import TranslationModels
from common.translation.sentences import clauses, split

KINDS = ("repetition", "word", "language", "names", "long", "clause", "short", "beams")
# What a fix is set to: tokens in a row that must not come twice, and sentences kept at each step.
NUMBERS = {"repetition": 3, "beams": 4}


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence on which small models like to fail in one way; ``context`` is the word's sentence."""

    sentence: str
    source: str
    target: str
    context: str = ""


EXAMPLES = {
    "repetition": Example(
        "Der Hund, den die Frau, die gestern beim Arzt war, der in der Stadt wohnt, gekauft hat, schläft.", "de", "en"
    ),
    "word": Example("light", "en", "de", "The light is on."),
    "language": Example("Wo ist der Bahnhof?", "en", "de"),
    "names": Example("Hier, Zsófia Kowalczyk a vu Thandiwe Nguyen.", "fr", "en"),
    "long": Example(
        "Ich stehe auf. Dann trinke ich Kaffee. Danach gehe ich zur Arbeit. Am Abend koche ich. "
        "Meine Frau liest ein Buch. Die Kinder schlafen schon.",
        "de",
        "en",
    ),
    "clause": Example(
        "Obwohl es den ganzen Tag regnete und wir keinen Schirm hatten, gingen wir am Abend in die Stadt, weil meine "
        "Schwester unbedingt das neue Restaurant sehen wollte, von dem ihr Freund schon so lange erzählt hatte, und "
        "danach tranken wir noch einen Kaffee.",
        "de",
        "en",
    ),
    "short": Example("sehr sehr sehr sehr sehr sehr gut", "de", "en"),
    "beams": Example("Meine Großmutter backt jeden Sonntag einen Apfelkuchen.", "de", "en"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One translation and what was counted on it.

    Attributes:
        sent: what the model was given, a sentence each; joined by spaces they are the text.
        source, target: what it was told the languages are.
        text: the translation.
        failed: whether the sign of this kind of failure is there.
        finding: key and values of the sentence that says what was counted.
    """

    sent: tuple[str, ...]
    source: str
    target: str
    text: str
    failed: bool
    finding: tuple[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind of failure on a sentence: as it is, and with the fix if it was asked for and there is one to try."""

    kind: str
    before: Case
    after: Case | None = None
    asked: bool = False


async def look(
    models: TranslationModels, kind: str, sentence: str, source: str, target: str, context: str, fix: bool
) -> Failure:
    """Translate, count, and do it again with the fix.

    Raises:
        EmptyPrompt, NothingToTranslate, PieceTooLong, UnsupportedPair, ModelUnavailable, OutOfMemory, QueueFull.
    """
    before = await _translated(models, kind, sentence, (sentence,), source, target, Beams(1))
    after = await _fixed(models, kind, sentence, source, target, context) if fix else None
    return Failure(kind, before, after, fix)


async def _fixed(
    models: TranslationModels, kind: str, sentence: str, source: str, target: str, context: str
) -> Case | None:
    """With the one thing changed; None when there is nothing to change."""
    if kind == "repetition":
        beams = Beams(1, no_repeat_ngram_size=NUMBERS[kind])
        return await _translated(models, kind, sentence, (sentence,), source, target, beams)
    if kind == "beams":
        return await _translated(models, kind, sentence, (sentence,), source, target, Beams(NUMBERS[kind]))
    if kind == "word":
        return await _translated(models, kind, context, (context,), source, target, Beams(1))
    if kind == "short":
        codec = models.codec(models.find(source, target), source, target)
        beams = Beams(1, min_length=len(codec.encode(sentence)) - 1)  # without the end token
        return await _translated(models, kind, sentence, (sentence,), source, target, beams)
    if kind in ("long", "clause"):
        pieces = split(sentence, source)
        if kind == "clause":
            pieces = [part for piece in pieces for part in clauses(piece)]
        parts = tuple(piece.body for piece in pieces if piece.has_words)
        return await _translated(models, kind, sentence, parts, source, target, Beams(1)) if len(parts) > 1 else None
    if kind == "names":
        changed, used = failures.with_stand_ins(sentence, failures.names(sentence, source))
        if not used:
            return None
        return await _translated(models, kind, sentence, (changed,), source, target, Beams(1), used)
    guess = _guess(models, sentence)
    if not guess.sure or guess.language in (OTHER, source):
        return None
    # Who typed in the target's language meant the other direction.
    into = source if guess.language == target else target
    return await _translated(models, kind, sentence, (sentence,), guess.language, into, Beams(1))


async def _translated(
    models: TranslationModels,
    kind: str,
    sentence: str,
    sent: tuple[str, ...],
    source: str,
    target: str,
    beams: Beams,
    used: dict[str, str] | None = None,
) -> Case:
    if not all(part.strip() for part in sent):
        raise errors.EmptyPrompt()
    model = models.find(source, target)
    codec = models.codec(model, source, target)
    if not all(any(sign.isalpha() for sign in part) and reads(codec, part) for part in sent):
        raise errors.NothingToTranslate()
    # A translation has about as many tokens as its source: one that is cut off by us would look like a failure.
    if (longest := max(len(codec.encode(part)) for part in sent)) > MAX_NEW_TOKENS:
        raise errors.PieceTooLong(tokens=longest, limit=MAX_NEW_TOKENS)
    made = {index: found[0] async for index, found in models.engine(model).translate(codec, sent, beams)}
    text = failures.put_back(" ".join(codec.decode(made[n].tokens) for n in range(len(sent))), used or {})
    share = math.exp(sum(output.score for output in made.values()) / len(made))
    failed, finding = await asyncio.to_thread(_judge, models, kind, sentence, text, source, target, share)
    return Case(sent, source, target, text, failed, finding)


def _judge(
    models: TranslationModels, kind: str, sentence: str, text: str, source: str, target: str, share: float
) -> tuple[bool, tuple[str, dict[str, object]]]:
    """Whether the sign of a failure is there, and the sentence (key, values) that says so."""
    if kind == "repetition":
        found, own = failures.repetition(text), failures.repetition(sentence)
        if found is None:
            return False, ("no_repetition", {})
        if own is not None and own.times >= found.times:
            return False, ("own_repetition", {"phrase": found.phrase, "times": found.times})
        return True, ("repetition", {"phrase": found.phrase, "times": found.times})
    if kind in ("word", "beams"):
        return share < failures.UNSURE, ("sure", {"share": share})
    if kind == "language":
        guess = _guess(models, sentence)
        if not guess.sure or guess.language == OTHER:
            return False, ("language_unsure", {"told": source})
        wrong = guess.language != source
        values: dict[str, object] = {"language": guess.language, "share": guess.confidence, "told": source}
        return wrong, ("language_wrong" if wrong else "language_right", values)
    if kind == "names":
        names = failures.names(sentence, source)
        lost = failures.missing(names, text)
        if not names:
            return False, ("no_names", {})
        return bool(lost), ("names_lost", {"names": ", ".join(lost)}) if lost else ("names_kept", {"n": len(names)})
    if kind == "long":
        there, came = (sum(p.has_words for p in split(t, c)) for t, c in ((sentence, source), (text, target)))
        return there != came, ("sentences", {"there": there, "came": came})
    ratio = failures.length_ratio(sentence, text)
    counted: dict[str, object] = {"there": len(failures.words(sentence)), "came": len(failures.words(text))}
    if kind == "clause":
        return not failures.SHORT <= ratio <= failures.LONG, ("length_either", counted)
    return ratio < failures.SHORT, ("length", counted)


def _guess(models: TranslationModels, sentence: str) -> Guess:
    return detect(sentence, models.languages())
