"""How a phrase sounds in Italian."""

from __future__ import annotations

from common.recipes.translation.phrasebook.plan import Phrase, Subject, Thing

_PRONOUNS = ("io", "tu", "lui", "noi", "voi", "loro")
_BE = ("sono", "sei", "è", "siamo", "siete", "sono")
_WAS = ("ero", "eri", "era", "eravamo", "eravate", "erano")
_HAVE = ("ho", "hai", "ha", "abbiamo", "avete", "hanno")
_GO = ("vado", "vai", "va", "andiamo", "andate", "vanno")
_TO_ME = ("mi", "ti", "gli", "ci", "vi", "a loro")
_MODALS = {
    "want": ("voglio", "vuoi", "vuole", "vogliamo", "volete", "vogliono"),
    "must": ("devo", "devi", "deve", "dobbiamo", "dovete", "devono"),
    "can": ("posso", "puoi", "può", "possiamo", "potete", "possono"),
}
_OWNERS = {"my": ("mio", "mia"), "your": ("tuo", "tua"), "his": ("suo", "sua"), "her": ("suo", "sua")}
# Close relatives are "mio fratello", without the article.
_FAMILY = {"padre", "madre", "fratello", "sorella", "figlio", "figlia", "marito", "moglie"}
_VERY = {"": "", "very": "molto", "too": "troppo"}


def say(phrase: Phrase) -> str | None:
    """The phrase as a sentence; None where the tables have no word for it."""
    words = _words(phrase)
    if words is None:
        return None
    text = " ".join(word for word in words if word).replace("dove è", "dov'è")
    return text[0].upper() + text[1:] + ("?" if phrase.question or phrase.pattern == "where" else ".")


def article(word: str, gender: str, definite: bool) -> str:
    """The article before a word, with the space that follows unless it ends in an apostrophe."""
    vowel = word[0].lower() in "aeiouàèéìòù"
    hard = word[0].lower() in "zxy" or word.startswith(("gn", "ps")) or (word[0] == "s" and word[1] not in "aeiou")
    if definite:
        return "l'" if vowel else "la " if gender == "f" else "lo " if hard else "il "
    if gender == "f":
        return "un'" if vowel else "una "
    return "uno " if hard else "un "


def thing(part: Thing, generic: bool = False) -> str:
    """A noun with what stands around it; ``generic`` things without a determiner take the article: "la musica"."""
    noun, gender = part.noun["it"], part.noun["it_gender"]
    adjective = part.adjective[f"it_{gender}"] if part.adjective else ""
    name = " ".join(word for word in (noun, part.letters, adjective) if word)
    if part.determiner in _OWNERS:
        owner = _OWNERS[part.determiner][gender == "f"]
        bare = noun in _FAMILY and not adjective
        return f"{owner} {name}" if bare else f"{'la' if gender == 'f' else 'il'} {owner} {name}"
    if part.determiner == "their":
        return f"{'la' if gender == 'f' else 'il'} loro {name}"
    if part.determiner == "this":
        vowel = noun[0].lower() in "aeiou"
        return f"quest'{name}" if vowel else f"{'questa' if gender == 'f' else 'questo'} {name}"
    if part.determiner or generic:
        return article(noun, gender, definite=part.determiner != "a") + name
    return name


def _words(phrase: Phrase) -> list[str] | None:
    subject, person = phrase.subject, phrase.subject.person
    denial = "non" if phrase.negated else ""
    time = phrase.time["it"] if phrase.time else ""
    be = (_WAS if phrase.tense == "past" else _BE)[person]
    match phrase.pattern:
        case "where" | "this" | "is":
            return _about_thing(phrase, denial)
        case "like":
            what = thing(phrase.thing, generic=True)
            if subject.name:
                return ["a", subject.name, denial, "piace", what]
            whom = "le" if person == 2 and subject.gender == "f" else _TO_ME[person]
            return [whom, denial, "piace", what] if person == 5 else [denial, whom, "piace", what]
        case "feel" | "stay":
            state = phrase.word.get(f"it_{'mfp'[subject.form]}") or phrase.word.get("it_at", "")
            return [_subject(subject), denial, be, _VERY[phrase.degree], state, time]
        case "go":
            if phrase.tense == "now":
                return [_subject(subject), denial, _GO[person], phrase.word["it_to"], time]
            gone = ("andato", "andata", "andati")[subject.form]
            return [_subject(subject), denial, _BE[person], gone, phrase.word["it_to"], time]
    if not phrase.verb["it"]:
        return None
    what = thing(phrase.thing, generic=phrase.verb["en"] == "love")
    if phrase.pattern == "modal":
        return [_subject(subject), denial, _MODALS[phrase.modal][person], phrase.verb["it"], what]
    if phrase.tense == "now":
        return [_subject(subject), denial, phrase.verb["it_now"].split()[person], what, time]
    return [_subject(subject), denial, _HAVE[person], phrase.verb["it_past"], what, time]


def _about_thing(phrase: Phrase, denial: str) -> list[str]:
    gender = phrase.thing.noun["it_gender"]
    if phrase.pattern == "where":
        return ["dove", "è", thing(phrase.thing)]
    if phrase.pattern == "this":
        return ["questa" if gender == "f" else "questo", denial, "è", thing(phrase.thing)]
    verb = (_WAS if phrase.tense == "past" else _BE)[2]
    return [thing(phrase.thing, generic=True), denial, verb, _VERY[phrase.degree], phrase.word[f"it_{gender}"]]


def _subject(subject: Subject) -> str:
    if subject.name or not subject.stressed:
        return subject.name
    return "lei" if subject.person == 2 and subject.gender == "f" else _PRONOUNS[subject.person]
