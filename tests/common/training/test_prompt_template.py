"""The prompt that examples of summaries have in common: found where there is one, and not where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.text.tasks.prompts import fill
from common.text.tasks.summary_prompts import SUMMARY_PROMPT, messages
from common.training.instructions import Example, Turn, pair, read_examples
from common.training.personas import PERSONAS, persona_examples
from common.training.prompt_template import PLACE, summary_template

# All begin and end alike, as dialogues do, and one has an empty line within.
TALKS = [
    "Anna: Hi Ben!\nBen: Did you see the owl?\nAnna: It sat on the roof all night.\n\nBen: Bye.",
    "Anna: Hi Carla!\nCarla: Is the train late?\nAnna: By an hour, so take a book with you.\n\nBen: Bye.",
    "Anna: Hi Ben!\nBen: Who has the key to the shed?\nAnna: Carla, I think.\n\nHave you asked her?\n\nBen: Bye.",
]
SHORT = ["An owl on a roof.", "The train is late.", "Carla has the key."]


def _examples(questions: list[str]) -> list[Example]:
    return [pair(question, answer) for question, answer in zip(questions, SHORT, strict=True)]


@pytest.mark.parametrize("column", ["dialogue", "document"])
def test_the_prompt_of_an_uploaded_table_asks_as_it_was_asked(tmp_path: Path, column: str) -> None:
    path = tmp_path / "talks.jsonl"
    rows = [{column: talk, "summary": short} for talk, short in zip(TALKS, SHORT, strict=True)]
    path.write_text("\n".join(map(json.dumps, rows)))
    examples = read_examples(path)
    template = summary_template(examples)
    assert template.count(PLACE) == 1
    # The last empty line is one of the talks' own: what all end with is taken for a part of the prompt.
    assert [fill(template, {"text": talk.removesuffix("\n\nBen: Bye.")}) for talk in TALKS] == [
        example[0].content for example in examples
    ]


def test_an_instruction_may_stand_after_the_text_or_on_both_sides() -> None:
    asked = [messages(SUMMARY_PROMPT, talk, "dialogue", "line", 20)[0].content for talk in TALKS]
    plain = [talk.removesuffix("\n\nBen: Bye.") for talk in TALKS]
    template = summary_template(_examples(asked))
    assert template.startswith("Here is a dialogue:\n\n{text}") and template.endswith("in one short sentence.")
    assert [fill(template, {"text": talk}) for talk in plain] == asked
    assert summary_template(_examples([f"{talk}\n\nTL;DR:" for talk in plain])) == "{text}\n\nTL;DR:"
    assert summary_template(_examples([f"Sum up:\n\n{talk}" for talk in plain])) == "Sum up:\n\n{text}"


def test_what_is_no_summary_has_none() -> None:
    for persona in PERSONAS:
        assert summary_template(persona_examples(persona)) == ""
    plain = [talk.removesuffix("\n\nBen: Bye.") for talk in TALKS]
    assert summary_template(_examples(plain)) == ""  # no instruction
    assert summary_template([pair(f"Repeat:\n\n{talk}", talk) for talk in plain]) == ""  # nothing is shorter
    assert summary_template([pair(f"Sum up:\n\n{TALKS[0]}", short) for short in SHORT]) == ""  # one text alone
    assert summary_template(_examples([f"Sum up {{kind}}:\n\n{talk}" for talk in plain])) == ""
    system = [(Turn("system", "S"), *example) for example in _examples([f"Sum up:\n\n{talk}" for talk in plain])]
    assert summary_template(system) == "" and summary_template([]) == ""
