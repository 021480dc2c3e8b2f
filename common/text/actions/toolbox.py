"""The tools that need nothing but this machine; a page may add some that need what it has."""

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
            (
                ("What is 12 times 34?", {"expression": "12*34"}),
                ("How much is 7 + 8 * 2?", {"expression": "7+8*2"}),
                ("Divide 90 by 6.", {"expression": "90/6"}),
                ("What is 10 percent of 50?", {"expression": "50*10/100"}),
            ),
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
            (
                ("How many feet are 3 metres?", {"value": "3", "from_unit": "m", "to_unit": "ft"}),
                ("How many kilometres are 10 miles?", {"value": "10", "from_unit": "mi", "to_unit": "km"}),
                ("Convert 70 kg to pounds.", {"value": "70", "from_unit": "kg", "to_unit": "lb"}),
                ("What is 20 °C in °F?", {"value": "20", "from_unit": "°C", "to_unit": "°F"}),
                ("How many minutes are in 4 hours?", {"value": "4", "from_unit": "h", "to_unit": "min"}),
                ("How many grams are in 5 ounces?", {"value": "5", "from_unit": "oz", "to_unit": "g"}),
            ),
        ),
        Tool(
            "time_in",
            "date and time in a place",
            {"place": {"type": "string", "pattern": WORDS % 30}},
            _time_in,
            (("What time is it in Tokyo?", {"place": "Tokyo"}), ("What day is it in London?", {"place": "London"})),
        ),
        Tool(
            "weather",
            "the weather in a city",
            {"city": {"type": "string", "pattern": WORDS % 30}},
            _weather,
            (("Is it raining in Bern?", {"city": "Bern"}), ("How warm is it in Oslo today?", {"city": "Oslo"})),
        ),
    )
}
