"""The tools there are."""

from __future__ import annotations

import asyncio

from common.text.actions import calculator, clock, units, weather
from common.text.actions.tool import WORDS, Tool


async def _calculate(expression: str) -> str:
    value = await asyncio.to_thread(calculator.calculate, expression)
    if isinstance(value, int):
        return str(value)
    return f"{value:.10g}"


async def _convert_unit(value: str, from_unit: str, to_unit: str) -> str:
    found = await asyncio.to_thread(units.convert, value, from_unit, to_unit)
    return f"{value} {from_unit} = {found:.6g} {to_unit}"


async def _time_in(place: str) -> str:
    return clock.time_in(place).strftime("%A, %d %B %Y, %H:%M (UTC%z)")


async def _weather(city: str) -> str:
    return await weather.weather(city)


_UNIT = {"enum": list(units.UNITS)}
TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "calculate",
            "arithmetic",
            {"expression": {"type": "string", "pattern": r"^[0-9+\-*/(). %^]{1,40}$"}},
            _calculate,
        ),
        Tool(
            "convert_unit",
            "lengths, weights, volumes, temperatures, speeds",
            {
                "value": {"type": "string", "pattern": r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$"},
                "from_unit": _UNIT,
                "to_unit": _UNIT,
            },
            _convert_unit,
        ),
        Tool("time_in", "date and time in a place", {"place": {"type": "string", "pattern": WORDS % 30}}, _time_in),
        Tool("weather", "the weather in a city", {"city": {"type": "string", "pattern": WORDS % 30}}, _weather),
    )
}
