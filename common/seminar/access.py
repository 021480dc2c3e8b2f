"""Who may come in and who presents: a room password that may be set, and the presenter's key.

A browser never gets to keep a secret itself: its cookie holds a pass of 256 bits, made with a random text of the
server's. Nobody can work a secret out of it, and it is worth nothing after the next start, unless a setting keeps that
text. Comparisons take equally long for every guess. Knows nothing about the web framework.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal

from common.config import Settings, settings

ROOM_COOKIE, PRESENTER_COOKIE, VOTER_COOKIE = "demystify_room", "demystify_presenter", "demystify_voter"
# A room of people, who may all share one address, types a short password; a program that tries them all would be done
# in no time without a limit. Passes need none: there are too many to try.
_TRIES, _WITHIN_SECONDS = 120, 60.0
# Wrong guesses from many addresses slow everybody's: to refuse them would let anybody shut out the whole room.
_BRAKE_SECONDS = 1.0


class Access:
    """The secrets of one server, and the passes made from them.

    Args:
        password: what attendees type to come in; empty lets everybody in.
        key: what makes somebody the presenter; empty makes one that holds until the server ends.
        clock: gives seconds that never go back.
        secret: what passes are made with; empty makes one that holds until the server ends.
    """

    def __init__(
        self, password: str = "", key: str = "", clock: Callable[[], float] = time.monotonic, secret: str = ""
    ) -> None:
        self._password, self._clock = password, clock
        self.key = key or secrets.token_urlsafe(16)
        self._secret = secret or secrets.token_hex(32)
        # Another password or key makes another pass.
        self._room_pass = self._signature("room", self._password)
        self._presenter_pass = self._signature("presenter", self.key)
        self._wrong: deque[tuple[float, str]] = deque()  # when, and from which network
        self._by_network: Counter[str] = Counter()
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, config: Settings) -> Access:
        password, key = config.room_password.get_secret_value(), config.presenter_key.get_secret_value()
        return cls(password, key, secret=config.pass_secret.get_secret_value())

    @property
    def closed(self) -> bool:
        """Whether a password is wanted from attendees."""
        return bool(self._password)

    def room_pass(self) -> str:
        """What a link or a cookie carries to come in without the password: useless elsewhere and after a change."""
        return self._room_pass

    def presenter_pass(self) -> str:
        """What the presenter's cookie carries."""
        return self._presenter_pass

    def has_pass(self, cookies: Mapping[str, str]) -> bool:
        """Whether these cookies let somebody in, or none are needed."""
        return not self.closed or _same(cookies.get(ROOM_COOKIE, ""), self._room_pass) or self.is_presenter(cookies)

    def is_presenter(self, cookies: Mapping[str, str]) -> bool:
        """Whether these cookies are the presenter's."""
        return _same(cookies.get(PRESENTER_COOKIE, ""), self._presenter_pass)

    def is_room_pass(self, carried: str) -> bool:
        """Whether a link carries the room's pass."""
        return self.closed and _same(carried, self._room_pass)

    def new_voter(self) -> str:
        """What a browser gets with its first page, to be told apart by: a name, and proof that it is from here."""
        name = secrets.token_hex(16)
        return f"{name}.{self._signature('voter', name)}"

    def voter(self, cookies: Mapping[str, str]) -> str:
        """The name in what ``new_voter`` gave to this browser; empty where there is none, or somebody made it up."""
        name, _, signature = cookies.get(VOTER_COOKIE, "").partition(".")
        return name if _same(signature, self._signature("voter", name)) else ""

    def opens(self, typed: str, address: str = "") -> Literal["room", "presenter", ""]:
        """What somebody may do who typed this; after too many wrong guesses from their address nothing for a while.

        Args:
            typed: the room's password or the presenter's key; a wrong one counts once.
            address: where it came from.
        """
        if self.tired(address):
            return ""
        if self.closed and _same(typed, self._password):
            return "room"
        if _same(typed, self.key):
            return "presenter"
        with self._lock:
            network = _network(address)
            self._wrong.append((self._clock(), network))
            self._by_network[network] += 1
        return ""

    def tired(self, address: str = "") -> bool:
        """Whether so many wrong guesses came from this address that none is looked at just now."""
        with self._lock:
            self._forget()
            return self._by_network[_network(address)] >= _TRIES

    def pause(self) -> float:
        """Seconds that a guess has to wait before it is looked at, whoever makes it."""
        with self._lock:
            self._forget()
            return _BRAKE_SECONDS if len(self._wrong) >= _TRIES else 0.0

    def _signature(self, purpose: str, said: str) -> str:
        """Hexadecimal; nobody can make it without the secret (RFC 2104)."""
        return hmac.new(self._secret.encode(), f"{purpose}\0{said}".encode(), hashlib.sha256).hexdigest()

    def _forget(self) -> None:
        while self._wrong and self._clock() - self._wrong[0][0] > _WITHIN_SECONDS:
            _, network = self._wrong.popleft()
            self._by_network[network] -= 1
            if not self._by_network[network]:
                del self._by_network[network]


@lru_cache(maxsize=1)
def access() -> Access:
    """The secrets of this process."""
    return Access.from_settings(settings())


def _network(address: str) -> str:
    """Whom an address stands for: with IPv6 a single machine has a whole /64 to itself (RFC 4291)."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else address


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
