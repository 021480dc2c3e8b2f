"""Why something was not published: one sentence for the person at the terminal, saying what to do."""

from __future__ import annotations

from common.errors import Phrase


class PublishProblem(Exception):
    """Its text is that sentence, in English: the pages of the train space say the ``reason`` in their own words.

    Attributes:
        reason: says why in a few words.
    """

    def __init__(self, sentence: str, reason: Phrase | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason or Phrase("hub_refused")
