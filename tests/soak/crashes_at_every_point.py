"""Tier T1 of the soak; it is done by `crashes.py`."""

from tests.soak.crashes import every_point as soak

__all__ = ["soak"]
