"""Sentences in a document that speak to the model instead of the reader: "Ignore all previous instructions …".

A model sees one text and cannot tell who wrote which part of it, so it may follow them (prompt injection). No list of
words finds them all; what it finds can be shown to the reader before the answer is believed.

Source: Greshake et al. 2023, *Not what you've signed up for* (arXiv:2302.12173).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TALK = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules?|above|previous|prior|everything)\b"
    r"|\b(?:ignorier\w*|vergiss|vergessen sie|missachte\w*)\b.{0,40}\b(?:anweisung\w*|vorgabe\w*|regel\w*|alles)\b"
    r"|\b(?:ignore[zr]?|oublie[zr]?)\b.{0,40}\b(?:instructions?|consignes?|règles?|tout ce qui)\b"
    r"|\b(?:ignora(?:te|re)?|dimentica(?:te|re)?)\b.{0,40}\b(?:istruzion[ei]|regol[ae]|tutto)\b"
    r"|\byou are (?:now|no longer) (?:a|an|the|in)\b|\bact as (?:a|an|if)\b|\bpretend (?:you are|that you)\b"
    r"|\b(?:system prompt|as an ai|dear (?:ai|model|assistant|chatbot))\b"
    r"|\b(?:instead of|rather than) (?:a summary|summari[sz]ing|answering)\b"
    r"|\bdo not (?:summari[sz]e|translate|answer)\b"
    r"|<\|[^|<>\s]{1,40}\|>|\[/?INST\]",
    re.IGNORECASE,
)


def find_orders(sentences: Iterable[str]) -> list[str]:
    """The sentences that seem to give a model orders, in their order."""
    return [sentence for sentence in sentences if _TALK.search(sentence)]
