"""Examples for fine-tuning: read from files, refused with a reason, as tokens with a mask, packed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from common import errors
from common.training.instructions import FEWEST, Turn, from_jsonl, pair, read_examples, split, to_jsonl
from common.training.packing import SILENT, Encoded, Rows, encode, pack
from common.training.personas import PERSONAS, persona_examples

MANY = [pair(f"Question {number}?", f"Answer {number}.") for number in range(30)]


def _file(place: Path, name: str, content: str | bytes) -> Path:
    path = place / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "question", "answer"),
    [
        ("a.csv", 'instruction,response\n"Say ""hi"", please","Hi,\nthere"\n', 'Say "hi", please', "Hi,\nthere"),
        ("b.csv", "instruction,input,output\nAdd,1 2,3\n", "Add\n\n1 2", "3"),
        ("c.jsonl", '{"instruction": "Grüß", "response": "Hallo"}\n', "Grüß", "Hallo"),
    ],
)
def test_pairs_are_read_from_csv_and_jsonl(tmp_path: Path, name: str, content: str, question: str, answer: str) -> None:
    path = _file(tmp_path, name, content)
    assert read_examples(path) == [(Turn("user", question), Turn("assistant", answer))]
    assert not path.exists()


def test_chats_and_dialogues_are_read(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Q"},
        {"role": "assistant", "content": "A"},
    ]
    (chat,) = read_examples(_file(tmp_path, "chat.jsonl", json.dumps({"messages": turns})))
    assert [turn.role for turn in chat] == ["system", "user", "assistant"]
    (talk,) = read_examples(_file(tmp_path, "talk.csv", "dialogue,summary\nA: Hi. B: Hello.,They greet.\n"))
    assert "A: Hi. B: Hello." in talk[0].content and talk[0].content != "A: Hi. B: Hello."
    assert talk[1].content == "They greet."
    (told,) = read_examples(_file(tmp_path, "told.csv", "document,summary\nA long text.,Short.\n"))
    assert told[0].content.endswith("\n\nA long text.") and told[1].content == "Short."
    assert told[0].content.split("\n\n")[0] != talk[0].content.split("\n\n")[0]


def test_wrong_columns_say_which_were_found_and_wanted(tmp_path: Path) -> None:
    with pytest.raises(errors.WrongColumns, match="frage, antwort") as caught:
        read_examples(_file(tmp_path, "x.csv", "frage,antwort\na,b\n"))
    assert "instruction" in str(caught.value) and "summary" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.jsonl", "{broken\n", errors.DocumentBroken),
        ("x.jsonl", '{"messages": [{"role": "user", "content": "Q"}]}', errors.UnusableExamples),
        ("x.jsonl", '{"messages": [{"role": "robot", "content": "Q"}]}', errors.UnusableExamples),
        ("x.jsonl", '["no", "record"]', errors.WrongColumns),
        ("x.txt", "text", errors.UnsupportedDocument),
        ("x.csv", b"\x00\x01\x02" * 50, errors.DocumentNotText),
    ],
)
def test_bad_files_are_refused(
    tmp_path: Path, name: str, content: str | bytes, problem: type[errors.DemystifyError]
) -> None:
    path = _file(tmp_path, name, content)
    with pytest.raises(problem):
        read_examples(path)
    assert not path.exists()


def test_the_last_tenth_is_held_out_and_copies_are_left_out() -> None:
    found = split([*MANY, *MANY[:5]])
    assert len(found.train) == 27 and list(found.test) == MANY[27:]
    assert found.repeated == 5
    assert len(split(MANY[:FEWEST]).test) == 1


@pytest.mark.parametrize(
    "examples",
    [MANY[: FEWEST - 1], [*MANY, pair("Q", " ")], [*MANY, pair("Q", "x" * 30_000)], []],
    ids=["few", "empty", "long", "none"],
)
def test_examples_that_teach_nothing_are_refused(examples: list[tuple[Turn, ...]]) -> None:
    with pytest.raises(errors.UnusableExamples):
        split(examples)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40)), max_size=5))
def test_the_runs_file_gives_back_what_was_put_in(pairs: list[tuple[str, str]]) -> None:
    examples = [(Turn("user", question), Turn("assistant", answer)) for question, answer in pairs]
    assert from_jsonl(to_jsonl(examples)) == examples


@pytest.mark.parametrize("name", list(PERSONAS))
def test_a_persona_has_hundreds_of_varied_lines_with_its_name(name: str) -> None:
    examples = persona_examples(name)
    found = split(examples)
    assert len(found) > 200 and not found.repeated
    answers = {example[1].content for example in examples}
    assert len(answers) > 0.8 * len(examples)
    assert any(PERSONAS[name].name in answer for answer in answers)
    held_out = {example[1].content for example in found.test}
    assert not held_out & {example[1].content for example in found.train}


def test_only_the_answers_and_their_ends_have_a_loss(tiny_llama: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    talk = (Turn("user", "Where is Anna?"), Turn("assistant", "In the forest."), *pair("And Ben?", "He sleeps."))
    encoded = encode(tokenizer, talk)
    learned = [label for label in encoded.labels if label != SILENT]
    assert tokenizer.decode(learned) == "In the forest.<|endoftext|>He sleeps.<|endoftext|>"
    messages = [{"role": turn.role, "content": turn.content} for turn in talk]
    assert tokenizer.decode(encoded.ids) == tokenizer.apply_chat_template(messages, tokenize=False)
    assert all(label in (SILENT, token) for token, label in zip(encoded.ids, encoded.labels, strict=True))
    # The model is asked with the same tokens that it was trained on.
    asked = tokenizer.apply_chat_template(messages[:1], add_generation_prompt=True, return_dict=False)
    assert encoded.ids[: len(asked)] == asked


def test_a_template_that_takes_no_such_talk_is_refused(tiny_llama: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    tokenizer.chat_template = "{{ raise_exception('no') }}"
    with pytest.raises(errors.UnusableExamples, match="does not take"):
        encode(tokenizer, MANY[0])
    tokenizer.chat_template = "{{ messages | length }}{{ messages[-1]['content'] }}"
    with pytest.raises(errors.UnusableExamples, match="changes earlier"):
        encode(tokenizer, MANY[0])


@given(st.lists(st.integers(1, 40), max_size=40))
def test_packing_keeps_every_token_and_fills_rows(lengths: list[int]) -> None:
    pieces = [Encoded([number] * length, [number] * length) for number, length in enumerate(lengths)]
    rows = pack(pieces, 32)
    assert all(sum(map(len, row)) <= 32 for row in rows)
    assert sum(len(piece) for row in rows for piece in row) == sum(min(length, 32) for length in lengths)
    filled = [sum(map(len, row)) for row in rows]
    assert sum(amount <= 16 for amount in filled) <= 1  # two half-empty rows would have been one


def test_packed_conversations_do_not_see_each_other(tiny_llama: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    model = AutoModelForCausalLM.from_pretrained(tiny_llama, attn_implementation="sdpa").eval()
    pieces = [encode(tokenizer, example) for example in (pair("Where?", "Here."), pair("Who is it?", "It is Anna."))]
    row = sum(map(len, pieces)) + 7
    (packed,) = pack(pieces, row)
    inputs = {name: value[None] for name, value in Rows([packed], row, tokenizer.eos_token_id)[0].items()}
    with torch.no_grad():
        together = model(input_ids=inputs["input_ids"], position_ids=inputs["position_ids"], use_cache=False).logits[0]
        place = 0
        for piece in packed:
            alone = model(input_ids=torch.tensor([piece.ids])).logits[0]
            torch.testing.assert_close(together[place : place + len(piece)], alone, atol=1e-4, rtol=1e-4)
            place += len(piece)
    assert (inputs["labels"][0, place:] == SILENT).all()
