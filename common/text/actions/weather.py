"""The client of a weather service: one HTTP request, with a limit on its time."""

from __future__ import annotations

import httpx2

from common.errors import Phrase
from common.text.actions.tool import ToolFailed
from common.text.actions.weather_service import address

SECONDS = 3.0


async def weather(city: str, url: str = "", seconds: float = SECONDS) -> str:
    """The weather in a city, in words. ``url`` is the service, the one of this machine if empty.

    Raises:
        ToolFailed: no such city, no answer in time, or another answer than weather.
    """
    try:
        # No proxy of the environment: the service is on this machine.
        async with httpx2.AsyncClient(timeout=seconds, trust_env=False) as client:
            answer = await client.get(f"{url or address()}/weather", params={"city": city})
        if answer.status_code == 400:
            raise ToolFailed(Phrase("place_unknown", place=city[:60]))
        answer.raise_for_status()
        values = answer.json()
        return f"{values['temperature']} °C, {values['sky']} in {values['city']} ({values['note']})"
    except httpx2.TimeoutException:
        raise ToolFailed(Phrase("tool_late", seconds=seconds)) from None
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        raise ToolFailed(Phrase("service_failed")) from None
