"""How the style tab draws pictures to learn from, a run, and before and after. Texts are escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from image_look import data_uri, hidden_html
from PIL import Image

from common.diffusion.adapted import Adapted
from common.training.config import StyleConfig
from common.training.folder import Event
from common.training.runs import Run
from common.ui.i18n import number, text
from common.ui.linechart import Line, lines_html
from common.ui.run_look import clock, curve_points, run_state_html

# Longest edge of a picture in a row of them, in pixels.
_SMALL = 128


def pictures_html(pictures: Sequence[tuple[str, Image.Image]], note: str = "") -> str:
    """Pictures side by side, each over its text."""
    cells = ""
    for words, picture in pictures:
        small = picture.copy()
        small.thumbnail((_SMALL, _SMALL))
        cells += f'<figure><img src="{data_uri(small)}" alt=""><figcaption>{escape(words)}</figcaption></figure>'
    said = f'<p class="quiet">{escape(note)}</p>' if note else ""
    return f'<div class="pictures">{cells}</div>{said}'


def state_html(lang: str, run: Run) -> str:
    """Where a run stands, in its own figures."""

    def figures(lang: str, last: Event, test: Event | None) -> list[tuple[str, str]]:
        learned = (run.folder.read_json("data.json") or {}).get("trainable", 0)
        return [
            (_loss(lang, last["loss"]), text(lang, "teach.loss")),
            (_loss(lang, test["loss"] if test else None), text(lang, "teach.test_loss")),
            (number(lang, last["tokens_per_second"], 1), text(lang, "teach.pictures_per_second")),
            (number(lang, learned), text(lang, "teach.learned")),
            (f"{number(lang, last['memory_mb'])} MB", text(lang, "scratch.memory_now")),
            (clock(last["seconds"]), text(lang, "scratch.elapsed")),
        ]

    return run_state_html(lang, run, figures)


def loss_html(lang: str, run: Run) -> str:
    """Both losses by step."""
    events = list(run.folder.events())
    lines = [
        Line(text(lang, "teach.loss"), curve_points(events, "step", "loss"), "loss"),
        Line(text(lang, "teach.test_loss"), curve_points(events, "eval", "loss"), "completion"),
    ]
    lines = [line for line in lines if len(line.points) > 1]
    if not lines:
        return ""
    chart = lines_html(
        lang,
        lines,
        caption=text(lang, "teach.loss_curve"),
        x_name=text(lang, "scratch.step"),
        top=1.05 * max(y for line in lines for _, y in line.points),
        markers=False,
    )
    return f'<div class="beside charts">{chart}</div>'


def samples_html(lang: str, run: Run) -> str:
    """What the model has drawn on the way, from before the first step on."""
    assert isinstance(run.config, StyleConfig)  # noqa: S101 - this tab lists no others
    found, hidden = [], False
    for event in run.folder.events():
        if event["type"] == "sample":
            hidden |= event.get("hidden", False)
            with Image.open(run.folder.path / event["file"]) as picture:
                found.append((text(lang, "teach.at_step", step=number(lang, event["step"])), picture.convert("RGB")))
    if not found:
        return ""
    title = escape(text(lang, "teach.on_the_way", prompt=run.config.prompt))
    why = f'<p class="notice">{escape(text(lang, "teach.hidden"))}</p>' if hidden else ""
    return f"<h3>{title}</h3>{pictures_html(found)}{why}"


def both_html(lang: str, adapted: Adapted, strength: float) -> str:
    """Before and after, large."""
    figures = ((adapted.before, text(lang, "teach.before")),
               (adapted.after, text(lang, "teach.after", strength=number(lang, strength, 2))))  # fmt: skip
    cells = "".join(
        f'<figure><img src="{data_uri(picture)}" alt=""><figcaption>{escape(words)}</figcaption></figure>'
        for picture, words in figures
    )
    return f'<div class="pictures large">{cells}</div>{hidden_html(lang) if adapted.hidden else ""}'


def _loss(lang: str, value: float | None) -> str:
    return "–" if value is None else number(lang, value, 3)
