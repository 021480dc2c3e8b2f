"""How close a translation is to a reference: chrF and BLEU, by sacrebleu, with the signatures that say how.

Source: M. Popović, "chrF" (2015); K. Papineni et al., "BLEU" (2002); M. Post, "A Call for Clarity" (2018).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """chrF and BLEU, both 0 to 100, and how they were computed."""

    chrf: float
    bleu: float
    chrf_signature: str
    bleu_signature: str


def compare(translation: str, reference: str) -> Quality:
    """Line by line when both have as many, otherwise as one text each."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    lines, wanted = translation.strip().splitlines(), reference.strip().splitlines()
    if len(lines) != len(wanted):
        lines, wanted = [" ".join(lines)], [" ".join(wanted)]
    # A few words have no four-word sequence in common: BLEU uses the orders that exist.
    bleu, chrf = BLEU(effective_order=True) if len(lines) == 1 else BLEU(), CHRF()
    if len(lines) == 1:
        bleu_score, chrf_score = bleu.sentence_score(lines[0], wanted), chrf.sentence_score(lines[0], wanted)
    else:
        bleu_score, chrf_score = bleu.corpus_score(lines, [wanted]), chrf.corpus_score(lines, [wanted])
    return Quality(chrf_score.score, bleu_score.score, str(chrf.get_signature()), str(bleu.get_signature()))
