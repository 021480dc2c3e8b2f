"""What this machine reaches, and who reaches it: model hub, network of the room, public link, ZeroGPU quota."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from common import catalog, hardware
from common.config import Settings
from common.errors import Phrase
from common.network import own_address
from common.preflight.finding import Finding, Level

# Whom gradio asks for a tunnel, and where its program is. Source: networking.py and tunneling.py of gradio 6.31.
TUNNELS = "https://api.gradio.app/v3/tunnel-request"
PROGRAMS = "https://cdn-media.huggingface.co"
_SECONDS = 5.0
_FEW_SECONDS_OF_GPU = 120  # two drawings or answers of the usual 60


def hub(config: Settings) -> Finding:
    """Whether the model hub answers; no demo needs it with the embedded models."""
    from huggingface_hub import constants

    if config.offline or constants.HF_HUB_OFFLINE:
        return Finding("hub", "ok", Phrase("hub_forbidden"))
    if catalog.hub_reachable(_SECONDS):
        return Finding("hub", "ok", Phrase("hub_answers"))
    return Finding("hub", "note", Phrase("hub_unreachable"), Phrase("advice_hub"))


def room(config: Settings) -> Finding:
    """Whether phones in the same network can open the page."""
    if os.environ.get("SPACE_HOST"):
        return Finding("room", "ok", Phrase("room_open", address=f"https://{os.environ['SPACE_HOST']}"))
    address = own_address()
    if address.startswith("127."):
        return Finding("room", "note", Phrase("room_none"), Phrase("advice_network"))
    if config.listen_host.startswith("127."):
        return Finding("room", "note", Phrase("room_closed"), Phrase("advice_host"))
    return Finding("room", "ok", Phrase("room_open", address=f"http://{address}:{config.port}"))


def public_link(config: Settings, tunnels: str = TUNNELS, programs: str = PROGRAMS) -> Finding:
    """Whether ``--share`` would get a tunnel: its server named and reached, its program here or to be had."""
    import httpx2

    level: Level = "problem" if config.share else "note"
    if config.offline and not config.share:
        return Finding("share", "ok", Phrase("share_forbidden"))
    try:
        answer = httpx2.get(tunnels, timeout=_SECONDS)
        server = answer.raise_for_status().json()[0]
        reached = _reaches(str(server["host"]), int(server["port"]))
    except (httpx2.HTTPError, ValueError, LookupError, TypeError):
        reached = False
    if not reached:
        return Finding("share", level, Phrase("share_unreachable"), Phrase("advice_share"))
    address = urlsplit(programs)
    if not _program().exists() and not _reaches(str(address.hostname), address.port or 443):
        return Finding("share", level, Phrase("share_no_program"), Phrase("advice_share"))
    return Finding("share", "ok", Phrase("share_answers"))


def quota(config: Settings, token: str | None = None, endpoint: str | None = None) -> Finding:
    """What is left today of the GPU that Hugging Face lends, for the account that is logged in.

    Args:
        config: whether the hub may be asked at all.
        token: by default the saved one, or ``HF_TOKEN``.
        endpoint: address of the hub, by default the public one.
    """
    import httpx2
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if config.offline:
        return Finding("quota", "ok", Phrase("hub_forbidden"))
    known = token or get_token()
    if hardware.on_zerogpu() and not known:
        return Finding("quota", "note", Phrase("quota_visitors"), Phrase("advice_login"))
    if not known:
        return Finding("quota", "ok", Phrase("quota_unknown"))
    try:
        left = HfApi(endpoint, known).get_zero_gpu_quota()
    except OfflineModeIsEnabled:
        return Finding("quota", "ok", Phrase("hub_forbidden"))
    except HfHubHTTPError as problem:
        if problem.response is not None and problem.response.status_code in (401, 403):
            return Finding("quota", "note", Phrase("quota_refused"), Phrase("advice_token"))
        return Finding("quota", "note", Phrase("hub_refused"), Phrase("advice_later"))
    except (httpx2.TransportError, OSError):
        return Finding("quota", "note", Phrase("hub_unreachable"), Phrase("advice_hub"))
    return _judged(left)


def _judged(left: Any) -> Finding:
    detail = Phrase("quota_left", left=round(left.remaining / 60, 1), whole=round(left.base / 60, 1))
    if left.remaining < _FEW_SECONDS_OF_GPU:
        advice = (
            Phrase("advice_quota", time=f"{left.resets_at:%H:%M} UTC") if left.resets_at else Phrase("advice_later")
        )
        return Finding("quota", "note", detail, advice)
    return Finding("quota", "ok", detail)


def _program() -> Path:
    """Where gradio keeps the program for its tunnels."""
    from huggingface_hub.constants import HF_HOME

    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()).lower()
    return Path(HF_HOME) / "gradio" / "frpc" / f"frpc_{platform.system().lower()}_{machine}_v0.3"


def _reaches(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), _SECONDS):
            return True
    except OSError:
        return False
