"""Start a space from the command line: the same options for every space and for the hub."""

from __future__ import annotations

import argparse
import logging
import os
import socket
from typing import TYPE_CHECKING

from common.config import LANGUAGES, settings
from common.memory import give_back_freed, settle
from common.network import own_address, tunnel
from common.seminar.access import access

if TYPE_CHECKING:
    import gradio as gr

_OTHER_EVENTS = 32  # status lines, clicks: what runs beside the streams


def read_options(description: str) -> None:
    """Read the command line into the settings (it wins over the environment)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, help="port of the page (default 7860)")
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 lets phones in the same network in")
    parser.add_argument("--share", action="store_true", help="ask gradio for a public link")
    parser.add_argument("--model", help="catalogue id, folder, .gguf file or hub id")
    parser.add_argument("--lang", choices=LANGUAGES, help="language of the page (default: the browser's)")
    for name, value in vars(parser.parse_args()).items():
        if value not in (None, False):
            os.environ[f"DEMYSTIFY_{name.upper()}"] = str(value)
    settings.cache_clear()
    settings()


def serve(demo: gr.Blocks) -> None:
    """Serve until interrupted. Nothing on the page comes from another host."""
    from starlette.middleware import Middleware

    from common.ui import playback, qr, sessions, upload_limit
    from common.ui.door import Door
    from common.ui.theme import css, theme

    give_back_freed()
    config = settings()
    for name in ("httpx", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # The model's own queue decides who waits and says no; gradio's must not do so before. Its number of threads is also
    # the number of events that it runs at a time, and with the 40 it has by itself the 41st visitor sees nothing move.
    everyone = config.max_active + config.max_waiting
    demo.queue(max_size=everyone, default_concurrency_limit=None)
    addresses = [f"http://127.0.0.1:{config.port}"]
    if config.listen_host == "0.0.0.0":  # noqa: S104 - compared, not bound
        addresses.append(f"http://{own_address()}:{config.port}")
    if not _is_free(config.listen_host, config.port):
        raise SystemExit(
            f"Port {config.port} is in use: choose another with --port, for example --port {config.port + 1}"
        )
    print(f"demystify is at {' and '.join(addresses)}", flush=True)
    app, _, shared = demo.launch(
        server_name=config.listen_host,
        server_port=config.port,
        share=config.share,
        theme=theme(),
        css=css(),
        head=playback.head() + upload_limit.head(),
        quiet=True,
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        max_file_size=f"{config.max_upload_mb}mb",
        max_threads=everyone + _OTHER_EVENTS,
        footer_links=[],
        mcp_server=config.mcp,
        prevent_thread_lock=True,
        app_kwargs={"middleware": [Middleware(Door, access=access())]},
    )
    tunnel.address = shared or ""
    sessions.keep_light(app)
    settle()
    for_phones = shared or (addresses[1] if len(addresses) > 1 else "")
    if for_phones:
        print(qr.terminal(f"{for_phones}?room={access().room_pass()}" if access().closed else for_phones), flush=True)
    if "SPACE_ID" not in os.environ:  # there the terminal is a log, and the key is one of the Space's secrets
        print(f"To present, open {addresses[0]}/?presenter={access().key}", flush=True)
    demo.block_thread()


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
