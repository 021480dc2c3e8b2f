"""A server that speaks the part of the model hub's API by which a repository is read: files, trees, pull requests.

Written after what ``huggingface_hub`` asks for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Offer:
    """A pull request: its files are those of the revision ``refs/pr/<its number>``."""

    author: str
    title: str = "Adding `safetensors` variant of this model"
    status: str = "open"


@dataclass
class Repo:
    """A repository: the files of each revision, ``main`` and those of the offers, which count from 1."""

    revisions: dict[str, dict[str, bytes]]
    offers: list[Offer] = field(default_factory=list)
    closed: bool = False  # its discussions

    def commit(self, revision: str) -> str:
        """The commit of a revision: a hash of what it holds."""
        digest = hashlib.sha1()
        for name, content in sorted(self.revisions[revision].items()):
            digest.update(name.encode() + content)
        return digest.hexdigest()

    def files(self, revision: str) -> dict[str, bytes] | None:
        """What a revision holds, named or by its commit."""
        return next((held for name, held in self.revisions.items() if revision in (name, self.commit(name))), None)


@dataclass
class ReadingHub:
    """What the server holds, and what it was asked."""

    url: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@contextmanager
def reading_hub() -> Iterator[ReadingHub]:
    """A running server."""
    state = ReadingHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": state}))
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: ReadingHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Silent."""

    def _answer(self, value: Any, status: int = 200) -> None:
        self._send(json.dumps(value).encode(), status, {"Content-Type": "application/json"})

    def _send(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, words in headers.items():
            self.send_header(name, words)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _route(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        found = re.fullmatch(
            r"/(?:api/models/)?([^/]+/[^/]+)/(revision|tree|paths-info|discussions|resolve)/?(.*)", path
        )
        repo = self.hub.repos.get(found[1]) if found else None
        if found is None or repo is None:
            return self._answer({"error": "Repository not found"}, 404)
        if found[2] == "discussions":
            return self._discussions(found[1], repo)
        revision = re.match(r"main|refs/pr/\d+|[0-9a-f]{40}", found[3])
        files = repo.files(revision[0]) if revision else None
        if revision is None or files is None:
            return self._answer({"error": "Invalid rev id"}, 404)
        commit = next(repo.commit(name) for name, held in repo.revisions.items() if held is files)
        if found[2] == "revision":
            return self._answer({"id": found[1], "sha": commit, "siblings": [{"rfilename": name} for name in files]})
        if found[2] == "resolve":
            content = files.get(found[3][len(revision[0]) + 1 :])
            if content is None:
                return self._answer({"error": "Entry not found"}, 404)
            return self._send(content, 200, {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": commit})
        wanted = parse_qs(body.decode())["paths"] if found[2] == "paths-info" else list(files)
        return self._answer([_entry(name, files[name]) for name in wanted if name in files])

    do_GET = do_POST = do_HEAD = _route

    def _discussions(self, name: str, repo: Repo) -> None:
        if repo.closed:
            return self._answer({"error": "Discussions are disabled for this repo"}, 403)
        rows = [
            {
                "num": number,
                "title": offer.title,
                "author": {"name": offer.author},
                "status": offer.status,
                "isPullRequest": True,
                "createdAt": "2026-11-01T12:00:00.000Z",
                "repo": {"name": name, "type": "model"},
            }
            for number, offer in enumerate(repo.offers, 1)
        ]
        return self._answer({"count": len(rows), "start": 0, "discussions": rows})


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _entry(name: str, content: bytes) -> dict[str, Any]:
    return {"type": "file", "path": name, "size": len(content), "oid": _oid(content)}
