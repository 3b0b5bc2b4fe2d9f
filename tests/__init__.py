"""The tests, laid out like `bot/`; the local servers that they talk to are in `tests/servers`."""
