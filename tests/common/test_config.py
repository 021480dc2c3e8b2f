"""Settings come from the environment, and the README's table is the one the code prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from common.config import Settings, table

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMYSTIFY_PORT", "9000")
    assert Settings().port == 9000


def test_a_dot_env_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DEMYSTIFY_LANG=it\n")
    monkeypatch.chdir(tmp_path)
    assert Settings().lang == "it"


def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMYSTIFY_PORT", "many")
    with pytest.raises(ValidationError):
        Settings()


def test_the_key_is_not_shown() -> None:
    assert "hunter2" not in repr(Settings(remote_key="hunter2"))  # type: ignore[arg-type]


def test_the_readme_has_the_table() -> None:
    assert table() in README.read_text(encoding="utf-8")
