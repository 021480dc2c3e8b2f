"""All checks in a row, as a stream of findings. One that fails, hangs or breaks is a finding too."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from common.config import Settings, settings
from common.errors import DemystifyError, Phrase
from common.preflight import connections, generations, machine
from common.preflight.finding import Finding
from common.preflight.generations import Services

log = logging.getLogger(__name__)
# In this order: what is quick first, then what loads models.
CHECKS = (
    "models",
    "disk",
    "memory",
    "port",
    "card",
    "hub",
    "room",
    "share",
    "quota",
    "chat",
    "search",
    "translation",
    "training",
    "picture",
)


async def preflight(services: Services, in_app: bool = False, config: Settings | None = None) -> AsyncIterator[Finding]:
    """A finding for each of ``CHECKS``, in their order.

    Args:
        services: what the spaces work with.
        in_app: asked from the running page, so that its port is taken by itself.
        config: the settings; the process's own by default.
    """
    config = config or settings()
    todo: dict[str, Callable[[], Awaitable[Finding]]] = {
        "models": lambda: asyncio.to_thread(machine.models),
        "disk": lambda: asyncio.to_thread(machine.disk, config),
        "memory": lambda: asyncio.to_thread(machine.memory),
        "port": lambda: asyncio.to_thread(machine.port, config, in_app),
        "card": machine.card,
        "hub": lambda: asyncio.to_thread(connections.hub, config),
        "room": lambda: asyncio.to_thread(connections.room, config),
        "share": lambda: asyncio.to_thread(connections.public_link, config),
        "quota": lambda: asyncio.to_thread(connections.quota, config),
        "chat": lambda: generations.chat(services),
        "search": generations.search,
        "translation": lambda: generations.translation(services),
        "training": lambda: generations.training(services),
        "picture": lambda: generations.picture(services),
    }
    for check in CHECKS:
        yield await _judged(check, todo[check], config.start_timeout)


async def _judged(check: str, look: Callable[[], Awaitable[Finding]], limit: float) -> Finding:
    """The finding of one check, with its time, whatever happens. ``limit`` in seconds."""
    start = time.perf_counter()
    try:
        found = await asyncio.wait_for(look(), limit)
    except DemystifyError as problem:
        found = Finding(check, "problem", problem)
    except TimeoutError:
        found = Finding(check, "problem", Phrase("check_late", seconds=round(limit)), Phrase("advice_restart"))
    except Exception as problem:
        log.exception("the check %s broke", check)
        found = Finding(check, "problem", Phrase("see_log", name=type(problem).__name__), Phrase("advice_log"))
    return found.after(time.perf_counter() - start)
