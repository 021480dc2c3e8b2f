"""Units of measurement, converted by pint. No currencies: their rates change by the hour."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from common.errors import Phrase
from common.text.actions.tool import ToolFailed

if TYPE_CHECKING:
    from pint import UnitRegistry

# As a call names them, and as pint does.
_SAME = ("m", "km", "cm", "mm", "mi", "ft", "kg", "g", "lb", "oz", "l", "ml", "gal", "K", "h", "min", "s")
UNITS = {name: name for name in (*_SAME, "km/h", "mph", "m/s")}
UNITS |= {"in": "inch", "°C": "degC", "°F": "degF"}

# How a question in English names them, as patterns.
_NAMES = {
    "m": "met(?:re|er)s?",
    "km": "kilomet(?:re|er)s?(?! per hour)",
    "cm": "centimet(?:re|er)s?",
    "mm": "millimet(?:re|er)s?",
    "mi": "miles?(?! per hour)",
    "ft": "f(?:ee|oo)t",
    "in": "inch(?:es)?",
    "kg": "kilo(?:gram)?s?",
    "g": "grams?",
    "lb": "lbs|pounds?",
    "oz": "ounces?",
    "l": "lit(?:re|er)s?",
    "ml": "millilit(?:re|er)s?",
    "gal": "gallons?",
    "°C": "celsius",
    "°F": "fahrenheit",
    "K": "kelvins?",
    "h": "hours?",
    "min": "minutes?",
    "s": "seconds?",
    "km/h": "kilomet(?:re|er)s? per hour",
    "mph": "miles? per hour",
    "m/s": "met(?:re|er)s? per second",
}
_NUMBER = r"\d ?(?:degrees )?"
# "in" is a unit after a number alone: it stands in most questions as another word.
_ANYWHERE = {
    unit: rf"(?<![\w'’/°])(?:{names}{'' if unit == 'in' else '|' + re.escape(unit)})(?![\w/])"
    for unit, names in _NAMES.items()
}
FROM = {unit: rf"{_NUMBER}(?:{_NAMES[unit]}|{re.escape(unit)})(?![\w/])" for unit in UNITS}
TO = {unit: rf"(?<!\d)(?<!\d )(?<!degrees ){pattern}" for unit, pattern in _ANYWHERE.items()}


def convert(value: str, from_unit: str, to_unit: str) -> float:
    """A value in another unit. Raises ToolFailed: no number, an unknown unit, or units of different kinds."""
    from pint import DimensionalityError

    try:
        number = float(value) if len(value) <= 40 else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ToolFailed(Phrase("call_number", value=value[:40]))
    for unit in (from_unit, to_unit):
        if unit not in UNITS:
            raise ToolFailed(Phrase("unit_unknown", unit=unit[:40], known=", ".join(UNITS)))
    try:
        found = _registry().Quantity(number, UNITS[from_unit]).to(UNITS[to_unit]).magnitude
    except DimensionalityError:
        raise ToolFailed(Phrase("units_differ", source=from_unit, target=to_unit)) from None
    return float(found)


@lru_cache(maxsize=1)
def _registry() -> UnitRegistry[float]:
    from pint import UnitRegistry

    return UnitRegistry()  # reads its definitions for a third of a second
