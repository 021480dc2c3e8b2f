"""Files over the limit are refused in the browser, before a byte is sent, with the sentence of the handlers for it.

Gradio would say so in English on every page, and in its own words.
"""

from __future__ import annotations

import json
from pathlib import Path

from common.config import LANGUAGES, settings
from common.ui.i18n import number, text


def head() -> str:
    """For the head of every page: a script (upload-limit.js) with the limit and the sentence in every language."""
    limit = settings().max_upload_mb
    words = {
        lang: {
            "close": text(lang, "link.close"),
            "sentence": text(lang, "error.document_too_large", name="\0", size="\1", limit=number(lang, limit)),
        }
        for lang in LANGUAGES
    }
    given = json.dumps({"bytes": limit * 1_000_000, "words": words}).replace("<", "\\u003c")
    script = Path(__file__).with_name("upload-limit.js").read_text(encoding="utf-8")
    return f"<script>{script.rstrip()}({given});</script>"
