"""One pre-flight at a time for everybody who looks: a second click joins the one that is going on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from common.preflight.finding import Finding
from common.preflight.generations import Services
from common.preflight.run import CHECKS, preflight

_LOOK_SECONDS = 0.25


class Checkup:
    """The pre-flight of a running app.

    Args:
        services: the app's own, so that what is checked is what visitors will meet.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._task: asyncio.Task[None] | None = None
        self._found: list[Finding] = []
        self._watchers = 0

    async def watch(self) -> AsyncGenerator[tuple[Finding, ...], None]:
        """What has been found so far, whenever there is more; the last time with one for each of ``CHECKS``.

        Begins a new one when none is going on. When the last who watches leaves, it ends.
        """
        if self._task is None or self._task.done():
            self._found = []
            self._task = asyncio.create_task(self._work(self._found))
        task, found = self._task, self._found
        self._watchers += 1
        shown = -1
        try:
            while shown < len(CHECKS):
                if len(found) > shown:
                    shown = len(found)
                    yield tuple(found)
                elif task.done():
                    return
                else:
                    await asyncio.wait({task}, timeout=_LOOK_SECONDS)
        finally:
            self._watchers -= 1
            if not self._watchers:
                task.cancel()

    async def _work(self, found: list[Finding]) -> None:
        async for finding in preflight(self._services, in_app=True):
            found.append(finding)
