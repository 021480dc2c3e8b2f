"""Date and time anywhere, from the zones of the IANA database."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from common.errors import Phrase
from common.text.actions.tool import ToolFailed

# Places that give no zone its name.
_OTHERS = {
    "Europe/Zurich": "bern basel geneva lausanne lugano switzerland",
    "Europe/Berlin": "munich hamburg cologne frankfurt germany",
    "Europe/Rome": "milan naples turin italy",
    "Europe/Paris": "lyon marseille france",
    "Europe/Madrid": "barcelona spain",
    "Europe/London": "england",
    "America/New_York": "boston washington miami",
    "America/Los_Angeles": "seattle",
    "Asia/Tokyo": "osaka kyoto",
    "Asia/Shanghai": "beijing china",
    "Asia/Kolkata": "delhi mumbai india",
}


def time_in(place: str, now: datetime | None = None) -> datetime:
    """The time at a place: a city that names a zone, one of a few others, or a zone such as Europe/Rome.

    Raises ToolFailed: the place is unknown.
    """
    zone = _zones().get(" ".join(place.replace("_", " ").casefold().split()))
    if zone is None:
        raise ToolFailed(Phrase("place_unknown", place=place[:60]))
    return now.astimezone(ZoneInfo(zone)) if now else datetime.now(ZoneInfo(zone))


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    known: dict[str, str] = {}
    for zone in sorted(available_timezones()):
        for name in (zone, zone.rsplit("/", 1)[-1]):
            known[name.replace("_", " ").casefold()] = zone
    known |= {place: zone for zone, places in _OTHERS.items() for place in places.split()}
    return known | {"san francisco": "America/Los_Angeles"}
