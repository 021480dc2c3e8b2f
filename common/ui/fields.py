"""A tab's inputs, declared once: name, type, default and limits.

From a declaration come the slider or box on the page, the check of what arrives (a page is not the only client of an
app's API) and the parsing of the address. Knows nothing about what the inputs mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from common import errors
from common.errors import Phrase
from common.ui.i18n import Localizer


@dataclass(frozen=True, slots=True)
class Number:
    """A number with limits; whole numbers have an integer ``step``. ``optional`` lets it be empty (None)."""

    name: str
    default: float | None
    minimum: float
    maximum: float
    step: float = 1
    optional: bool = False

    @property
    def allowed(self) -> Phrase:
        """The limits in words."""
        low, high = (_whole(limit) for limit in (self.minimum, self.maximum))
        if float(self.step).is_integer():
            return Phrase("whole_between", minimum=low, maximum=high)
        return Phrase("number_between", minimum=low, maximum=high)

    def check(self, value: Any) -> float | None:
        """The value as a number within the limits.

        Raises:
            InvalidInput: no number, or outside the limits.
        """
        if value is None or value == "":
            if self.optional:
                return None
            raise errors.InvalidInput(field=self.name, allowed=self.allowed)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise errors.InvalidInput(field=self.name, allowed=self.allowed) from None
        if not math.isfinite(number) or not self.minimum <= number <= self.maximum:
            raise errors.InvalidInput(field=self.name, allowed=self.allowed)
        if float(self.step).is_integer() and not number.is_integer():
            raise errors.InvalidInput(field=self.name, allowed=self.allowed)
        return number

    def whole(self, value: Any) -> int:
        """Like ``check``, as an int; for inputs that are not optional."""
        number = self.check(value)
        if number is None:
            raise errors.InvalidInput(field=self.name, allowed=self.allowed)
        return int(number)

    def real(self, value: Any) -> float:
        """Like ``check``, as a float; for inputs that are not optional."""
        number = self.check(value)
        if number is None:
            raise errors.InvalidInput(field=self.name, allowed=self.allowed)
        return number

    def slider(self, words: Localizer, key: str, **props: Any) -> gr.Slider:
        """The slider for it, labelled with the text ``key``."""
        slider = words(
            gr.Slider,
            keys={"label": key},
            minimum=self.minimum,
            maximum=self.maximum,
            step=self.step,
            value=self.default,
            **props,
        )
        # What was typed beside it reaches the handler as it is. gradio would refuse what is outside the limits, but in
        # English, and before the handler's own check can say so in the visitor's language.
        slider.preprocess = lambda payload: payload  # type: ignore[method-assign]
        return slider

    def box(self, words: Localizer, key: str, **props: Any) -> gr.Number | gr.Textbox:
        """A box to type it into (for wide ranges and optional values)."""
        if self.optional:
            # A text box, since gradio's number box cannot be empty: its page turns no value into 0.
            empty = {"label": key, "placeholder": "common.empty"}
            return words(gr.Textbox, keys=empty, value="", max_lines=1, max_length=20, **props)
        precision = 0 if float(self.step).is_integer() else None
        return words(gr.Number, keys={"label": key}, value=self.default, precision=precision, **props)


@dataclass(frozen=True, slots=True)
class Text:
    """A text with a longest length in characters."""

    name: str
    default: str
    max_length: int

    def check(self, value: Any) -> str:
        """The text. Raises InvalidInput when it is none or too long."""
        if not isinstance(value, str) or len(value) > self.max_length:
            raise errors.InvalidInput(field=self.name, allowed=Phrase("letters_at_most", limit=self.max_length))
        return value

    def box(self, words: Localizer, key: str, *, placeholder: str = "", info: str = "", **props: Any) -> gr.Textbox:
        """The box to type it into, labelled with the text ``key``; ``placeholder`` and ``info`` are keys, too."""
        keys = {prop: key for prop, key in (("label", key), ("placeholder", placeholder), ("info", info)) if key}
        return words(gr.Textbox, keys=keys, **{"value": self.default, "max_length": self.max_length, **props})


@dataclass(frozen=True, slots=True)
class Numbers:
    """Several numbers typed into one box, with spaces or semicolons between them; a comma may be the decimal mark."""

    name: str
    default: str
    minimum: float
    maximum: float
    fewest: int = 1
    most: int = 8

    @property
    def allowed(self) -> Phrase:
        """The limits in words."""
        low, high = (_whole(limit) for limit in (self.minimum, self.maximum))
        return Phrase("numbers_between", fewest=self.fewest, most=self.most, minimum=low, maximum=high)

    def check(self, value: Any) -> str:
        """The text as typed, once it can be read. Raises InvalidInput."""
        self.read(value)
        return str(value)

    def read(self, value: Any) -> list[float]:
        """The numbers. Raises InvalidInput: no numbers, too few, too many, or outside the limits."""
        try:
            found = [float(item) for item in self.items(value)]
        except ValueError:
            found = []
        good = all(math.isfinite(number) and self.minimum <= number <= self.maximum for number in found)
        if not good or not self.fewest <= len(found) <= self.most:
            raise errors.InvalidInput(field=self.name, allowed=self.allowed)
        return found

    @staticmethod
    def items(value: Any) -> list[str]:
        """The pieces of the text, each with a decimal point."""
        pieces = str(value).replace(";", " ").split()
        return [piece.rstrip(",").replace(",", ".") for piece in pieces]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few options."""

    name: str
    default: int | str
    options: tuple[int | str, ...]

    def check(self, value: Any) -> int | str:
        """The option, also when it arrives as text. Raises InvalidInput."""
        for option in self.options:
            if str(option) == str(value):
                return option
        raise errors.InvalidInput(field=self.name, allowed=", ".join(map(str, self.options)))


@dataclass(frozen=True, slots=True)
class Several:
    """Some of a few options, or none; an address names them with commas between."""

    name: str
    default: tuple[str, ...]
    options: tuple[str, ...]

    def check(self, value: Any) -> list[str]:
        """The options that were chosen, in the order of ``options``. Raises InvalidInput."""
        chosen = [item for item in value.split(",") if item] if isinstance(value, str) else value
        if not isinstance(chosen, list) or not all(item in self.options for item in chosen):
            raise errors.InvalidInput(field=self.name, allowed=", ".join(self.options))
        return [option for option in self.options if option in chosen]


def _whole(limit: float) -> float:
    """2.0 as 2: a whole number is said as one."""
    return int(limit) if float(limit).is_integer() else limit


Field = Number | Text | Numbers | Choice | Several


def read_address(
    fields: Mapping[str, Field], query: Mapping[str, str]
) -> tuple[dict[str, Any], list[errors.InvalidInput]]:
    """The values that an address carries for these inputs, and why others that it carries cannot be used."""
    values: dict[str, Any] = {}
    problems = []
    for name, declared in fields.items():
        if name in query:
            try:
                values[name] = declared.check(query[name])
            except errors.InvalidInput as problem:
                problems.append(problem)
    return values, problems


def from_address(fields: Mapping[str, Field], query: Mapping[str, str]) -> dict[str, Any]:
    """The values that an address carries for these inputs, without those that cannot be used."""
    return read_address(fields, query)[0]


@dataclass(frozen=True, slots=True)
class Link:
    """What the addresses of one view carry.

    Attributes:
        place: parameters that say which view is meant, such as ``{"tab": "chat"}``.
        fields: its inputs by their names in the address.
        first: an address that names no view means it, too.
        opening: what is in the inputs when the page opens without a link, which an address need not name.
    """

    place: Mapping[str, str]
    fields: Mapping[str, Field]
    first: bool = False
    opening: Mapping[str, Any] = field(default_factory=dict)

    def read(self, query: Mapping[str, str]) -> tuple[dict[str, Any], list[errors.InvalidInput]]:
        """Values and problems as ``read_address`` gives them; none of either if another view is meant."""
        meant = all(query.get(name, value if self.first else None) == value for name, value in self.place.items())
        return read_address(self.fields, query) if meant else ({}, [])
