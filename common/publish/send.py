"""A push in a process of its own, which can be stopped in the middle of a file: ``python -m common.publish.send``.

The process reads what to push as JSON from its standard input (a login is nothing for a command line), and writes what
happens as JSON lines. The hub puts all files of a push into place together, at its end: a push that is stopped before
leaves the repository as it was, or empty.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from common import errors
from common.publish.problem import PublishProblem
from common.publish.push import Published, push, push_model

_ROOT = Path(__file__).resolve().parents[2]


class Sending:
    """One push.

    Args:
        folder: what is pushed.
        name: of the repository.
        token: of the account.
        hardware: of the Space that it becomes; empty for a model.

    Attributes:
        url: of the repository, once it is there.
        done: the end of it; None while it is at work, and after a stop.
    """

    def __init__(self, folder: Path, name: str, token: str, hardware: str = "") -> None:
        self._wanted = {"folder": str(folder), "name": name, "token": token, "hardware": hardware}
        self._committing = False
        self.url = ""
        self.done: Published | None = None

    async def run(self) -> AsyncGenerator[tuple[int, int], None]:
        """Push; yields which file of how many is on its way, the number after the last when they are put into place.

        Closing it stops the push at once, unless the files are being put into place: then that is waited for.

        Raises:
            NotPublished: the hub did not take it.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "common.publish.send"),
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT), "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 - asked for above
        try:
            process.stdin.write(json.dumps(self._wanted).encode())
            process.stdin.close()
            async for line in process.stdout:
                if (at := self._heard(json.loads(line))) is not None:
                    yield at
            await process.wait()
            if self.done is None:
                raise errors.NotPublished(reason=errors.Phrase("hub_refused"))
        finally:
            if self._committing:
                async for line in process.stdout:
                    self._heard(json.loads(line))
            elif process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def _heard(self, news: dict[str, Any]) -> tuple[int, int] | None:
        if "error" in news:
            raise errors.from_json(news["error"])
        if "published" in news:
            self.done = Published(**news["published"])
        self.url = news.get("url", self.url)
        if "file" not in news:
            return None
        self._committing = news["file"] > news["of"]
        return news["file"], news["of"]


def main() -> int:
    """Push what the standard input asks for."""
    wanted = json.load(sys.stdin)

    def tell(**news: Any) -> None:
        print(json.dumps(news), flush=True)

    folder, name, token = Path(wanted["folder"]), wanted["name"], wanted["token"]
    try:
        if wanted["hardware"]:
            done = push(folder, name, wanted["hardware"], None, token, tell=tell)
        else:
            done = push_model(folder, name, token, tell=tell)
    except PublishProblem as problem:
        tell(error=errors.NotPublished(reason=problem.reason).to_json())
        return 1
    tell(published={"url": done.url, "commit": done.commit})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
