"""Tier T2 of the soak; it is done by `crashes.py`."""

from tests.soak.crashes import at_random as soak

__all__ = ["soak"]
