"""How a phrase sounds in Slovak and Czech: one grammar, two sets of forms."""

from __future__ import annotations

from dataclasses import dataclass

from common.recipes.translation.phrasebook.plan import Phrase, Row, Subject, Thing


@dataclass(frozen=True, slots=True)
class Forms:
    """The small words of a language.

    Attributes:
        be, not_be: am, are, is… in six persons.
        been: was, masculine, feminine and plural.
        helper: what follows a past participle, in six persons.
        nominative, accusative: determiner to its forms for genders m (things), a (living), f, n, pl.
    """

    code: str
    pronouns: tuple[str, ...]
    be: tuple[str, ...]
    not_be: tuple[str, ...]
    been: tuple[str, ...]
    helper: tuple[str, ...]
    go: tuple[str, ...]
    gone: tuple[str, ...]
    fond: tuple[str, ...]
    have: tuple[str, ...]
    modals: dict[str, tuple[str, ...]]
    nominative: dict[str, str]
    accusative: dict[str, str]
    this_is: str
    where: str
    very: dict[str, str]


def _six(words: str) -> tuple[str, ...]:
    return tuple(words.split())


SLOVAK = Forms(
    code="sk",
    pronouns=_six("ja ty on my vy oni"),
    be=_six("som si je sme ste sú"),
    not_be=("nie som", "nie si", "nie je", "nie sme", "nie ste", "nie sú"),
    been=_six("bol bola boli"),
    helper=("som", "si", "", "sme", "ste", ""),
    go=_six("idem ideš ide ideme idete idú"),
    gone=_six("išiel išla išli"),
    fond=_six("rád rada radi"),
    have=_six("mám máš má máme máte majú"),
    modals={
        "want": _six("chcem chceš chce chceme chcete chcú"),
        "must": _six("musím musíš musí musíme musíte musia"),
        "can": _six("môžem môžeš môže môžeme môžete môžu"),
    },
    nominative={
        "this": "tento tento táto toto tieto",
        "my": "môj môj moja moje moje",
        "your": "tvoj tvoj tvoja tvoje tvoje",
        "his": "jeho jeho jeho jeho jeho",
        "her": "jej jej jej jej jej",
        "their": "ich ich ich ich ich",
    },
    accusative={
        "this": "tento tohto túto toto tieto",
        "my": "môj môjho moju moje moje",
        "your": "tvoj tvojho tvoju tvoje tvoje",
        "his": "jeho jeho jeho jeho jeho",
        "her": "jej jej jej jej jej",
        "their": "ich ich ich ich ich",
    },
    this_is="toto",
    where="kde",
    very={"": "", "very": "veľmi", "too": "príliš"},
)
CZECH = Forms(
    code="cs",
    pronouns=_six("já ty on my vy oni"),
    be=_six("jsem jsi je jsme jste jsou"),
    not_be=_six("nejsem nejsi není nejsme nejste nejsou"),
    been=_six("byl byla byli"),
    helper=("jsem", "jsi", "", "jsme", "jste", ""),
    go=_six("jdu jdeš jde jdeme jdete jdou"),
    gone=_six("šel šla šli"),
    fond=_six("rád ráda rádi"),
    have=_six("mám máš má máme máte mají"),
    modals={
        "want": _six("chci chceš chce chceme chcete chtějí"),
        "must": _six("musím musíš musí musíme musíte musí"),
        "can": _six("můžu můžeš může můžeme můžete můžou"),
    },
    nominative={
        "this": "tento tento tato toto tyto",
        "my": "můj můj moje moje moje",
        "your": "tvůj tvůj tvoje tvoje tvoje",
        "his": "jeho jeho jeho jeho jeho",
        "her": "její její její její její",
        "their": "jejich jejich jejich jejich jejich",
    },
    accusative={
        "this": "tento tohoto tuto toto tyto",
        "my": "můj mého mou moje moje",
        "your": "tvůj tvého tvou tvoje tvoje",
        "his": "jeho jeho jeho jeho jeho",
        "her": "její jejího její její její",
        "their": "jejich jejich jejich jejich jejich",
    },
    this_is="to",
    where="kde",
    very={"": "", "very": "velmi", "too": "příliš"},
)
_GENDERS = ("m", "a", "f", "n", "pl")


def say(phrase: Phrase, forms: Forms) -> str | None:
    """The phrase as a sentence; None where the tables have no word for it."""
    words = _words(phrase, forms)
    if words is None:
        return None
    text = " ".join(word for word in words if word)
    return text[0].upper() + text[1:] + ("?" if phrase.question or phrase.pattern == "where" else ".")


def thing(part: Thing, forms: Forms, case: str) -> str:
    """A noun in the nominative or accusative; there are no articles."""
    code, gender = forms.code, part.noun[f"{forms.code}_gender"]
    noun = part.noun[code if case == "nominative" else f"{code}_acc"]
    table: dict[str, str] = getattr(forms, case)
    determiner = table[part.determiner].split()[_GENDERS.index(gender)] if part.determiner in table else ""
    adjective = _adjective(part.adjective, code, gender, case) if part.adjective else ""
    return " ".join(word for word in (determiner, adjective, noun, part.letters) if word)


def _adjective(row: Row, code: str, gender: str, case: str) -> str:
    form = row[f"{code}_{'m' if gender in 'ma' else 'n' if gender in ('n', 'pl') else 'f'}"]
    if case == "nominative" or gender in ("m", "n", "pl"):
        return form
    if gender == "a":
        return form[:-1] + ("ého" if form.endswith("ý") else "eho")
    long, short = ("ú", "u") if code == "sk" else ("ou", "ou")
    return form[:-1] + (long if form.endswith("á") else short)


def _words(phrase: Phrase, forms: Forms) -> list[str] | None:
    subject, code = phrase.subject, forms.code
    if phrase.pattern in ("is", "where", "this"):
        return _about_thing(phrase, forms)
    named = _subject(subject, forms)
    time = phrase.time[code] if phrase.time else ""
    if phrase.pattern == "like":
        verb, rest = forms.have[subject.person], thing(phrase.thing, forms, "accusative")
        return [named, _deny(verb, phrase), forms.fond[subject.form], rest]
    if phrase.pattern == "modal":
        if not phrase.verb[code]:
            return None
        rest = f"{phrase.verb[f'{code}_with']} {thing(phrase.thing, forms, 'accusative')}".strip()
        return [named, _deny(forms.modals[phrase.modal][subject.person], phrase), phrase.verb[code], rest]
    if phrase.pattern in ("feel", "stay"):
        state = phrase.word.get(f"{code}_{'mfp'[subject.form]}") or phrase.word.get(f"{code}_at", "")
        rest = f"{forms.very[phrase.degree]} {state}".strip()
        if phrase.tense == "now":
            return [named, time, (forms.not_be if phrase.negated else forms.be)[subject.person], rest]
        return _past(named, time, _deny(forms.been[subject.form], phrase), forms.helper[subject.person], rest)
    if phrase.pattern == "go":
        now, past, rest = forms.go, forms.gone, phrase.word[f"{code}_to"]
    else:
        now, past = _six(phrase.verb[f"{code}_now"]), _six(phrase.verb[f"{code}_past"])
        if not now:
            return None
        rest = f"{phrase.verb[f'{code}_with']} {thing(phrase.thing, forms, 'accusative')}".strip()
    if phrase.tense == "now":
        return [named, time, _deny(now[subject.person], phrase), rest]
    return _past(named, time, _deny(past[subject.form], phrase), forms.helper[subject.person], rest)


def _about_thing(phrase: Phrase, forms: Forms) -> list[str]:
    code, gender = forms.code, phrase.thing.noun[f"{forms.code}_gender"]
    plural = gender == "pl"
    name = thing(phrase.thing, forms, "nominative")
    verb = (forms.not_be if phrase.negated else forms.be)[5 if plural else 2]
    if phrase.pattern == "where":
        return [forms.where, verb, name]
    if phrase.pattern == "this":
        return [forms.this_is, verb, name]
    if phrase.tense == "past":
        been = {"m": "", "a": "", "f": "a", "n": "o", "pl": "i" if code == "sk" else "y"}[gender]
        verb = _deny(forms.been[0] + been, phrase)
    quality = f"{forms.very[phrase.degree]} {_adjective(phrase.word, code, gender, 'nominative')}".strip()
    return [verb, name, quality] if phrase.question else [name, verb, quality]


def _past(named: str, time: str, participle: str, helper: str, rest: str) -> list[str]:
    """The helper stands second: "Videl som…", "Včera som videl…", "Ja som videl…"."""
    if named:
        return [named, helper, time, participle, rest]
    return [time, helper, participle, rest] if time else [participle, helper, rest]


def _deny(verb: str, phrase: Phrase) -> str:
    return f"ne{verb}" if phrase.negated else verb


def _subject(subject: Subject, forms: Forms) -> str:
    """Left out unless it is a name or stressed: the verb says it."""
    if subject.name or not subject.stressed:
        return subject.name
    return "ona" if subject.person == 2 and subject.gender == "f" else forms.pronouns[subject.person]
