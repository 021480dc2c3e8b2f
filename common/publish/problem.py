"""Why something was not published: one sentence for the person at the terminal, saying what to do."""


class PublishProblem(Exception):
    """Its text is that sentence, in English: the pages of the train space say the ``reason`` in their own words.

    Attributes:
        reason: the key of a phrase that says why in a few words.
    """

    def __init__(self, sentence: str, reason: str = "hub_refused") -> None:
        super().__init__(sentence)
        self.reason = reason
