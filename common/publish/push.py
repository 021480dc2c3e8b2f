"""Creates a Space and uploads a bundle to it, with the account behind the token that ``hf auth login`` has saved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.publish.problem import PublishProblem


@dataclass(frozen=True, slots=True)
class Published:
    """``url`` of the Space's page, and the ``commit`` that was made."""

    url: str
    commit: str


def push(
    folder: Path,
    name: str,
    hardware: str,
    owner: str | None = None,
    token: str | None = None,
    endpoint: str | None = None,
) -> Published:
    """Make the Space hold exactly what is in a folder; create it when there is none.

    Args:
        folder: a written bundle.
        name: of the Space.
        hardware: the platform's name for the machine; a Space that exists keeps the one it has.
        owner: a user or organisation; the token's own by default.
        token: by default the saved one, or ``HF_TOKEN``.
        endpoint: address of the hub, by default the public one, or ``HF_ENDPOINT``.

    Raises:
        PublishProblem: an impossible name, no or a refused token, no right to create Spaces there, a refused card, no
            connection.
    """
    import httpx2
    from huggingface_hub import HfApi, SpaceHardware
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    api = HfApi(endpoint, token)
    try:
        owner = owner or str(api.whoami()["name"])
        repo = f"{owner}/{name}"
        machine = SpaceHardware(hardware)
        url = api.create_repo(repo, repo_type="space", space_sdk="gradio", space_hardware=machine, exist_ok=True)
        done = api.upload_folder(
            repo_id=repo,
            repo_type="space",
            folder_path=folder,
            delete_patterns="*",  # what an earlier version had and this one has not
            commit_message="Publish from demystify",
        )
    except LocalTokenNotFoundError as problem:
        raise PublishProblem("No token was found: run `hf auth login` first, or set HF_TOKEN.") from problem
    except OfflineModeIsEnabled as problem:
        raise PublishProblem("HF_HUB_OFFLINE is set, which forbids to publish: unset it.") from problem
    except HfHubHTTPError as problem:
        raise PublishProblem(_refusal(problem, owner)) from problem
    except HFValidationError as problem:
        raise PublishProblem(
            f"“{owner}/{name}” cannot be the name of a Space: use letters, digits, - and _."
        ) from problem
    except ValueError as problem:  # the card, as the hub judges it
        raise PublishProblem(f"The hub refused the files: {' '.join(str(problem).split())}") from problem
    except (httpx2.TransportError, ConnectionError, TimeoutError) as problem:
        raise PublishProblem(f"{api.endpoint} cannot be reached: check the connection and try again.") from problem
    return Published(str(url), done.oid)


def _refusal(problem: object, owner: str | None) -> str:
    """What a status of the hub means here, with its own words."""
    status = getattr(getattr(problem, "response", None), "status_code", 0)
    said = getattr(problem, "server_message", None) or ""
    if status == 401:
        return "The hub does not know this token: make a new one with the right to write, and run `hf auth login`."
    if status in (402, 403):
        whose = f"for {owner} " if owner else ""
        return (
            f"The hub does not let this token create or change Spaces {whose}({said or status}): a free account hosts "
            "at most two Gradio Spaces, on ZeroGPU, and the token needs the right to write."
        )
    return f"The hub refused with status {status}{f': {said}' if said else ''}: try again later."
