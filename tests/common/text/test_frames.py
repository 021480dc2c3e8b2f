"""The messages between two processes: what goes in comes out, and a torn stream is noticed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.text.engine import GenerationRequest, Message, SamplingSettings
from common.text.engines.frames import read_frame, write_frame
from common.text.engines.wire import request_from_wire, request_to_wire

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.text(max_size=8), JSON, max_size=4), max_size=4))
def test_frames_come_out_as_they_went_in(headers: list[dict[str, object]]) -> None:
    stream = io.BytesIO()
    for header in headers:
        write_frame(stream, header)
    stream.seek(0)
    for header in headers:
        assert read_frame(stream) == (header, {})
    assert read_frame(stream) is None


def test_arrays_travel() -> None:
    stream = io.BytesIO()
    logits = np.arange(12, dtype=np.float32).reshape(3, 4)
    write_frame(stream, {"kind": "answer"}, {"logits": logits.T})
    stream.seek(0)
    frame = read_frame(stream)
    assert frame is not None
    np.testing.assert_array_equal(frame[1]["logits"], logits.T)


def test_a_cut_stream_is_an_end() -> None:
    stream = io.BytesIO()
    write_frame(stream, {"kind": "answer", "text": "hello"})
    assert read_frame(io.BytesIO(stream.getvalue()[:-3])) is None


def test_a_torn_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="torn"):
        read_frame(io.BytesIO(b"\xff" * 64))


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest(prompt="Hello", sampling=SamplingSettings(stop=("a", "b"), seed=3)),
        GenerationRequest(prompt_ids=(1, 2, 3)),
        GenerationRequest(messages=(Message("system", "s"), Message("user", "ü")), continue_last=True),
    ],
)
def test_requests_travel(request_: GenerationRequest) -> None:
    stream = io.BytesIO()
    write_frame(stream, request_to_wire(request_))
    stream.seek(0)
    frame = read_frame(stream)
    assert frame is not None
    assert request_from_wire(frame[0]) == request_
