"""Creates a Space or a model's repository and uploads a folder to it, with the account behind a token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from common.errors import Phrase
from common.publish.problem import PublishProblem

_COMMIT = "Publish from demystify"
_FIRST_COMMIT = "initial commit"  # the hub's own, with which every repository begins


@dataclass(frozen=True, slots=True)
class Published:
    """``url`` of the page on the hub, and the ``commit`` that was made."""

    url: str
    commit: str


class Tell(Protocol):
    """Hears how far a push is: ``url`` once the repository is there; ``file`` n ``of`` m, and at last n = m + 1."""

    def __call__(self, **news: Any) -> None: ...


def _silent(**news: Any) -> None:
    """Nobody listens."""


def push(
    folder: Path,
    name: str,
    hardware: str,
    owner: str | None = None,
    token: str | None = None,
    endpoint: str | None = None,
    tell: Tell = _silent,
) -> Published:
    """Make the Space hold exactly what is in a folder; create it when there is none. One of others is left alone.

    Args:
        folder: a written bundle.
        name: of the Space.
        hardware: the platform's name for the machine; a Space that exists keeps the one it has.
        owner: a user or organisation; the token's own by default.
        token: by default the saved one, or ``HF_TOKEN``.
        endpoint: address of the hub, by default the public one, or ``HF_ENDPOINT``.
        tell: hears how far it is.

    Raises:
        PublishProblem: an impossible name or one that is taken, no or a refused token, no right to create Spaces there,
            a refused card, no connection.
    """
    from huggingface_hub import HfApi, SpaceHardware

    api = HfApi(endpoint, token)
    with _refused(api.endpoint, owner, name):
        repo = f"{owner or api.whoami()['name']}/{name}"
        machine = SpaceHardware(hardware)
        _refuse_taken(api, repo, "space")
        url = api.create_repo(repo, repo_type="space", space_sdk="gradio", space_hardware=machine, exist_ok=True)
        _send_large(api, repo, "space", folder, str(url), tell)
        done = api.upload_folder(
            repo_id=repo,
            repo_type="space",
            folder_path=folder,
            delete_patterns="*",  # what an earlier version had and this one has not
            commit_message=_COMMIT,
        )
    return Published(str(url), done.oid)


def push_model(folder: Path, name: str, token: str, endpoint: str | None = None, tell: Tell = _silent) -> Published:
    """Put a model's folder into the account behind the token, as a private repository; create it when there is none.

    Raises:
        PublishProblem: as ``push``.
    """
    from huggingface_hub import HfApi

    api = HfApi(endpoint, token)
    with _refused(api.endpoint, None, name):
        repo = f"{api.whoami()['name']}/{name}"
        _refuse_taken(api, repo, "model")
        url = api.create_repo(repo, private=True, exist_ok=True)
        _send_large(api, repo, "model", folder, str(url), tell)
        done = api.upload_folder(repo_id=repo, folder_path=folder, commit_message=_COMMIT)
    return Published(str(url), done.oid)


def _refuse_taken(api: Any, repo: str, kind: str) -> None:
    """Raises PublishProblem: there is such a repository, with files that were not published from here."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        titles = {commit.title for commit in api.list_repo_commits(repo, repo_type=kind)}
    except RepositoryNotFoundError:
        return
    if _COMMIT not in titles and not titles <= {_FIRST_COMMIT}:
        raise PublishProblem(
            f"There is a {kind} {repo} already that was not published from here: choose another name, or rename it.",
            Phrase("hub_taken", name=repo),
        )


def _send_large(api: Any, repo: str, kind: str, folder: Path, url: str, tell: Tell) -> None:
    """Send what the hub keeps beside git, file by file; the commit that follows finds it there and takes the rest."""
    from huggingface_hub import CommitOperationAdd

    tell(url=url)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for place, path in enumerate(files, start=1):
        tell(file=place, of=len(files))
        addition = CommitOperationAdd(path.relative_to(folder).as_posix(), path)
        api.preupload_lfs_files(repo, [addition], repo_type=kind)
    tell(file=len(files) + 1, of=len(files))


@contextmanager
def _refused(address: str, owner: str | None, name: str) -> Iterator[None]:
    """Raises PublishProblem for whatever the hub, its client or the way there objects to."""
    import httpx2
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        yield
    except LocalTokenNotFoundError as problem:
        raise PublishProblem(
            "No token was found: run `hf auth login` first, or set HF_TOKEN.", Phrase("hub_no_token")
        ) from problem
    except OfflineModeIsEnabled as problem:
        raise PublishProblem(
            "HF_HUB_OFFLINE is set, which forbids to publish: unset it.", Phrase("hub_offline")
        ) from problem
    except HfHubHTTPError as problem:
        raise _refusal(problem, owner) from problem
    except HFValidationError as problem:
        raise PublishProblem(
            f"“{owner or 'your account'}/{name}” cannot be a name on the hub: use letters, digits, - and _.",
            Phrase("hub_name"),
        ) from problem
    except ValueError as problem:  # the card, as the hub judges it
        raise PublishProblem(f"The hub refused the files: {' '.join(str(problem).split())}") from problem
    except (httpx2.TransportError, ConnectionError, TimeoutError) as problem:
        raise PublishProblem(
            f"{address} cannot be reached: check the connection and try again.", Phrase("hub_unreachable")
        ) from problem


def _refusal(problem: object, owner: str | None) -> PublishProblem:
    """What a status of the hub means here, with its own words."""
    status = getattr(getattr(problem, "response", None), "status_code", 0)
    said = getattr(problem, "server_message", None) or ""
    if status == 401:
        return PublishProblem(
            "The hub does not know this token: make a new one with the right to write, and run `hf auth login`.",
            Phrase("hub_token"),
        )
    if status in (402, 403):
        whose = f"for {owner} " if owner else ""
        return PublishProblem(
            f"The hub does not let this token create or change repositories {whose}({said or status}): a free account "
            "hosts at most two Gradio Spaces, on ZeroGPU, and the token needs the right to write.",
            Phrase("hub_rights"),
        )
    return PublishProblem(f"The hub refused with status {status}{f': {said}' if said else ''}: try again later.")
