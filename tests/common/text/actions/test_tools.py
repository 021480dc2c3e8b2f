"""The tools: right results, and a reason for every bad argument. The weather comes over a real connection."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.text.actions import clock, units, weather
from common.text.actions.calculator import LONGEST, calculate
from common.text.actions.tool import ToolFailed
from common.text.actions.weather_service import address, invent

_NUMBERS = st.integers(0, 999).map(str) | st.decimals(0, 99, places=2).map(str)
_SUMS = st.recursive(
    _NUMBERS,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", " + "]), inner).map("".join)
        | inner.map("({})".format)
        | inner.map("-{}".format)
    ),
    max_leaves=8,
)


def _reason(problem: pytest.ExceptionInfo[ToolFailed]) -> str:
    return str(problem.value.params["reason"].key)


@given(_SUMS)
@settings(max_examples=150, deadline=None)
def test_the_calculator_is_pythons_arithmetic(expression: str) -> None:
    if len(expression) > LONGEST:
        return
    try:
        expected = eval(expression, {"__builtins__": {}})
    except ZeroDivisionError:
        with pytest.raises(ToolFailed):
            calculate(expression)
        return
    found = calculate(expression)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "value"), [("2^10", 1024), ("-2^2", -4), ("2**3**2", 512), ("2^-1", 0.5), ("(1+2)*3 ", 9)]
)
def test_powers_bind_as_in_python(expression: str, value: float) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("1/0", "calc_zero"),
        ("0^-1", "calc_zero"),
        ("9^9^9^9", "calc_too_large"),
        ("10.0^400", "calc_too_large"),
        ("(0-8)^0.5", "calc_root"),
        ("1" * 201, "calc_too_long"),
        ("(" * 90 + "1" + ")" * 90, "calc_too_long"),
        ("", "calc_unclear"),
        ("1 2", "calc_unclear"),
        ("(1", "calc_unclear"),
        ("2 * * 3", "calc_unclear"),
        ("__import__('os').system('true')", "calc_unclear"),
        ("().__class__", "calc_unclear"),
        ("1e9", "calc_unclear"),
        ("٣+1", "calc_unclear"),
    ],
)
def test_what_cannot_be_calculated_gets_a_reason(expression: str, reason: str) -> None:
    with pytest.raises(ToolFailed) as problem:
        calculate(expression)
    assert _reason(problem) == reason


def test_units() -> None:
    assert units.convert("26.2", "mi", "km") == pytest.approx(42.1648, abs=1e-3)
    assert units.convert("100", "°F", "°C") == pytest.approx(37.7778, abs=1e-3)
    assert units.convert("-40", "°C", "°F") == pytest.approx(-40)
    assert units.convert("36", "km/h", "m/s") == pytest.approx(10)
    for arguments, reason in {
        ("nan", "m", "km"): "call_number",
        ("ten", "m", "km"): "call_number",
        ("1", "parsec", "km"): "unit_unknown",
        ("1", "kg", "km"): "units_differ",
    }.items():
        with pytest.raises(ToolFailed) as problem:
            units.convert(*arguments)
        assert _reason(problem) == reason


def test_the_time_elsewhere() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    hours = {"Tokyo": 21, "new  york": 8, "Europe/Rome": 14, "Bern": 14, "san francisco": 5}
    assert {place: clock.time_in(place, noon).hour for place in hours} == hours
    for place in ("Atlantis", "", "../../etc/passwd"):
        with pytest.raises(ToolFailed) as problem:
            clock.time_in(place)
        assert _reason(problem) == "place_unknown"


def test_the_weather_comes_over_a_connection_and_says_that_it_is_invented() -> None:
    assert address().startswith("http://127.0.0.1:")
    said = asyncio.run(weather.weather("Zürich & Bern"))
    assert "in Zürich & Bern" in said and "invented" in said and "°C" in said
    assert invent("Bern", date(2026, 1, 1)) == invent("Bern", date(2026, 1, 1)) | {"note": "invented"}
    assert len({json.dumps(invent("Bern", date(2026, 1, day))) for day in range(1, 20)}) > 5
    for city in ("", "x" * 61, "1234"):
        with pytest.raises(ToolFailed) as problem:
            asyncio.run(weather.weather(city))
        assert _reason(problem) == "place_unknown"


def test_a_service_that_is_silent_or_gone() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ToolFailed) as problem:
            asyncio.run(weather.weather("Bern", url, seconds=0.2))
        assert _reason(problem) == "tool_late"
    with pytest.raises(ToolFailed) as problem:
        asyncio.run(weather.weather("Bern", url, seconds=2))
    assert _reason(problem) == "service_failed"
    with pytest.raises(ToolFailed) as problem:
        asyncio.run(weather.weather("Bern", f"{address()}/elsewhere"))
    assert _reason(problem) == "service_failed"
