"""The environment, read once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each is an environment variable with the prefix WATTLEDGER_: `data_dir` is _DATA_DIR."""

    model_config = SettingsConfigDict(env_prefix="WATTLEDGER_", extra="ignore", frozen=True)

    data_dir: Path = Field(Path("data"), description="Where everything of ours is kept.")
    database_url: SecretStr | None = Field(
        None,
        description="A Postgres 15 or newer; not given: one of our own in the data folder.",
    )
    secret: SecretStr | None = Field(
        None,
        description="What signs tokens, 32 bytes or more; not given: one in the data folder.",
    )
    host: str = Field("127.0.0.1", description="The address to serve on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to serve on.")
    log: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is said on standard error."
    )
    access_log: bool = Field(False, description="Log a line for each request.")
    demo: bool = Field(True, description="Fill an empty data folder with a demo utility.")
