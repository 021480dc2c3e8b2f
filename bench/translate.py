"""The translator beside argostranslate: the same model and threads; one at a time, and 16 people at once.

Both search as they do by default, argostranslate with more beams; the ratio with as many as ours stands beside it.

argostranslate runs ctranslate2, too. It gets the embedded model as a package folder, with the same compute type and all
cores. Its own models for finding sentence ends have to be downloaded; every text here is given to it line by line
instead, which costs it nothing. It serves one text at a time, so its single stream is what a room is measured against.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import psutil

from bench.room import free_port, start_app
from bench.startup import memory_mb
from bench.tables import machine, median, report
from common import catalog, hardware
from common.recipes.translation.phrasebook import everyday
from common.translation.codec import Codec
from common.translation.convert import convert
from common.translation.engine import Beams, Runner
from common.translation.engines.ctranslate import CTranslateRunner
from common.translation.engines.transformers import TransformersRunner
from common.translation.metrics import compare
from common.translation.models import TranslationModels
from common.translation.passage import translate_text
from common.translation.trace import trace

OWN_BEAMS, RIVAL_BEAMS = Beams().width, 4
_PASSES = 5
USERS = 16
SENTENCES = (
    "Das Wetter ist heute sehr schön.",
    "Ich habe leider keine Zeit für dich.",
    "Wo ist der nächste Bahnhof?",
    "Meine Schwester wohnt in einem kleinen Haus am See.",
    "Wir fahren morgen mit dem Zug nach Berlin.",
    "Kannst du mir bitte das Salz geben?",
    "Der Hund schläft unter dem Tisch.",
    "Sie hat gestern ein neues Buch gekauft.",
    "Warum bist du so spät nach Hause gekommen?",
    "Das Kind spielt mit einem roten Ball im Garten.",
    "Er arbeitet seit drei Jahren in dieser Firma.",
    "Ich möchte einen Kaffee und ein Stück Kuchen, bitte.",
)


def argos_translator(folder: Path, threads: int) -> Callable[[str, int], str]:
    """argostranslate on the converted model in ``folder``, set up as a package of its own: for a text and beams.

    Args:
        threads: for one sentence; it does one at a time.

    Raises:
        SystemExit: the package is not installed.
    """
    place = Path(tempfile.mkdtemp(prefix="argos-"))
    package = place / "packages" / "translate-de_en"
    shutil.copytree(folder, package / "model")
    config = package / "model" / "config.json"
    settings = json.loads(config.read_text())
    # Marian wants the end token after the source, which argostranslate leaves to the model's configuration.
    config.write_text(json.dumps({**settings, "add_source_eos": True}))
    shutil.copy(catalog.locate(catalog.with_task("translation")[0]) / "source.spm", package / "sentencepiece.model")
    names = {"from_code": "de", "from_name": "German", "to_code": "en", "to_name": "English"}
    (package / "metadata.json").write_text(json.dumps({"package_version": "1.0", "argos_version": "1.9", **names}))
    before = dict(os.environ)
    os.environ |= {  # read once, at the import
        "ARGOS_PACKAGES_DIR": str(package.parent),
        "ARGOS_COMPUTE_TYPE": "int8_float32",
        "XDG_DATA_HOME": str(place),
        "XDG_CONFIG_HOME": str(place),
        "XDG_CACHE_HOME": str(place),
    }
    try:
        from argostranslate import sbd
        from argostranslate import settings as argos
        from argostranslate.package import Package
        from argostranslate.translate import Language, PackageTranslation
    except ImportError:
        raise SystemExit("the rival is missing: make bench installs it") from None
    finally:
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            os.environ.pop(name)
        os.environ |= before

    class Lines(sbd.ISentenceBoundaryDetectionModel):  # type: ignore[misc]
        def split_sentences(self, text: str) -> list[str]:
            return [text]

    argos.intra_threads = threads  # read when the model is loaded, with the first text
    translation = PackageTranslation(Language("de", "German"), Language("en", "English"), Package(package))
    translation.sentencizer = Lines()

    def translate(text: str, beams: int) -> str:
        argos.beam_size = beams  # read with every text
        return str(translation.translate(text))

    return translate


class Ours:
    """The library as a tab uses it: cut into sentences, through the engine, put together."""

    def __init__(self) -> None:
        models = TranslationModels()
        model = models.find("de", "en")
        self._engine, self._codec = models.engine(model), models.codec(model, "de", "en")

    async def translate(self, text: str) -> str:
        steps = translate_text(self._engine, self._codec, text, "de")
        return [step async for step in steps][-1].text


@dataclass(frozen=True, slots=True)
class Speeds:
    """Sentences per second, one for every round."""

    alone: list[float]
    twelve: list[float]


def beside_rival(rounds: int) -> tuple[list[float], dict[int, Speeds]]:
    """In turn: ours one after the other; argostranslate's, one after the other and twelve lines at a time, by beams.

    argostranslate with one thread or with all, whichever is faster here.
    """
    ours, folder = Ours(), convert(catalog.locate(catalog.with_task("translation")[0]))
    rivals = [_warm(argos_translator(folder, threads)) for threads in {1, hardware.cores()}]
    ways = [(rival, beams) for rival in rivals for beams in (RIVAL_BEAMS, OWN_BEAMS)]

    async def mine() -> None:
        for sentence in SENTENCES:
            await ours.translate(sentence)

    loop = asyncio.new_event_loop()  # the one that a server has
    loop.run_until_complete(mine())
    own: list[float] = []
    found = [(beams, Speeds([], [])) for _, beams in ways]
    text = "\n".join(SENTENCES)
    for _ in range(rounds):
        own.append(_speed(lambda: loop.run_until_complete(mine())))
        for (rival, beams), (_, speeds) in zip(ways, found, strict=True):
            speeds.alone.append(_speed(partial(_each, rival, beams)))
            speeds.twelve.append(_speed(partial(rival, text, beams)))
    loop.close()
    return own, {
        beams: Speeds(
            max((one.alone for other, one in found if other == beams), key=median),
            max((one.twelve for other, one in found if other == beams), key=median),
        )
        for beams in (RIVAL_BEAMS, OWN_BEAMS)
    }


def _each(rival: Callable[[str, int], str], beams: int) -> None:
    for sentence in SENTENCES:
        rival(sentence, beams)


def first_step(rounds: int = 20) -> tuple[float, float]:
    """Milliseconds until the step player has its first step: of the first sentence of all, and of later ones.

    The model is loaded when the space starts; what a click waits for is the encoder and one step of the decoder.
    """
    glass = TranslationModels().glass("sk", "en")

    def once() -> float:
        start = time.perf_counter()
        steps = trace(glass.model, glass.encode("Milujem seminár DSA")[0].tolist())
        next(steps), next(steps)
        return 1000 * (time.perf_counter() - start)

    with glass.in_use():
        opening = once()
        return opening, median([once() for _ in range(rounds)])


def agreement(most: int = 200) -> list[tuple[float, float]]:
    """How alike both engines translate: the share of equal sentences, and chrF between them.

    First of the 8-bit model, as it runs here, then of the same with exact numbers: what is left there is the engines'
    own difference.
    """
    models = TranslationModels()
    model = models.find("de", "en")
    folder, codec = catalog.locate(model), models.codec(model, "de", "en")
    german = [other for _, other, language in everyday() if language == "de"]
    sources = [codec.encode(sentence) for sentence in german[:: len(german) // most][:most]]

    def said(runner: Runner) -> list[str]:
        made = [output for start in range(0, most, 25) for output in _best(runner, sources[start : start + 25], codec)]
        return [codec.decode(tokens) for tokens in made]

    small = said(CTranslateRunner(convert(folder)))
    exact = said(CTranslateRunner(convert(folder, "float32"), compute_type="float32"))
    other = said(TransformersRunner(folder, "cpu"))
    return [(_equal(mine, other), compare("\n".join(mine), "\n".join(other)).chrf) for mine in (small, exact)]


def _equal(mine: list[str], other: list[str]) -> float:
    return sum(one == two for one, two in zip(mine, other, strict=True)) / len(mine)


def _best(runner: Runner, sources: list[list[str]], codec: Codec) -> list[list[str]]:
    return [outputs[0].tokens for outputs in runner.run(sources, [codec] * len(sources), Beams())]


def _warm(translate: Callable[[str, int], str]) -> Callable[[str, int], str]:
    translate(SENTENCES[0], OWN_BEAMS)
    return translate


def _speed(work: Callable[[], Any]) -> float:
    """Sentences per second of several times the twelve: the first ones after others had the processor are slower."""
    start = time.perf_counter()
    for _ in range(_PASSES):
        work()
    return _PASSES * len(SENTENCES) / (time.perf_counter() - start)


async def room(url: str, texts: list[list[str]]) -> tuple[float, list[float]]:
    """Every user sends their texts one after the other: sentences per second of all, seconds of each answer."""
    waits: list[float] = []

    async def user(client: httpx2.AsyncClient, number: int, mine: list[str]) -> None:
        for text in mine:
            start = time.perf_counter()
            # One session for all of a user's requests, as a browser has it: making one takes longer than translating.
            body = {"data": [text, "de", "en", OWN_BEAMS, 1, "auto"], "session_hash": f"user{number}"}
            answer = await client.post(f"{url}/gradio_api/run/translate", json=body)
            data = answer.raise_for_status().json()["data"]
            if len(data[0]["translation"].splitlines()) != len(text.splitlines()):
                raise SystemExit(f"this is no translation: {data}")
            waits.append(time.perf_counter() - start)

    async with httpx2.AsyncClient(timeout=120, limits=httpx2.Limits(max_connections=4 * USERS)) as client:
        start = time.perf_counter()
        await asyncio.gather(*(user(client, number, mine) for number, mine in enumerate(texts)))
        seconds = time.perf_counter() - start
    return sum(len(text.splitlines()) for mine in texts for text in mine) / seconds, waits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    ours, rival = beside_rival(rounds)
    port = free_port()
    app = start_app(port, "translate")
    url = f"http://127.0.0.1:{port}"
    lines, text = [[*SENTENCES[n % 12 :], *SENTENCES[: n % 12]] for n in range(USERS)], "\n".join(SENTENCES)
    try:
        asyncio.run(room(url, [[text]] * USERS))  # waits until the model has loaded
        single = [asyncio.run(room(url, lines)) for _ in range(rounds)]
        texts = [asyncio.run(room(url, [[text] * 4] * USERS)) for _ in range(rounds)]
        memory = memory_mb(psutil.Process(app.pid))
    finally:
        app.terminate()
        app.wait(20)
    report(
        "translate",
        "Translating, embedded model",
        HEAD,
        [*_rows(ours, rival, single, texts, memory), *_inside()],
        [
            f"Sentences per second, medians of {rounds} rounds, 8 bits, {hardware.cores()} threads each. {machine()}, "
            "the client included. Aim: 1.0 × alone, 4.0 × for 16 users, 1000 MB.",
            "argostranslate runs the same converted model, one text at a time, with one thread or all: the faster. "
            f"It has {RIVAL_BEAMS} beams by default, we {OWN_BEAMS}: everyday sentences lose 0.1 of chrF by that.",
        ],
    )


def _inside() -> list[list[str]]:
    opening, later = first_step()
    name = "ctranslate2 beside transformers on 200 everyday sentences, {}"
    numbers = ("8 bits against exact numbers", "exact numbers in both, aim 100 %")
    return [
        [
            "the step player's first step, aim 500 ms",
            f"{later:.0f} ms",
            "",
            "",
            "",
            f"the first of all {opening:.0f} ms",
        ],
        *(
            [name.format(what), f"{100 * equal:.0f} % equal", "", "", "", f"chrF between them {chrf:.1f}"]
            for what, (equal, chrf) in zip(numbers, agreement(), strict=True)
        ),
    ]


HEAD = ("what", "demystify", "argostranslate", "ratio", "with as many beams", "answer, median")


def _rows(
    ours: list[float], rival: dict[int, Speeds], single: list[Any], texts: list[Any], memory: float
) -> list[list[str]]:
    alone, twelve = (
        {beams: median(getattr(one, name)) for beams, one in rival.items()} for name in ("alone", "twelve")
    )
    rows = [_row("one sentence after the other", median(ours), alone, f"{1000 / median(ours):.0f} ms")]
    for name, measured, base in (
        (f"{USERS} users at once through the web app, a sentence each time", single, alone),
        (f"{USERS} users at once through the web app, twelve lines each time", texts, twelve),
    ):
        waits = [wait for _, seconds in measured for wait in seconds]
        rows.append(_row(name, median([speed for speed, _ in measured]), base, f"{median(waits):.2f} s"))
    return [*rows, ["memory of the space, with the model to look inside", f"{memory:.0f} MB", "", "", "", ""]]


def _row(name: str, ours: float, rival: dict[int, float], wait: str) -> list[str]:
    ratios = [f"**{ours / rival[RIVAL_BEAMS]:.1f} ×**", f"{ours / rival[OWN_BEAMS]:.1f} ×"]
    return [name, f"{ours:.0f}", f"{rival[RIVAL_BEAMS]:.0f}", *ratios, wait]


if __name__ == "__main__":
    main()
