"""ROUGE: how much of a reference summary's wording another summary shares. Words and their order, not the meaning.

Source: Lin 2004, *ROUGE: A Package for Automatic Evaluation of Summaries*; the library is ``rouge_score``, whose
numbers for English are those of the original program.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.text.tasks.wording import Wording, wording_of

KINDS = ("rouge1", "rouge2", "rougeL")


@dataclass(frozen=True, slots=True)
class Share:
    """One measure, each value from 0 to 1.

    Attributes:
        precision: share of the summary's units that the reference has too.
        recall: share of the reference's units that the summary has too.
        f1: their harmonic mean, which is what papers report.
    """

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Rouge:
    """ROUGE-1 (single words), ROUGE-2 (pairs of words), ROUGE-L (longest common run with gaps)."""

    rouge1: Share
    rouge2: Share
    rouge_l: Share

    @property
    def all(self) -> tuple[Share, Share, Share]:
        """The three in the usual order."""
        return self.rouge1, self.rouge2, self.rouge_l


def rouge(summary: str, reference: str, wording: Wording | None = None) -> Rouge:
    """Score a summary against a reference.

    Args:
        summary: what is scored; an empty one scores 0.
        reference: what somebody else wrote.
        wording: how words are compared; that of the reference's language by default.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scores = RougeScorer(list(KINDS), tokenizer=wording or wording_of(reference)).score(reference, summary)
    found = [scores[kind] for kind in KINDS]
    return Rouge(*(Share(float(one.precision), float(one.recall), float(one.fmeasure)) for one in found))
