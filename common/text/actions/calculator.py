"""A calculator: a grammar of its own, so that nothing a model or a visitor writes is ever run as code.

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/" | "%") signed)*
    signed  = ("+" | "-") signed | power
    power   = atom (("^" | "**") signed)?
    atom    = number | "(" sum ")"

The signs bind as in Python: -2^2 is -4, 2^3^2 is 2^9, % is the remainder. Whole numbers stay exact.
"""

from __future__ import annotations

import math
import re

from common.errors import Phrase
from common.text.actions.tool import ToolFailed

LONGEST = 200  # characters
_DEEPEST = 40  # brackets and signs inside each other
_LARGEST_POWER_BITS = 4096  # of a result that is still written out
_TOKEN = re.compile(r"\s*(?:([0-9]+(?:\.[0-9]*)?|\.[0-9]+)|(\*\*|[-+*/%^()]))")


def calculate(expression: str) -> int | float:
    """The value of an expression.

    Raises:
        ToolFailed: too long, not understood, division by zero, or a number too large.
    """
    if len(expression) > LONGEST:
        raise ToolFailed(Phrase("calc_too_long", limit=LONGEST))
    try:
        value = _Reader(_split(expression)).all()
        if isinstance(value, int):
            return value
        if math.isfinite(value):
            return value
    except ZeroDivisionError:
        raise ToolFailed(Phrase("calc_zero")) from None
    except OverflowError:
        pass
    raise ToolFailed(Phrase("calc_too_large"))


def _split(expression: str) -> list[str]:
    pieces, place, end = [], 0, len(expression.rstrip())
    while place < end:
        found = _TOKEN.match(expression, place)
        if found is None:
            raise ToolFailed(Phrase("calc_unclear"))
        pieces.append(found[1] or found[2])
        place = found.end()
    return pieces


class _Reader:
    """Recursive descent: one method for each line of the grammar."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces, self._place, self._depth = pieces, 0, 0

    def all(self) -> int | float:
        value = self._sum()
        if self._next():
            raise ToolFailed(Phrase("calc_unclear"))
        return value

    def _next(self) -> str:
        return self._pieces[self._place] if self._place < len(self._pieces) else ""

    def _take(self, *signs: str) -> str:
        sign = self._next()
        if sign not in signs:
            return ""
        self._place += 1
        return sign

    def _sum(self) -> int | float:
        value = self._product()
        while sign := self._take("+", "-"):
            other = self._product()
            value = value + other if sign == "+" else value - other
        return value

    def _product(self) -> int | float:
        value = self._signed()
        while sign := self._take("*", "/", "%"):
            other = self._signed()
            value = value * other if sign == "*" else value / other if sign == "/" else value % other
        return value

    def _signed(self) -> int | float:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ToolFailed(Phrase("calc_too_long", limit=LONGEST))
        sign = self._take("+", "-")
        value = self._signed() if sign else self._power()
        self._depth -= 1
        return -value if sign == "-" else value

    def _power(self) -> int | float:
        base = self._atom()
        if not self._take("^", "**"):
            return base
        exponent = self._signed()
        whole = isinstance(base, int) and isinstance(exponent, int)
        if whole and int(base).bit_length() * abs(exponent) > _LARGEST_POWER_BITS:
            raise OverflowError
        power = base**exponent
        if isinstance(power, complex):
            raise ToolFailed(Phrase("calc_root"))
        return power

    def _atom(self) -> int | float:
        if self._take("("):
            value = self._sum()
            if not self._take(")"):
                raise ToolFailed(Phrase("calc_unclear"))
            return value
        piece = self._next()
        if not piece or not (piece[0].isdigit() or piece[0] == "."):
            raise ToolFailed(Phrase("calc_unclear"))
        self._place += 1
        return float(piece) if "." in piece else int(piece)
