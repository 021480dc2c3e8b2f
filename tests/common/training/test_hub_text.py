"""Text from a data set of the hub: a folder stands in for it, since the loading function takes both."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from datasets import Dataset

from common import catalog, errors
from common.training import hub_text
from common.training.hub_text import check_id, fetch, read_dataset

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Records with two columns of text and one of numbers."""
    folder = tmp_path / "rows"
    folder.mkdir()
    records = [{"title": f"T{number}", "text": f"Tale {number}.", "likes": number} for number in range(2_000)]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, records)))
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Parquet with one column of text, which has another name."""
    folder = tmp_path / "table"
    folder.mkdir()
    Dataset.from_dict({"story": ["One.", "Two."], "stars": [1, 2]}).to_parquet(folder / "test-00000.parquet")
    return folder


def test_the_column_of_text_is_found_or_chosen(rows: Path, table: Path) -> None:
    assert read_dataset(str(rows)).startswith("Tale 0.\nTale 1.\n")
    assert read_dataset(str(rows), "title").startswith("T0\nT1\n")
    assert read_dataset(str(table)) == "One.\nTwo."


def test_a_missing_column_is_said_with_those_there_are(rows: Path, table: Path) -> None:
    with pytest.raises(errors.NoTextColumn, match="Columns with text: title, text"):
        read_dataset(str(rows), "story")
    with pytest.raises(errors.NoTextColumn, match="Columns with text: story"):
        read_dataset(str(table), "stars")


def test_it_is_limited_in_size_and_time(rows: Path) -> None:
    assert len(read_dataset(str(rows), most=100)) == 100
    assert read_dataset(str(rows), seconds=0.0) == "Tale 0."


def test_code_is_never_run(tmp_path: Path) -> None:
    (tmp_path / f"{tmp_path.name}.py").write_text("raise SystemExit('it ran')")
    with pytest.raises(errors.DatasetUnavailable, match="without code of its own"):
        read_dataset(str(tmp_path))


@pytest.mark.parametrize("wrong", ["", "tales", "../x", "a/..", "a/b/c", "https://x/y", "a b/c", "/etc/passwd", "-a/b"])
def test_an_id_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(errors.InvalidInput, match="owner/name"):
        check_id(wrong)
    assert check_id(" someone/tales-1.0_x ") == "someone/tales-1.0_x"


def test_what_takes_too_long_or_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "hub_reachable", lambda: False)
    with pytest.raises(errors.DatasetUnavailable, match="the model hub cannot be reached"):
        asyncio.run(fetch("someone/tales"))
    monkeypatch.setattr(catalog, "hub_reachable", lambda: True)
    with pytest.raises(errors.DatasetUnavailable, match="longer than 0 seconds"):
        asyncio.run(fetch("someone/tales", seconds=0.01))


def test_a_folder_of_the_project_is_no_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that reads has neither the network nor our folder: what it says comes back as the error it is."""
    monkeypatch.setattr(catalog, "hub_reachable", lambda: True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert (catalog.ROOT / "common" / "training").is_dir() and hub_text.check_id("common/training")
    with pytest.raises(errors.DatasetUnavailable, match="the model hub cannot be reached"):
        asyncio.run(fetch("common/training"))
