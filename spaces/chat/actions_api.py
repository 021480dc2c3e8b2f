"""The tools of the Actions tab for programs: each is an endpoint of the API, and a tool of the MCP server.

A program calls them directly: no model decides here, the calling program's own model does.
"""

from __future__ import annotations

from common.text.actions.calling import Call, read_call, run_call
from common.ui.api import endpoint


async def calculate(expression: str) -> str:
    """Work out an arithmetic expression.

    Args:
        expression: numbers with + - * / ^ % and brackets, such as 17.5 * (3 + 4).
    """
    return await _run("calculate", expression=expression)


async def convert_unit(value: str, from_unit: str, to_unit: str) -> str:
    """Convert a measure of length, weight, volume, temperature, speed or time into another unit.

    Args:
        value: a number, such as 26.2.
        from_unit: the unit it is in, such as mi, kg, °C, h.
        to_unit: the unit it is wanted in, such as km, lb, °F, min.
    """
    return await _run("convert_unit", value=value, from_unit=from_unit, to_unit=to_unit)


async def time_in(place: str) -> str:
    """The date and the time of day in a place.

    Args:
        place: a city or a time zone, such as Sydney or Europe/Bern.
    """
    return await _run("time_in", place=place)


async def weather(city: str) -> str:
    """Ask the demonstration weather service, which invents its weather, for a city.

    Args:
        city: a city's name, such as Paris.
    """
    return await _run("weather", city=city)


async def _run(name: str, **arguments: str) -> str:
    return (await run_call(read_call(Call(name, arguments).to_json()))).words


def register() -> None:
    """Make them endpoints of the app under construction."""
    for tool in (calculate, convert_unit, time_in, weather):
        endpoint(tool.__name__, tool)
