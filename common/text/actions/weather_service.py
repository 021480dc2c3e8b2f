"""A small weather service on this machine, so that calling an API is a real request.

Its figures are invented by a formula of city and day, and every answer says so: {"note": "invented"}.
"""

from __future__ import annotations

import json
import threading
import zlib
from datetime import UTC, date, datetime
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_SKIES = ("sunny", "cloudy", "rainy", "windy", "foggy")
_LONGEST = 60


def invent(city: str, day: date) -> dict[str, object]:
    """Weather that is the same for a city all day long."""
    seed = zlib.crc32(f"{city.casefold()} {day}".encode())
    return {"city": city, "temperature": seed % 30 - 2, "sky": _SKIES[seed // 30 % len(_SKIES)], "note": "invented"}


class _Handler(BaseHTTPRequestHandler):
    timeout = 10.0

    def do_GET(self) -> None:  # the name is http.server's
        parts = urlsplit(self.path)
        city = parse_qs(parts.query).get("city", [""])[0].strip()
        if parts.path != "/weather":
            self._send(404, {"error": "there is only /weather?city=..."})
        elif not 1 <= len(city) <= _LONGEST or not any(sign.isalpha() for sign in city):
            self._send(400, {"error": "city has to be a name"})
        else:
            self._send(200, invent(city, datetime.now(UTC).date()))

    def _send(self, status: int, values: dict[str, object]) -> None:
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what visitors ask is nobody's business."""


@lru_cache(maxsize=1)
def address() -> str:
    """Where the service listens; it starts when it is first asked for and ends with the app."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, name="weather", daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
