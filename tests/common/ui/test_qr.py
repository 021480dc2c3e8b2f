"""QR codes of links: what a phone reads from them, whom they can lead here, and links that are refused."""

from __future__ import annotations

import io
import re
from html import unescape

import pytest
import segno
import zxingcpp
from PIL import Image

from common import errors
from common.config import LANGUAGES
from common.ui import qr
from common.ui.i18n import text
from common.ui.join import join_html

HERE = "http://192.168.1.7:7860/chat?tab=gallery&text=Grüezi+%3Cb%3E&fix=on"


def _read(address: str) -> str:
    """What a reader sees in the same code drawn as pixels."""
    picture = io.BytesIO()
    segno.make(address, error="l", micro=False, boost_error=True).save(picture, kind="png", scale=4, border=4)
    return str(zxingcpp.read_barcodes(Image.open(picture).convert("L"))[0].text)


def test_a_reader_gets_the_link_back_up_to_the_longest() -> None:
    for address in (HERE, HERE + "x" * (qr.LONGEST - len(HERE))):
        assert _read(address) == address
        assert qr.svg(address, "a <b>").startswith("<svg") and "a <b>" not in qr.svg(address, "a <b>")
    with pytest.raises(errors.LinkTooLong, match=str(qr.LONGEST)):
        qr.svg(HERE + "x" * qr.LONGEST, "a")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_dialog_says_when_only_this_machine_can_follow(lang: str) -> None:
    for alone in (True, False):
        html = qr.dialog_html(lang, HERE, alone)
        assert HERE in unescape(html) and "<b>" not in html
        assert (text(lang, "link.alone") in unescape(html)) == alone
    assert qr.dialog_html(lang, HERE, False) != qr.dialog_html(lang, HERE, False)  # so that it opens again


@pytest.mark.parametrize(
    ("address", "host", "listens_on", "link", "alone"),
    [
        ("https://demystify.example/?a=1", "demystify.example", "0.0.0.0", "https://demystify.example/?a=1", False),
        ("http://127.0.0.1:7860/chat?a=1", "127.0.0.1:7860", "127.0.0.1", "http://127.0.0.1:7860/chat?a=1", True),
        ("http://localhost:7860/chat?a=1", "localhost:7860", "0.0.0.0", "http://10.0.0.5:7860/chat?a=1", False),
        ("http://10.0.0.5:7860/", "10.0.0.5:7860", "0.0.0.0", "http://10.0.0.5:7860/", False),
    ],
)
def test_the_link_as_others_have_to_write_it(address: str, host: str, listens_on: str, link: str, alone: bool) -> None:
    assert qr.for_others(address, host, listens_on, "10.0.0.5") == (link, alone)


@pytest.mark.parametrize(
    ("here", "listens_on"),
    [("127.0.0.1:7860", "127.0.0.1"), ("localhost:7860", "0.0.0.0"), ("a.gradio.live", "127.0.0.1")],
)
def test_a_tunnel_is_the_way_for_others(here: str, listens_on: str) -> None:
    tunnel = "https://a.gradio.live"
    link = qr.for_others(f"http://{here}/chat?a=1", here, listens_on, "10.0.0.5", tunnel)
    assert link == (f"{tunnel}/chat?a=1", False)
    elsewhere = "http://10.0.0.5:7860/"
    assert qr.for_others(elsewhere, "10.0.0.5:7860", listens_on, "10.0.0.5", tunnel) == (elsewhere, False)


@pytest.mark.parametrize(
    "address", ["", "javascript:alert(1)", "https://evil.example/", "http://a@b", "http://127.0.0.1:7860.evil.example/"]
)
def test_no_code_for_links_to_elsewhere(address: str) -> None:
    with pytest.raises(errors.InvalidInput):
        qr.for_others(address, "127.0.0.1:7860", "127.0.0.1", "10.0.0.5")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_was_refused_is_said_once_and_escaped(lang: str) -> None:
    assert qr.report(lang, []) == ""
    html = qr.report(lang, [errors.InvalidInput(field="temperature", allowed="<img src=x>")] * 7)
    assert "<img" not in html and len(re.findall("<li>", html)) == 6
    assert text(lang, "field.temperature") in unescape(html) and text(lang, "link.more", n="2") in unescape(html)


def test_the_terminal_gets_signs_or_the_link_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

    monkeypatch.setattr("sys.stdout", Terminal())
    shown = qr.terminal("http://10.0.0.5:7860")
    assert shown.endswith("http://10.0.0.5:7860") and shown.count("\n") > 10
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    assert qr.terminal("http://10.0.0.5:7860") == "http://10.0.0.5:7860"


def test_the_terminals_code_can_be_read() -> None:
    """Its half blocks as pixels: each sign is an upper and a lower module; what is drawn is light."""
    rows: list[list[int]] = []
    for line in re.sub(r"\x1b\[[0-9;]*m", "", qr.terminal("http://10.0.0.5:7860")).splitlines()[:-1]:
        rows.append([255 * (sign in "▀█") for sign in line])
        rows.append([255 * (sign in "▄█") for sign in line])
    picture = Image.new("L", (len(rows[0]), len(rows)))
    picture.putdata([value for row in rows for value in row])
    large = picture.resize((picture.width * 8, picture.height * 8), Image.Resampling.NEAREST)
    assert zxingcpp.read_barcodes(large)[0].text == "http://10.0.0.5:7860"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_for_the_room_warns_when_nobody_can_follow(lang: str) -> None:
    for alone in (True, False):
        html = join_html(lang, HERE, alone)
        assert f">{text(lang, 'join.full_screen')}</button>" in html
        assert HERE in unescape(html) and (text(lang, "link.alone") in unescape(html)) == alone
