"""A module with one action, for the tests that load modules by name."""

from bot.actions import action


@action(read_only=True)
def sample(name: str) -> str:
    """Say hello."""
    return f"hello {name}"
