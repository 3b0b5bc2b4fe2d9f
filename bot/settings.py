"""Environment and files → one frozen `Settings`, read once. Nothing else in Signoff reads the environment.

A missing or wrong setting is named in one line with its remedy (`ConfigurationError`).
"""

import os
import secrets
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import ConfigurationError

REMEDIES = {
    "SLACK_BOT_TOKEN": "the bot token (xoxb-…) from “OAuth & Permissions” of your Slack app",
    "SLACK_APP_TOKEN": "an app-level token (xapp-…) with connections:write",
    "SLACK_SIGNING_SECRET": "the signing secret from “Basic Information” of your Slack app",
    "OPENAI_API_KEY": "a key of the OpenAI platform (sk-…)",
    "SIGNOFF_ACTIONS": "the modules or files with your actions, comma separated, for example ./ops/actions.py",
    "SIGNOFF_SEAL_KEY": "a random key of at least 32 characters without a comma, the same on every replica; to change it: new,old",
}
MIN_SEAL_KEY = 32


class Settings(BaseSettings):
    """Times in seconds. See README.md for what each one does."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True)

    slack_bot_token: SecretStr = Field(SecretStr(""), validation_alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr | None = Field(None, validation_alias="SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr | None = Field(None, validation_alias="SLACK_SIGNING_SECRET")
    slack_api_url: str = Field("https://slack.com/api/", validation_alias="SLACK_API_URL")
    slack_pacing: bool = Field(True, validation_alias="SIGNOFF_SLACK_PACING")
    openai_api_key: SecretStr = Field(SecretStr(""), validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(None, validation_alias="OPENAI_BASE_URL")
    bighub_api_key: SecretStr | None = Field(None, validation_alias="BIGHUB_API_KEY")
    bighub_base_url: str | None = Field(None, validation_alias="BIGHUB_BASE_URL")
    bighub_memory: bool = Field(True, validation_alias="SIGNOFF_BIGHUB_MEMORY")
    database_url: str = Field("sqlite:///signoff.db", validation_alias="DATABASE_URL")
    model: str = Field("gpt-5.5", validation_alias="SIGNOFF_MODEL")
    model_stream: bool = Field(False, validation_alias="SIGNOFF_MODEL_STREAM")
    model_timeout: float = Field(120.0, gt=0, validation_alias="SIGNOFF_MODEL_TIMEOUT_SECONDS")
    actions: str = Field("", validation_alias="SIGNOFF_ACTIONS")
    policy: Path | None = Field(None, validation_alias="SIGNOFF_POLICY")
    host: str = Field("127.0.0.1", validation_alias="SIGNOFF_HOST")
    port: int = Field(3000, ge=0, le=65535, validation_alias="SIGNOFF_PORT")
    heartbeat_seconds: float = Field(10.0, ge=2, le=120, validation_alias="SIGNOFF_HEARTBEAT_SECONDS")
    drain_seconds: float = Field(10.0, ge=0, validation_alias="SIGNOFF_DRAIN_SECONDS")
    give_up_seconds: float = Field(900.0, gt=0, validation_alias="SIGNOFF_GIVE_UP_SECONDS")
    max_tool_rounds: int = Field(8, ge=1, validation_alias="SIGNOFF_MAX_TOOL_ROUNDS")
    max_tokens: int = Field(1_000_000, ge=1, validation_alias="SIGNOFF_MAX_TOKENS")
    max_run_seconds: float = Field(14_400.0, gt=0, validation_alias="SIGNOFF_MAX_RUN_SECONDS")
    max_takeovers: int = Field(5, ge=1, validation_alias="SIGNOFF_MAX_TAKEOVERS")
    seal_key: SecretStr | None = Field(None, validation_alias="SIGNOFF_SEAL_KEY")

    @property
    def postgres_dsn(self) -> str:
        """The address without SQLAlchemy's driver, as asyncpg takes it."""
        _, _, address = self.database_url.partition("://")
        return f"postgresql://{address}"

    @property
    def policy_file(self) -> Path | None:
        """The file that SIGNOFF_POLICY names, else `policy.yml` where there is one."""
        return self.policy or next((path for path in (Path("policy.yml"),) if path.exists()), None)

    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown or logged."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(v.get_secret_value() for v in values if isinstance(v, SecretStr) and v.get_secret_value())

    @property
    def socket_mode(self) -> bool:
        return self.slack_app_token is not None


TO_RUN = ("SLACK_BOT_TOKEN", "OPENAI_API_KEY", "SIGNOFF_ACTIONS")
TO_DECIDE = ("SLACK_BOT_TOKEN",)


def read_settings(*need: str, **given: str) -> Settings:
    """Read the environment once (``given`` goes before it). Raises `ConfigurationError`, a line for each variable that is
    wrong, and for each of ``need`` that is missing."""
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as wrong:
        raise ConfigurationError("\n".join(_line(str(e["loc"][0]), str(e["msg"])) for e in wrong.errors())) from None
    fields = {str(field.validation_alias): name for name, field in Settings.model_fields.items()}
    missing = [
        f"{name} is not set: it is {REMEDIES[name]}." for name in need if not _text(getattr(settings, fields[name]))
    ]
    if need == TO_RUN and not settings.socket_mode and settings.slack_signing_secret is None:
        app, secret = REMEDIES["SLACK_APP_TOKEN"], REMEDIES["SLACK_SIGNING_SECRET"]
        missing.append(f"Set SLACK_APP_TOKEN ({app}) for Socket Mode, or SLACK_SIGNING_SECRET ({secret}) for HTTP.")
    if missing:
        raise ConfigurationError("\n".join(missing))
    return settings


def _text(value: object) -> str:
    return value.get_secret_value().strip() if isinstance(value, SecretStr) else str(value or "").strip()


def _line(name: str, message: str) -> str:
    remedy = f" It is {REMEDIES[name]}." if name in REMEDIES else ""
    return f"{name} is wrong: {message}.{remedy}"


def seal_keys(settings: Settings, database: Path | None) -> tuple[bytes, ...]:
    """The keys of the seal, the present one first. Unset: made once in a file of mode 600 beside ``database``, SQLite's file."""
    if settings.seal_key is not None:
        keys = tuple(key.strip().encode() for key in settings.seal_key.get_secret_value().split(",") if key.strip())
        short = [number for number, key in enumerate(keys, 1) if len(key) < MIN_SEAL_KEY]
        if short or not keys:
            which = (
                f"its key {short[0]} of {len(keys)}, counted by commas, is too short"
                if len(keys) > 1
                else "it is too short"
            )
            raise ConfigurationError(f"SIGNOFF_SEAL_KEY is wrong: {which}. It is {REMEDIES['SIGNOFF_SEAL_KEY']}.")
        return keys
    if database is None:
        raise ConfigurationError(f"SIGNOFF_SEAL_KEY is not set: with Postgres it is {REMEDIES['SIGNOFF_SEAL_KEY']}.")
    return (_key_file(database.with_name(database.name + ".seal-key")),)


def _key_file(path: Path) -> bytes:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            made.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    except OSError as broken:
        raise ConfigurationError(f"The seal key could not be kept in {path}: {broken.strerror}.") from broken
    key = path.read_text().strip()
    if len(key) < MIN_SEAL_KEY:
        raise ConfigurationError(
            f"{path} does not hold a seal key: restore it, or delete it to make a new one (open approvals lapse)."
        )
    return key.encode()
