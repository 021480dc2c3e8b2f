"""Why something was not published: one sentence for the person at the terminal, saying what to do."""


class PublishProblem(Exception):
    """Its text is that sentence. In English alone, since no visitor of a page meets it."""
