"""The words of OpenAI's protocol: what is sent, and what chunks of different servers mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.text.engine import GenerationRequest, Message, SamplingSettings, Token
from common.text.engines.openai_protocol import (
    ServerFailure,
    error_message,
    extra_fields,
    read_chunk,
    request_body,
    too_long,
)

HELLO = (Message("system", "Be kind."), Message("user", "Hello"))


def test_a_chat_is_sent_in_the_protocols_words() -> None:
    sampling = SamplingSettings(temperature=0.0, top_p=0.9, max_new_tokens=7, stop=("\n",), top_k=5)
    assert request_body(GenerationRequest(messages=HELLO, sampling=sampling), "m", 3) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
        "temperature": 0.0,
        "top_p": 0.9,
        "max_tokens": 7,
        "seed": 3,
        "stop": ["\n"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": True,
    }


def test_what_is_off_is_not_sent() -> None:
    request = GenerationRequest(prompt="Once")
    body = request_body(request, "m", 3)
    assert body["prompt"] == "Once"
    assert not {"top_p", "stop", "messages"} & set(body)
    assert extra_fields(request) == {}


def test_what_the_protocol_lacks_is_sent_only_when_on() -> None:
    sampling = SamplingSettings(top_k=5, min_p=0.1, repetition_penalty=1.2, ignore_eos=True)
    request = GenerationRequest(messages=HELLO, sampling=sampling, continue_last=True)
    expected = {
        "top_k": 5,
        "min_p": 0.1,
        "repetition_penalty": 1.2,
        "ignore_eos": True,
        "continue_final_message": True,
        "add_generation_prompt": False,
    }
    assert extra_fields(request) == expected
    assert extra_fields(request, "llamacpp")["repeat_penalty"] == 1.2
    assert "repetition_penalty" not in extra_fields(request, "llamacpp")


@pytest.mark.parametrize(
    "choice",
    [
        {"delta": {"content": "ab"}, "logprobs": {"content": [{"token": "a", "logprob": -1.5}]}},
        {"text": "ab", "logprobs": {"tokens": ["a"], "token_logprobs": [-1.5]}},
        {"text": "ab", "logprobs": {"content": [{"id": 7, "token": "a", "logprob": -1.5}]}},
    ],
    ids=["chat", "raw completion", "llama.cpp's raw completion"],
)
def test_a_text_that_its_tokens_do_not_spell_is_kept_whole(choice: dict[str, object]) -> None:
    assert read_chunk({"choices": [choice]}).tokens == (Token(None, "ab", -1.5),)


def test_several_tokens_in_a_chunk_are_told_apart() -> None:
    pairs = [{"token": "Hel", "logprob": -0.5}, {"token": "lo", "logprob": -0.25}]
    chunk = read_chunk({"choices": [{"delta": {"content": "Hello"}, "logprobs": {"content": pairs}}]})
    assert chunk.tokens == (Token(None, "Hel", -0.5), Token(None, "lo", -0.25))


def test_parts_of_a_character_arrive_with_its_last_token() -> None:
    pairs = [{"token": "\ufffd", "logprob": -2.0}, {"token": "\ufffd", "logprob": -1.0}]
    chunk = read_chunk({"choices": [{"delta": {"content": "é"}, "logprobs": {"content": pairs}}]})
    assert chunk.tokens == (Token(None, "", -2.0), Token(None, "é", -1.0))


@given(st.text(min_size=1), st.lists(st.tuples(st.text(), st.floats(max_value=0, allow_nan=False))))
def test_no_spelling_of_the_tokens_changes_the_text(text: str, pairs: list[tuple[str, float]]) -> None:
    content = [{"token": token, "logprob": logprob} for token, logprob in pairs]
    chunk = read_chunk({"choices": [{"delta": {"content": text}, "logprobs": {"content": content}}]})
    assert "".join(token.text for token in chunk.tokens) == text
    assert [token.logprob for token in chunk.tokens if token.logprob is not None] == [logprob for _, logprob in pairs]


@pytest.mark.parametrize(
    ("given_reason", "expected"),
    [("stop", "stop"), ("length", "length"), ("eos_token", "stop"), ("stop_sequence", "stop"), (None, None)],
)
def test_reasons_to_end(given_reason: str | None, expected: str | None) -> None:
    assert read_chunk({"choices": [{"delta": {}, "finish_reason": given_reason}]}).reason == expected


def test_counts_may_come_alone() -> None:
    chunk = read_chunk({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}})
    assert (chunk.prompt_tokens, chunk.new_tokens, chunk.tokens) == (9, 4, ())


@pytest.mark.parametrize(
    "event", [[], "text", 5, None, {"choices": 5}, {"choices": ["x"]}, {"choices": [{"text": 5}]}, {"usage": "many"}]
)
def test_what_is_no_chunk_is_said(event: object) -> None:
    with pytest.raises(ValueError, match="the event"):
        read_chunk(event)


def test_an_error_in_the_stream_is_told_apart() -> None:
    with pytest.raises(ServerFailure, match="out of blocks"):
        read_chunk({"error": {"message": "out of blocks", "code": 500}})
    with pytest.raises(ServerFailure) as caught:
        read_chunk({"error": "Model is overloaded", "error_type": "overloaded"})
    assert caught.value.overloaded
    with pytest.raises(ServerFailure):
        read_chunk({"choices": [{"delta": {}, "finish_reason": "abort"}]})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"error": {"message": "The model `x`\n does not exist."}}, "The model `x` does not exist."),
        ({"error": "Input validation error", "error_type": "validation"}, "Input validation error"),
        ({"object": "error", "message": "No."}, "No."),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": [{"loc": ["body"], "msg": "too small"}, {"msg": "too large"}]}, "too small; too large"),
        ({"error": {"code": 500}}, ""),
        (None, ""),
    ],
)
def test_a_servers_own_words(answer: object, expected: str) -> None:
    assert error_message(answer) == expected


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 64 tokens. However, you requested 90 tokens (80 in the messages).",
        "this model's maximum context length is 64 tokens, but the prompt contains 90 input tokens",
        "request (90 tokens) exceeds the available context size (64 tokens), try increasing it",
        "Input validation error: `inputs` must have less than 64 tokens. Given: 90",
    ],
    ids=["OpenAI", "vLLM", "llama.cpp", "TGI"],
)
def test_a_prompt_that_does_not_fit(message: str) -> None:
    assert too_long(message) == (90, 64)


def test_other_messages_are_not_about_length() -> None:
    assert too_long("`temperature` must be strictly positive") is None
