"""Who may come in and who presents: a room password that may be set, and the presenter's key.

A browser never gets to keep a secret itself: its cookie holds a pass, an HMAC of it (RFC 2104), which is worth nothing
once the secret has changed. Comparisons take equally long for every guess. Knows nothing about the web framework.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache

from common.config import Settings, settings

ROOM_COOKIE, PRESENTER_COOKIE = "demystify_room", "demystify_presenter"
# A room of people types a short password; a program that tries them all would be done in no time without a limit.
_TRIES, _WITHIN_SECONDS = 120, 60.0


class Access:
    """The secrets of one server, and the passes made from them.

    Args:
        password: what attendees type to come in; empty lets everybody in.
        key: what makes somebody the presenter; empty makes one that holds until the server ends.
        clock: gives seconds that never go back.
    """

    def __init__(self, password: str = "", key: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._password, self._clock = password, clock
        self.key = key or secrets.token_urlsafe(16)
        self._room_pass = _pass(self._password, "room")
        self._presenter_pass = _pass(self.key, "presenter")
        self._wrong: deque[float] = deque()
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, config: Settings) -> Access:
        return cls(config.room_password.get_secret_value(), config.presenter_key.get_secret_value())

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

    def may_enter(self, cookies: Mapping[str, str], authorization: str = "") -> bool:
        """Whether these cookies, or the password as ``Authorization: Bearer …``, let somebody in."""
        bearer = authorization.removeprefix("Bearer ").strip()
        return (
            not self.closed
            or _same(cookies.get(ROOM_COOKIE, ""), self._room_pass)
            or (bearer != "" and self.knows_password(bearer))
            or self.is_presenter(cookies)
        )

    def is_presenter(self, cookies: Mapping[str, str]) -> bool:
        """Whether these cookies are the presenter's."""
        return _same(cookies.get(PRESENTER_COOKIE, ""), self._presenter_pass)

    def knows_password(self, typed: str) -> bool:
        """Whether this is the room's password. After too many wrong ones no guess is right for a while."""
        return self.closed and self._guess(typed, self._password)

    def knows_key(self, typed: str) -> bool:
        """Whether this is the presenter's key. After too many wrong ones no guess is right for a while."""
        return self._guess(typed, self.key)

    def is_room_pass(self, carried: str) -> bool:
        """Whether a link carries the room's pass."""
        return self.closed and _same(carried, self._room_pass)

    def tired(self) -> bool:
        """Whether there were so many wrong guesses that none is looked at just now."""
        with self._lock:
            self._forget()
            return len(self._wrong) >= _TRIES

    def _guess(self, typed: str, secret: str) -> bool:
        if self.tired():
            return False
        right = _same(typed, secret)
        if not right:
            with self._lock:
                self._wrong.append(self._clock())
        return right

    def _forget(self) -> None:
        while self._wrong and self._clock() - self._wrong[0] > _WITHIN_SECONDS:
            self._wrong.popleft()


@lru_cache(maxsize=1)
def access() -> Access:
    """The secrets of this process."""
    return Access.from_settings(settings())


def _pass(secret: str, purpose: str) -> str:
    return hmac.new(secret.encode(), purpose.encode(), "sha256").hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
