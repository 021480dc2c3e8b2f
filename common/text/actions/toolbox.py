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


async def _nothing() -> str:
    return "no tool is needed"


# What a call names when no tool fits; the model then answers from what it has learned.
NO_TOOL = "no_tool"
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
                ("What is 63 divided by 9?", {"expression": "63/9"}),
                ("What is 10 percent of 50?", {"expression": "50*10/100"}),
                ("Subtract 14 from 31.", {"expression": "31-14"}),
                ("How much is 400 minus 36?", {"expression": "400-36"}),
                ("What is the sum of 5, 6 and 7?", {"expression": "5+6+7"}),
                ("Add 30 and 12.", {"expression": "30+12"}),
                ("Two tickets cost 9 euros each. What is the price of both?", {"expression": "2*9"}),
                ("Tom has 20 apples and eats 3. How many are left?", {"expression": "20-3"}),
                ("What is 3 to the power of 4?", {"expression": "3^4"}),
                ("Work out (8 - 2) * 5.5.", {"expression": "(8-2)*5.5"}),
                ("Calculate 6 * (1 + 9).", {"expression": "6*(1+9)"}),
                ("Multiply 8 by 25.", {"expression": "8*25"}),
            ),
            quoted={"expression": r"[\d(][\d+\-*/().%^ ]*[+\-*/%^][\d+\-*/().%^ ]*[\d)]"},
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
                ("How many metres are 40 feet?", {"value": "40", "from_unit": "ft", "to_unit": "m"}),
                ("How many kilometres are 10 miles?", {"value": "10", "from_unit": "mi", "to_unit": "km"}),
                ("Convert 25 kilometres to miles.", {"value": "25", "from_unit": "km", "to_unit": "mi"}),
                ("How many inches are 9 centimetres?", {"value": "9", "from_unit": "cm", "to_unit": "in"}),
                (
                    "The table is 50 inches long. What is that in centimetres?",
                    {"value": "50", "from_unit": "in", "to_unit": "cm"},
                ),
                ("Convert 70 kg to pounds.", {"value": "70", "from_unit": "kg", "to_unit": "lb"}),
                ("How many kilograms are 11 pounds?", {"value": "11", "from_unit": "lb", "to_unit": "kg"}),
                ("How many grams are in 5 ounces?", {"value": "5", "from_unit": "oz", "to_unit": "g"}),
                ("Change 300 g into ounces.", {"value": "300", "from_unit": "g", "to_unit": "oz"}),
                ("How many gallons are 20 litres?", {"value": "20", "from_unit": "l", "to_unit": "gal"}),
                ("How many litres are 6 gallons?", {"value": "6", "from_unit": "gal", "to_unit": "l"}),
                ("How many litres does 750 millilitres make?", {"value": "750", "from_unit": "ml", "to_unit": "l"}),
                ("Turn 4 litres into millilitres.", {"value": "4", "from_unit": "l", "to_unit": "ml"}),
                ("What is 20 °C in °F?", {"value": "20", "from_unit": "°C", "to_unit": "°F"}),
                ("What is 65 °F in °C?", {"value": "65", "from_unit": "°F", "to_unit": "°C"}),
                ("What are 70 degrees Fahrenheit in Celsius?", {"value": "70", "from_unit": "°F", "to_unit": "°C"}),
                ("What are 18 degrees Celsius in Fahrenheit?", {"value": "18", "from_unit": "°C", "to_unit": "°F"}),
                ("How many minutes are in 4 hours?", {"value": "4", "from_unit": "h", "to_unit": "min"}),
                ("How many hours are 90 minutes?", {"value": "90", "from_unit": "min", "to_unit": "h"}),
                ("How many seconds are in 7 minutes?", {"value": "7", "from_unit": "min", "to_unit": "s"}),
                ("Express 60 mph in km/h.", {"value": "60", "from_unit": "mph", "to_unit": "km/h"}),
                ("Turn 50 km/h into mph.", {"value": "50", "from_unit": "km/h", "to_unit": "mph"}),
                ("A man is 170 cm tall. How many feet is that?", {"value": "170", "from_unit": "cm", "to_unit": "ft"}),
            ),
            {"value": 1},
            named={"from_unit": units.FROM, "to_unit": units.TO},
        ),
        Tool(
            "time_in",
            "date and time in a place",
            {"place": {"type": "string", "pattern": WORDS % 30}},
            _time_in,
            (
                ("What time is it in Tokyo?", {"place": "Tokyo"}),
                ("What day is it in London?", {"place": "London"}),
                ("What is today's date in Oslo?", {"place": "Oslo"}),
                ("Is it night in Mumbai now?", {"place": "Mumbai"}),
                ("How late is it in Lima?", {"place": "Lima"}),
                ("Tell me the hour in Hong Kong, please.", {"place": "Hong Kong"}),
            ),
            {"place": 3},
        ),
        Tool(
            "weather",
            "the weather in a city",
            {"city": {"type": "string", "pattern": WORDS % 30}},
            _weather,
            (
                ("Is it raining in Bern?", {"city": "Bern"}),
                ("How warm is it in Oslo today?", {"city": "Oslo"}),
                ("What is the weather in Tokyo?", {"city": "Tokyo"}),
                ("Do I need a jacket in Lima?", {"city": "Lima"}),
                ("Is it sunny and dry in London?", {"city": "London"}),
                ("What is the temperature in Hong Kong?", {"city": "Hong Kong"}),
                ("Are there wind and fog in Mumbai?", {"city": "Mumbai"}),
            ),
            {"city": 3},
        ),
        Tool(
            NO_TOOL,
            "anything else: talk, knowledge, writing",
            {},
            _nothing,
            (
                ("Tell me a story.", {}),
                ("Hello!", {}),
                ("Who painted the Mona Lisa?", {}),
                ("Write a few lines about winter.", {}),
                ("What is the largest country in the world?", {}),
                ("Why do leaves fall in autumn?", {}),
                ("Why is the sea salty?", {}),
                ("Why is the grass green?", {}),
                ("What is an adjective?", {}),
                ("What can you do for me?", {}),
                ("Thank you!", {}),
                ("Give me an idea for a present.", {}),
                ("What is a computer?", {}),
                ("How do fish breathe?", {}),
                ("Good morning, who is there?", {}),
                ("How are you doing today?", {}),
                ("Hi, how is it going?", {}),
                ("What is the longest river of Africa?", {}),
                ("What is the opposite of big?", {}),
            ),
        ),
    )
}
