"""How a phrase sounds in English."""

from __future__ import annotations

from common.recipes.translation.phrasebook.plan import Phrase, Row, Subject, Thing

_PRONOUNS = ("I", "you", "he", "we", "you", "they")
_AM = ("am", "are", "is", "are", "are", "are")
_WAS = ("was", "were", "was", "were", "were", "were")
# Verbs that are not said as "I am loving".
_LASTING = {"love", "see", "want", "have", "need", "know", "hear", "understand", "respect"}


def say(phrase: Phrase) -> str:
    """The phrase as a sentence."""
    time = f" {phrase.time['en']}" if phrase.time else ""
    end = "?" if phrase.question or phrase.pattern == "where" else "."
    text = _clause(phrase) + time + end
    return text[0].upper() + text[1:]


def thing(part: Thing) -> str:
    """A noun with its determiner, adjective and letters."""
    words = [part.adjective["en"] if part.adjective else "", part.letters, part.noun["en"]]
    words = [word for word in words if word]
    if part.determiner == "a":
        words.insert(0, "an" if words[0][0] in "aeiou" else "a")
    elif part.determiner:
        words.insert(0, part.determiner)
    return " ".join(words)


def _clause(phrase: Phrase) -> str:
    subject, person = _subject(phrase.subject), phrase.subject.person
    if phrase.pattern == "where":
        return f"where is {thing(phrase.thing)}"
    if phrase.pattern == "this":
        return f"this is {'not ' if phrase.negated else ''}{thing(phrase.thing)}"
    if phrase.pattern in ("feel", "stay", "is"):
        if phrase.pattern == "is":
            subject, person = thing(phrase.thing), 2
        rest = phrase.word["en_at"] if phrase.pattern == "stay" else f"{phrase.degree} {phrase.word['en']}".strip()
        return _be(phrase, subject, person, rest)
    if phrase.pattern == "go":
        if phrase.tense == "now" and not _repeated(phrase.time):
            return _be(phrase, subject, person, f"going {phrase.word['en_to']}")
        return _do(phrase, subject, person, ("go", "goes", "went"), phrase.word["en_to"])
    rest = thing(phrase.thing)
    if phrase.pattern == "like":
        return _do(phrase, subject, person, ("like", "likes", "liked"), rest)
    if phrase.pattern == "modal":
        rest = f"{phrase.verb['en']} {rest}"
        if phrase.modal == "want":
            return _do(phrase, subject, person, ("want", "wants", "wanted"), f"to {rest}")
        if phrase.modal == "must":
            return _do(phrase, subject, person, ("have", "has", "had"), f"to {rest}")
        can = "can't" if phrase.negated else "can"
        return f"{can} {subject} {rest}" if phrase.question else f"{subject} {can} {rest}"
    forms = phrase.verb["en"], phrase.verb["en_3s"], phrase.verb["en_past"]
    if phrase.time and phrase.time["en"] == "now" and forms[0] not in _LASTING:
        return _be(phrase, subject, person, f"{_ing(forms[0])} {rest}")
    return _do(phrase, subject, person, forms, rest)


def _subject(subject: Subject) -> str:
    if subject.name:
        return subject.name
    return "she" if subject.person == 2 and subject.gender == "f" else _PRONOUNS[subject.person]


def _repeated(time: Row) -> bool:
    return bool(time) and time["en"] in ("every day", "often", "always")


def _be(phrase: Phrase, subject: str, person: int, rest: str) -> str:
    form = (_WAS if phrase.tense == "past" else _AM)[person]
    denial = "not " if phrase.negated else ""
    if phrase.question:
        return f"{form} {subject} {denial}{rest}"
    if phrase.tense == "now" and subject.lower() in ("i", "you", "we", "they", "he", "she"):
        return f"{subject}'{form[-1] if form in ('am', 'is') else 're'} {denial}{rest}"
    return f"{subject} {form} {denial}{rest}"


def _do(phrase: Phrase, subject: str, person: int, forms: tuple[str, str, str], rest: str) -> str:
    base, third, past = forms
    helper = "did" if phrase.tense == "past" else "does" if person == 2 else "do"
    if phrase.question:
        denial = "n't" if phrase.negated else ""
        return f"{helper}{denial} {subject} {base} {rest}"
    if phrase.negated:
        return f"{subject} {helper}n't {base} {rest}"
    return f"{subject} {past if phrase.tense == 'past' else third if person == 2 else base} {rest}"


def _ing(base: str) -> str:
    first, _, rest = base.partition(" ")
    stem = first[:-1] if first.endswith("e") else first
    return f"{stem}ing {rest}".strip()
