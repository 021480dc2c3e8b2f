"""A server that speaks the part of the model hub's API by which a Space or a model's repository is made and filled.

Written after what ``huggingface_hub`` sends, and strict about it: contents are checked against their hashes, a commit
may name only what was uploaded, and a card that the hub would refuse is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

TOKENS = {"hf_writer": "ada", "hf_free": "bob"}
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@dataclass
class Space:
    """One repository: what it was created with, its files now, and its commits' titles. A model has no ``sdk``."""

    sdk: str
    hardware: str
    private: bool = False
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b""})
    titles: list[str] = field(default_factory=lambda: ["initial commit"])

    @property
    def commits(self) -> int:
        """How many there are beside the first."""
        return len(self.titles) - 1


def _set() -> Event:
    event = Event()
    event.set()
    return event


@dataclass
class Hub:
    """What the server holds, and what it was asked.

    ``sending`` is set when an upload has begun; none ends while ``open`` is not set.
    """

    url: str = ""
    spaces: dict[str, Space] = field(default_factory=dict)
    models: dict[str, Space] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sending: Event = field(default_factory=Event)
    open: Event = field(default_factory=_set)


@contextmanager
def hub() -> Iterator[Hub]:
    """A running server."""
    state = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": state}))
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Silent."""

    def _answer(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, words in (headers or {}).items():
            self.send_header(name, words)
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _route(self) -> None:
        body, path = self._body(), unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        if self.command == "PUT":
            self.hub.sending.set()
            self.hub.open.wait(60)
        if self.command == "PUT" and path.startswith("/objects/"):  # the address is the permission, as with S3
            return self._answer({}) if self._keep(path.rpartition("/")[2], body) else self._answer({}, 400)
        user = TOKENS.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if user is None:
            return self._answer({"error": "Invalid credentials in Authorization header"}, 401)
        if path == "/api/whoami-v2":
            return self._answer({"name": user, "type": "user"})
        if path == "/api/repos/create":
            return self._create(user, json.loads(body))
        if path == "/api/validate-yaml":
            wanted = json.loads(body)
            return self._check_card(wanted["content"], wanted["repoType"] == "space")
        found = re.fullmatch(r"/(?:api/)?spaces/([^/]+/[^/]+?)(?:\.git)?(/.*)?", path)
        held = self.hub.spaces if found else self.hub.models
        found = found or re.fullmatch(r"/(?:api/models/)?([^/]+/[^/]+?)(?:\.git)?(/.*)?", path)
        space = held.get(found[1]) if found else None
        if found is None or space is None:
            return self._answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        return self._of_space(found[1], space, found[2] or "", body)

    do_GET = do_POST = do_PUT = _route

    def _create(self, user: str, wanted: dict[str, Any]) -> None:
        owner = wanted.get("organization") or user
        name = f"{owner}/{wanted['name']}"
        model = wanted.get("type", "model") == "model"
        answer = {"url": f"{self.hub.url}/{name}" if model else f"{self.hub.url}/spaces/{name}"}
        if name in (self.hub.models if model else self.hub.spaces):
            return self._answer({"error": "You already created this repo", **answer}, 409)
        if user == "bob":
            return self._answer({"error": "Creating more Gradio Spaces requires a PRO subscription"}, 402)
        if owner != user:
            return self._answer({"error": f'You don\'t have the rights to create a space under "{owner}"'}, 403)
        if model:
            self.hub.models[name] = Space(
                "", "", private=bool(wanted.get("visibility") == "private" or wanted.get("private"))
            )
            return self._answer(answer)
        assert wanted["type"] == "space"
        self.hub.spaces[name] = Space(wanted["sdk"], wanted.get("hardware", "cpu-basic"))
        return self._answer(answer)

    def _check_card(self, content: str, of_space: bool) -> None:
        data = yaml.safe_load(content.split("---")[1])
        if not of_space:
            return self._answer({"errors": [], "warnings": []})
        wrong = [key for key in ("colorFrom", "colorTo") if data.get(key) not in COLOURS]
        wrong += [key for key in ("sdk", "title", "emoji", "app_file") if not data.get(key)]
        if len(data.get("short_description", "")) > 60:
            wrong.append("short_description")
        problems = [{"message": f'"{key}" is not valid'} for key in wrong]
        return self._answer({"errors": problems, "warnings": []}, 400 if problems else 200)

    def _keep(self, oid: str, content: bytes) -> bool:
        if hashlib.sha256(content).hexdigest() != oid:
            return False
        self.hub.objects[oid] = content
        return True

    def _of_space(self, name: str, space: Space, rest: str, body: bytes) -> None:
        if rest in ("", "/revision/main"):
            siblings = [{"rfilename": path} for path in space.files]
            return self._answer({"id": name, "sha": f"{space.commits:040x}", "siblings": siblings})
        if rest == "/commits/main":
            date = "2026-11-01T12:00:00.000Z"
            made = [
                {"id": f"{number:040x}", "title": title, "message": "", "authors": [], "date": date}
                for number, title in enumerate(space.titles)
            ]
            return self._answer(made[::-1])
        if rest == "/tree/main":
            files = [{"type": "file", "path": p, "size": len(c), "oid": "0" * 40} for p, c in space.files.items()]
            return self._answer(files)
        if rest == "/preupload/main":
            return self._answer({"files": [self._mode(file) for file in json.loads(body)["files"]]})
        if rest == "/info/lfs/objects/batch":
            objects = json.loads(body)["objects"]
            return self._answer({"transfer": "basic", "objects": [self._upload(item) for item in objects]})
        if rest == "/commit/main":
            return self._commit(name, space, body)
        return self._answer({"error": f"no such address: {rest}"}, 404)

    @staticmethod
    def _mode(file: dict[str, Any]) -> dict[str, Any]:
        """Text of up to 10 MB goes into git itself, everything else beside it."""
        large = file["size"] > 10_000_000 or b"\0" in base64.b64decode(file["sample"])
        return {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}

    def _upload(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["oid"] in self.hub.objects:
            return item
        return {**item, "actions": {"upload": {"href": f"{self.hub.url}/objects/{item['oid']}"}}}

    def _commit(self, name: str, space: Space, body: bytes) -> None:
        files, title = dict(space.files), ""
        for line in body.decode().splitlines():
            kind, value = (item := json.loads(line))["key"], item["value"]
            if kind == "header":
                title = value["summary"]
            elif kind == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    return self._answer({"error": f"{value['path']} was not uploaded"}, 400)
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif kind == "deletedFile" and files.pop(value["path"], None) is None:
                return self._answer({"error": "A file with this name doesn't exist"}, 404)
        space.files = files
        space.titles.append(title)
        oid = f"{space.commits:040x}"
        return self._answer({"commitUrl": f"{self.hub.url}/spaces/{name}/commit/{oid}", "commitOid": oid})
