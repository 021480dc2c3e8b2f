"""What every error that a user can meet has: a key, a sentence, and parameters. The errors: ``common.errors``."""

from __future__ import annotations

from typing import Any, ClassVar

from common.phrases import PHRASES


class Phrase:
    """Words inside an error's sentence, said in the reader's language: ``phrase.<key>`` in the translations.

    What somebody else has written, such as a server's message, is a parameter of a phrase and stays as it is.

    Args:
        key: one of ``PHRASES``.
        params: values that fill the phrase.

    Example:
        >>> str(InvalidFile(reason=Phrase("too_many_turns", limit=400)))
        'This file cannot be used (it has more than 400 messages): choose a file that this app saved.'
    """

    def __init__(self, key: str, /, **params: Any) -> None:
        self.key, self.params = key, params

    def __str__(self) -> str:
        return PHRASES[self.key].format(**self.params)

    def __repr__(self) -> str:
        return f"Phrase({self.key!r}, {self.params!r})"


class DemystifyError(Exception):
    """Base of every error that is meant for a user's eyes.

    Attributes:
        key: message key in the translations, ``error.<key>``.
        params: values that fill the sentence; where that is words, a ``Phrase``.
    """

    key: ClassVar[str] = "unexpected"
    sentence: ClassVar[str] = "Something went wrong. Try again; if it happens again, tell the presenter."

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.sentence.format(**params))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.params)

    def to_json(self) -> dict[str, Any]:
        """JSON-able form, for the road between two processes."""
        params = {
            name: {"phrase": value.key, "params": value.params} if isinstance(value, Phrase) else value
            for name, value in self.params.items()
        }
        return {"key": self.key, "params": params}


def _rebuild(kind: type[DemystifyError], params: dict[str, Any]) -> DemystifyError:
    return kind(**params)
