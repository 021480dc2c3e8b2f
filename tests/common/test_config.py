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


def test_a_secret_that_could_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMYSTIFY_PASS_SECRET", "x" * 31)
    with pytest.raises(ValidationError, match="32 characters or more") as caught:
        Settings()
    assert "x" * 31 not in str(caught.value)
    monkeypatch.setenv("DEMYSTIFY_PASS_SECRET", "x" * 32)
    assert Settings().pass_secret.get_secret_value() == "x" * 32


@pytest.mark.parametrize(
    ("environment", "room"),
    [
        ({}, False),
        ({"DEMYSTIFY_HOST": "127.0.0.1"}, False),
        ({"DEMYSTIFY_HOST": "0.0.0.0"}, True),
        ({"DEMYSTIFY_HOST": "192.168.1.7"}, True),
        ({"DEMYSTIFY_SHARE": "true"}, True),
        ({"DEMYSTIFY_ROOM_PASSWORD": "owl"}, True),
        ({"DEMYSTIFY_PRESENTER_KEY": "mine"}, True),
        ({"SPACE_ID": "someone/space"}, False),
        ({"SPACE_ID": "someone/space", "DEMYSTIFY_PRESENTER_KEY": "mine"}, True),
    ],
)
def test_who_shares_the_page_has_a_room(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], room: bool
) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Settings().for_a_room == room


def test_the_key_is_not_shown() -> None:
    assert "hunter2" not in repr(Settings(remote_key="hunter2"))  # type: ignore[arg-type]


def test_the_readme_has_the_table() -> None:
    assert table() in README.read_text(encoding="utf-8")
