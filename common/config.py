"""Settings from the environment: every limit and choice a deployment may want to change.

Each field is one variable ``DEMYSTIFY_<NAME>``; a ``.env`` file in the working folder is read too. The table in
the README is printed by ``python -m common.config`` and a test compares the two. Knows nothing about models or UI.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Language = Literal["en", "de", "fr", "it"]
LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "it")
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_SHORTEST_SECRET = 32  # characters: a pass is in every visitor's browser, to be guessed at without a limit


class Settings(BaseSettings):
    """All settings. Units are in the descriptions; sizes of memory in GB."""

    model_config = SettingsConfigDict(
        env_prefix="DEMYSTIFY_", env_file=".env", extra="ignore", hide_input_in_errors=True
    )

    model: str = Field("auto", description="Catalogue id, folder, `.gguf` file or hub id of the text model")
    engine: Literal["auto", "openvino", "transformers", "remote"] = Field(
        "auto", description="Which text engine runs the model"
    )
    translator: str = Field(
        "auto", description="Catalogue id or folder of the translation model; auto takes the best for each direction"
    )
    image_model: str = Field("auto", description="Catalogue id or folder of the diffusion model")
    image_batch: int = Field(16, ge=1, le=256, description="Most pictures drawn as one batch")
    remote_url: str = Field("", description="OpenAI-compatible server to use instead of this machine, ends in /v1")
    remote_provider: str = Field("", description="Hugging Face Inference Provider to use, for example `auto`")
    remote_key: SecretStr = Field(SecretStr(""), description="Key for the remote server or provider; never logged")

    host: str = Field("", description="Address to listen on; empty means this machine only (all addresses on a Space)")
    port: int = Field(7860, ge=1, le=65535, description="Port of the web page")
    mcp: bool = Field(True, description="Serve the API as tools over MCP, at /gradio_api/mcp/")
    share: bool = Field(False, description="Ask gradio for a public link at start")
    room_password: SecretStr = Field(
        SecretStr(""), description="What attendees type to come in; empty lets everybody in who knows the address"
    )
    presenter_key: SecretStr = Field(
        SecretStr(""), description="What makes somebody the presenter; empty: a new one at each start, in the terminal"
    )
    pass_secret: SecretStr = Field(
        SecretStr(""),
        description="Long random text that passes are made with, so that the room's QR code and who is in outlive a "
        "restart; empty: a new one at each start",
    )
    lang: Literal["auto", "en", "de", "fr", "it"] = Field(
        "auto", description="Language of the page until a visitor chooses another; auto follows the browser"
    )

    cache_dir: Path = Field(
        default_factory=lambda: user_cache_path("demystify"), description="Where converted and fetched models are kept"
    )
    runs_dir: Path = Field(
        default_factory=lambda: user_data_path("demystify") / "runs", description="Where training runs are kept"
    )
    max_runs: int = Field(1, ge=1, le=64, description="Training runs at work at the same time, for all visitors")
    max_runs_per_visitor: int = Field(2, ge=1, le=64, description="Training runs of one visitor, at work or waiting")
    max_visitor_disk_mb: int = Field(1000, ge=1, description="Disk for the training runs of one visitor, in MB")
    max_visitor_minutes: float = Field(
        240.0,
        gt=0,
        description="Training of one visitor within 12 hours, in minutes of work; the presenter has no limit",
    )
    max_run_minutes: float = Field(60.0, gt=0, description="Longest training run, in minutes of work")
    accelerate_config: str = Field(
        "",
        description="Config file of accelerate for training runs, such as `configs/fsdp.yaml`; empty: every GPU "
        "holds the whole model",
    )
    trackio: bool = Field(
        False,
        description="Write the curves of training runs for trackio, too, on this machine alone: "
        "`trackio show --project demystify` compares them",
    )
    offline: bool = Field(False, description="Never ask the model hub for anything, and fetch no larger model")
    threads: int = Field(0, ge=0, le=256, description="CPU threads for the model; 0 means one per physical core")
    reproducible: bool = Field(
        True,
        description="Same seed, same text, whoever else writes (exactly so on processors with AVX-512); without it a "
        "text written alone is a tenth faster",
    )
    kv_cache_tokens: int = Field(
        32_768, ge=1024, description="Tokens of all running texts together whose keys and values are kept in memory"
    )
    max_active: int = Field(64, ge=1, le=1024, description="Texts generated at the same time by one model")
    max_waiting: int = Field(
        64, ge=0, le=4096, description="Requests that may wait in line before new ones are refused"
    )
    max_new_tokens: int = Field(512, ge=1, le=32768, description="Longest completion a visitor may ask for, in tokens")
    max_prompt_chars: int = Field(
        20_000, ge=100, le=2_000_000, description="Longest text a visitor may send, in characters"
    )
    max_translation_chars: int = Field(
        100_000, ge=100, le=2_000_000, description="Longest text a visitor may have translated, in characters"
    )
    max_upload_mb: int = Field(20, ge=1, le=1000, description="Largest file a visitor may send, in MB")
    max_grid_pictures: int = Field(36, ge=1, le=200, description="Most pictures of a grid of two knobs")
    max_picture_megapixels: int = Field(
        50, ge=1, le=170, description="Most pixels of a picture that is read, in millions"
    )
    max_document_pages: int = Field(1000, ge=1, description="Most pages of a PDF that is read")
    max_document_chars: int = Field(5_000_000, ge=1000, description="Longest text of a document, in characters")
    max_unpacked_mb: int = Field(100, ge=1, description="What a DOCX may unpack to, in MB")
    start_timeout: float = Field(180.0, gt=0, le=3600, description="Longest wait for a model to load, in seconds")
    inspect_idle: float = Field(
        300.0,
        gt=0,
        description="Seconds without use after which the process behind the inside views gives its memory back",
    )

    @field_validator("pass_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(f"must have {_SHORTEST_SECRET} characters or more, so that nobody can work it out")
        return value

    @property
    def listen_host(self) -> str:
        """The address to bind: what was asked for, everything on a hosted Space, otherwise this machine only."""
        return self.host or ("0.0.0.0" if os.environ.get("SPACE_ID") else "127.0.0.1")  # noqa: S104 - a Space must

    @property
    def for_a_room(self) -> bool:
        """Whether somebody presents to others here, who then must not do everything.

        Alone on a laptop nobody does; on a Space only where its owner has set a key or a password.
        """
        if self.room_password.get_secret_value() or self.presenter_key.get_secret_value():
            return True
        return "SPACE_ID" not in os.environ and (self.share or self.listen_host not in _THIS_MACHINE)


@lru_cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()


def table() -> str:
    """The settings as a Markdown table: variable, default, meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        if name in ("cache_dir", "runs_dir"):
            default = f"the user's {'cache' if name == 'cache_dir' else 'data'} folder"
        elif isinstance(field.default, SecretStr) or field.default == "":
            default = "empty"
        else:
            default = f"`{field.default}`"
        rows.append(f"| `DEMYSTIFY_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
