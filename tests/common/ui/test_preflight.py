"""The pre-flight as HTML: what is done, at work and to come, in the visitor's language."""

from __future__ import annotations

from common import errors
from common.errors import Phrase
from common.preflight.finding import Finding
from common.preflight.run import CHECKS
from common.ui.i18n import text
from common.ui.preflight import report


def test_what_is_done_at_work_and_to_come() -> None:
    port = Finding("models", "problem", Phrase("port_taken", port="<80>"), Phrase("advice_port", port="81"), 1.25)
    html = report("de", [port], going=True)
    assert "Port &lt;80&gt; ist belegt" in html and "--port 81" in html and "1,2 s" in html
    assert html.count(text("de", "preflight.checking")) == 1
    assert html.count(text("de", "preflight.waiting")) == len(CHECKS) - 2
    assert text("de", "preflight.progress", done=1, total=len(CHECKS), problems=1) in html
    assert text("de", "preflight.checking") not in report("de", [port])


def test_the_verdict_and_an_error_s_sentence() -> None:
    fine = [Finding(check, "ok", Phrase("card_none")) for check in CHECKS]
    assert text("fr", "preflight.ready") in report("fr", fine)
    broken = [*fine[:-1], Finding("picture", "problem", errors.OutOfMemory(available=0.5))]
    html = report("fr", broken)
    assert text("fr", "preflight.not_ready", count=1) in html and "0,5" in html
    assert html.count('<li class="problem">') == 1
