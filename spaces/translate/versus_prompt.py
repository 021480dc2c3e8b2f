"""What a chat model is asked so that it translates: an instruction with blanks, and a few examples as turns before it.

English on every page, since the embedded chat model has learned hardly anything else.
"""

from __future__ import annotations

from versus_examples import SHOTS

from common.text.engine import GenerationRequest, Message, SamplingSettings
from common.text.tasks.prompts import check, fill
from common.ui.i18n import text

PROMPT = "Translate this {source} text into {target}. Answer with the translation alone.\n\n{text}"
# An answer may be longer than the sentence, and hardly any token stands for less than a letter.
_ROOM, _MOST = 40, 400


def messages(prompt: str, sentence: str, source: str, target: str, shots: int) -> tuple[Message, ...]:
    """The conversation: each example as a question and its answer, then the sentence.

    Args:
        prompt: with the blank {text}, and {source} and {target} for the languages' English names.
        shots: how many examples; none where there are none for these languages.

    Raises:
        InvalidInput: the prompt has no place for the text, or a blank that cannot be filled.
    """
    check("prompt", prompt, known=("text", "source", "target"), needed=("text",))
    names = {"source": text("en", f"language.{source}"), "target": text("en", f"language.{target}")}
    turns: list[Message] = []
    for example in SHOTS[:shots]:
        if source in example and target in example:
            turns.append(Message("user", fill(prompt, {**names, "text": example[source]})))
            turns.append(Message("assistant", example[target]))
    return (*turns, Message("user", fill(prompt, {**names, "text": sentence})))


def request(turns: tuple[Message, ...], sentence: str) -> GenerationRequest:
    """Greedy decoding, so that the same sentence gets the same answer."""
    return GenerationRequest(
        messages=turns, sampling=SamplingSettings(temperature=0, max_new_tokens=min(_ROOM + len(sentence), _MOST))
    )
