"""What a visitor does with a finished model beyond a file: a Space of it, and both in their own account on the hub.

A login comes with the request and goes with it: it is neither stored nor logged. Layout: after_training.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from html import escape
from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from common import errors
from common.publish.own_model import HARDWARE, chat_space, offered, slug
from common.publish.problem import PublishProblem
from common.publish.push import Published
from common.publish.send import Sending
from common.training.export import export_apart, file_name
from common.training.runs import Run
from common.ui.fields import Choice
from common.ui.i18n import number, text
from common.ui.roles import is_presenter
from common.ui.streams import StopSignals

MODEL, SPACE = "model", "space"
WHAT = Choice("to_publish", MODEL, (MODEL, SPACE))


class _Finder(Protocol):
    async def __call__(self, owner: str, run_id: str | None) -> Run: ...


class PublishHandlers:
    """Handlers on the finished models of one tab; ``find`` gives a visitor's run."""

    def __init__(self, find: _Finder) -> None:
        self._find = find
        self._signals = StopSignals()

    async def download(
        self, lang: str, owner: str, run_id: str | None, what: str, merged: bool = False
    ) -> AsyncIterator[Any]:
        """The model or its Space as a zip file. The page takes a copy of it, then it is deleted here."""
        run = await self._find(owner, run_id)
        with tempfile.TemporaryDirectory() as place:
            target = Path(place) / file_name(run.config.name)
            if WHAT.check(what) == SPACE:
                folder = await _space(run, Path(place))
                target = target.with_stem(f"{target.stem}-space")
                await asyncio.to_thread(_zip, folder, target)
            else:
                await export_apart(run.folder, target, bool(merged))
            yield gr.update(value=str(target), visible=True)

    async def push(
        self, lang: str, owner: str, run_id: str | None, what: str, merged: bool, request: gr.Request
    ) -> AsyncIterator[str]:
        """The model or its Space into the account of whoever is logged in; what happens is told as HTML.

        It can be stopped at any time; what that leaves on the hub is told, too.

        Raises:
            NobodyLoggedIn: says how to log in, or how to go without.
            NotPublished: the hub did not take it.
        """
        run, wanted = await self._find(owner, run_id), WHAT.check(what)
        token = login_of(request)
        if token is None:
            raise errors.NobodyLoggedIn()
        with tempfile.TemporaryDirectory() as place:
            name, target = slug(run.config.name), Path(place) / "folder"
            if wanted == SPACE:
                sending = Sending(target, f"{name}-chat", token, HARDWARE)
            else:
                sending = Sending(target, name, token)
            work = _made_and_sent(lang, run, str(wanted), bool(merged), target, sending)
            async for told in self._signals.watch(request.session_hash, work):
                yield told
            yield _link(lang, sending.done) if sending.done else _note(_left_over(lang, sending))

    def stop(self, lang: str, request: gr.Request) -> None:
        """End the visitor's push."""
        self._signals.stop(request.session_hash)


def login_of(request: gr.Request) -> str | None:
    """The token to act with: of the visitor's login on a Space, or for the presenter the one saved on this machine."""
    inner: Any = getattr(request, "request", None)
    session = inner.scope.get("session", {}) if inner is not None else {}
    login = session.get("oauth_info")
    if login and login.get("expires_at", 0) > time.time():
        return str(login["access_token"])
    if not on_space() and is_presenter(request):
        from huggingface_hub import get_token

        return get_token()
    return None


def on_space() -> bool:
    """Whether visitors can log in here with their account: only on a Space, which has the keys for it."""
    return bool(os.environ.get("OAUTH_CLIENT_ID"))


def choices() -> tuple[str, ...]:
    """What there is to make."""
    return (MODEL, SPACE) if offered() else (MODEL,)


async def _made_and_sent(
    lang: str, run: Run, what: str, merged: bool, target: Path, sending: Sending
) -> AsyncGenerator[str, None]:
    """Make the folder ``target`` and send it; tells what happens as HTML. Raises NotPublished."""
    yield _note(text(lang, "after.preparing"))
    made = await (
        _space(run, target.parent) if what == SPACE else _model(run, target.parent, merged, slug(run.config.name))
    )
    made.rename(target)
    megabytes = sum(path.stat().st_size for path in target.rglob("*") if path.is_file()) / 1e6
    size = text(lang, "after.uploading", size=number(lang, round(megabytes)))
    yield _note(size)
    async with contextlib.aclosing(sending.run()) as files:
        async for file, of in files:
            last = text(lang, "after.finishing") if file > of else text(lang, "after.file_of", n=file, all=of)
            yield _note(f"{size} {last}")


def _left_over(lang: str, sending: Sending) -> str:
    """What a stopped push leaves on the hub."""
    return text(lang, "after.stopped_midway", url=sending.url) if sending.url else text(lang, "after.stopped_before")


async def _model(run: Run, place: Path, merged: bool, name: str) -> Path:
    """The folder of the file that is also to be downloaded, unpacked, with the weights at its top as the hub has it."""
    archive = place / "model.zip"
    await export_apart(run.folder, archive, merged)
    return await asyncio.to_thread(_flat, await asyncio.to_thread(_unzip, archive, place / "unpacked"), name)


async def _space(run: Run, place: Path) -> Path:
    """The folder of a Space with the whole model in it. Raises NotPublished."""
    archive = place / "whole.zip"
    await export_apart(run.folder, archive, True)
    unpacked = await asyncio.to_thread(_unzip, archive, place / "unpacked")
    try:
        made = await asyncio.to_thread(chat_space, unpacked / "model", run.config.name)
        folder = place / "space"
        await asyncio.to_thread(made.write, folder)
    except PublishProblem as problem:
        raise errors.NotPublished(reason=problem.reason) from problem
    return folder


def _unzip(archive: Path, target: Path) -> Path:
    """The one folder in the archive, which is deleted."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(target)
    archive.unlink()
    return next(target.iterdir())


def _flat(folder: Path, name: str) -> Path:
    """The folder with the files of its ``model/`` beside the card, which tells how to load ``name``."""
    for path in (folder / "model").iterdir():
        path.rename(folder / path.name)
    (folder / "model").rmdir()
    told = folder / "README.md"
    told.write_text(told.read_text("utf-8").replace(f'"{folder.name}/model"', f'"ACCOUNT/{name}"'), "utf-8")
    return folder


def _zip(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{target.stem}/{path.relative_to(folder)}")


def _note(words: str) -> str:
    return f'<p class="quiet">{escape(words)}</p>'


def _link(lang: str, done: Published) -> str:
    words = escape(text(lang, "after.pushed"))
    return f'<p>{words} <a href="{escape(done.url)}" rel="noopener">{escape(done.url)}</a></p>'
