"""Sentences of everyday with a good translation into each of the embedded models' languages.

Written for the tab; no model has been trained on them as such.
"""

from __future__ import annotations

# Code of the language: the sentence.
Parallel = dict[str, str]

EXAMPLES: tuple[Parallel, ...] = (
    {
        "sk": "Milujem seminár DSA.",
        "cs": "Miluji seminář DSA.",
        "de": "Ich liebe das DSA-Seminar.",
        "fr": "J’adore le séminaire DSA.",
        "it": "Adoro il seminario DSA.",
        "en": "I love the DSA seminar.",
    },
    {
        "sk": "Kde je železničná stanica?",
        "cs": "Kde je nádraží?",
        "de": "Wo ist der Bahnhof?",
        "fr": "Où est la gare ?",
        "it": "Dov’è la stazione?",
        "en": "Where is the railway station?",
    },
    {
        "sk": "Prosím si kávu bez cukru.",
        "cs": "Dal bych si kávu bez cukru, prosím.",
        "de": "Ich hätte gern einen Kaffee ohne Zucker, bitte.",
        "fr": "Je voudrais un café sans sucre, s’il vous plaît.",
        "it": "Vorrei un caffè senza zucchero, per favore.",
        "en": "I would like a coffee without sugar, please.",
    },
    {
        "sk": "Moja sestra býva v malom dome pri rieke.",
        "cs": "Moje sestra bydlí v malém domě u řeky.",
        "de": "Meine Schwester wohnt in einem kleinen Haus am Fluss.",
        "fr": "Ma sœur habite dans une petite maison au bord de la rivière.",
        "it": "Mia sorella abita in una piccola casa vicino al fiume.",
        "en": "My sister lives in a small house by the river.",
    },
    {
        "sk": "Včera celý deň pršalo, preto sme zostali doma.",
        "cs": "Včera celý den pršelo, a tak jsme zůstali doma.",
        "de": "Gestern hat es den ganzen Tag geregnet, deshalb sind wir zu Hause geblieben.",
        "fr": "Hier, il a plu toute la journée, alors nous sommes restés à la maison.",
        "it": "Ieri ha piovuto tutto il giorno, perciò siamo rimasti a casa.",
        "en": "Yesterday it rained all day, so we stayed at home.",
    },
    {
        "sk": "Môžete mi povedať, o koľkej zatvárajú obchod?",
        "cs": "Můžete mi říct, v kolik hodin obchod zavírá?",
        "de": "Können Sie mir sagen, wann das Geschäft schließt?",
        "fr": "Pouvez-vous me dire à quelle heure le magasin ferme ?",
        "it": "Può dirmi a che ora chiude il negozio?",
        "en": "Can you tell me what time the shop closes?",
    },
)

# What a chat model is shown in its prompt; none of them is a sentence to translate.
SHOTS: tuple[Parallel, ...] = (
    {
        "sk": "Deti sa hrajú v záhrade.",
        "cs": "Děti si hrají na zahradě.",
        "de": "Die Kinder spielen im Garten.",
        "fr": "Les enfants jouent dans le jardin.",
        "it": "I bambini giocano in giardino.",
        "en": "The children are playing in the garden.",
    },
    {
        "sk": "Nerozumiem otázke.",
        "cs": "Nerozumím otázce.",
        "de": "Ich verstehe die Frage nicht.",
        "fr": "Je ne comprends pas la question.",
        "it": "Non capisco la domanda.",
        "en": "I do not understand the question.",
    },
    {
        "sk": "Prídeme zajtra večer.",
        "cs": "Přijedeme zítra večer.",
        "de": "Wir kommen morgen Abend an.",
        "fr": "Nous arriverons demain soir.",
        "it": "Arriveremo domani sera.",
        "en": "We will arrive tomorrow evening.",
    },
    {
        "sk": "Táto kniha je veľmi zaujímavá.",
        "cs": "Tato kniha je velmi zajímavá.",
        "de": "Dieses Buch ist sehr interessant.",
        "fr": "Ce livre est très intéressant.",
        "it": "Questo libro è molto interessante.",
        "en": "This book is very interesting.",
    },
)


def is_example(sentence: str) -> Parallel | None:
    """The example that a sentence is, whichever of its languages it is in."""
    return next((example for example in EXAMPLES if sentence in example.values()), None)


def reference(sentence: str, target: str) -> str:
    """The translation of an example; empty for any other sentence."""
    return (is_example(sentence) or {}).get(target, "")
