"""The head of a GGUF file: the values that the gguf package reads too, and a ValueError for what is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFReader, GGUFWriter
from hypothesis import given
from hypothesis import strategies as st

from common import catalog
from common.text.gguf_header import read_header


def _write(path: Path) -> bytes:
    """A file with a value of every kind that is in use."""
    writer = GGUFWriter(path, "llama")
    writer.add_uint8("a.u8", 200)
    writer.add_int8("a.i8", -5)
    writer.add_uint16("a.u16", 60_000)
    writer.add_int16("a.i16", -30_000)
    writer.add_uint32("a.u32", 4_000_000_000)
    writer.add_int32("a.i32", -7)
    writer.add_uint64("a.u64", 1 << 60)
    writer.add_int64("a.i64", -(1 << 60))
    writer.add_float32("a.f32", 0.5)
    writer.add_float64("a.f64", 0.1)
    writer.add_bool("a.bool", True)
    writer.add_string("a.string", "naïve 🙂")
    writer.add_array("a.numbers", [1, -2, 3])
    writer.add_array("a.strings", ["Ġa", "", "東京"])
    writer.add_array("a.nested", [[1, 2], [3]])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path.read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    _write(path)
    return path


def test_values_of_every_kind(written: Path) -> None:
    header = read_header(written)
    assert header["general.architecture"] == "llama"
    found = {name.removeprefix("a."): value for name, value in header.items() if name.startswith("a.")}
    expected: dict[str, Any] = {"u8": 200, "i8": -5, "u16": 60_000, "i16": -30_000, "u32": 4_000_000_000, "i32": -7}
    expected |= {"u64": 1 << 60, "i64": -(1 << 60), "f32": 0.5, "f64": 0.1, "bool": True, "string": "naïve 🙂"}
    expected |= {"numbers": [1, -2, 3], "strings": ["Ġa", "", "東京"], "nested": [[1, 2], [3]]}
    assert found == expected


def test_the_embedded_model_says_what_the_gguf_package_reads() -> None:
    path = catalog.locate(catalog.find(catalog.EMBEDDED_CHAT_MODEL))
    header = read_header(path)
    fields = {name: field for name, field in GGUFReader(path).fields.items() if not name.startswith("GGUF.")}
    assert set(header) == set(fields)
    for name, field in fields.items():
        assert header[name] == field.contents(), name


@given(st.data())
def test_a_damaged_file_is_refused_or_read_but_never_breaks(written: Path, data: st.DataObject) -> None:
    content = bytearray(written.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    damaged = written.with_name("damaged.gguf")
    damaged.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        assert isinstance(read_header(damaged), dict)
    except ValueError as problem:
        assert "damaged.gguf" in str(problem)


@pytest.mark.parametrize(
    "content", [b"", b"GGUF", b"nothing of the kind, but long enough to be one", b"GGUF\x63" + bytes(40)]
)
def test_what_is_no_gguf_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "none.gguf"
    path.write_bytes(content)
    with pytest.raises(ValueError):
        read_header(path)
