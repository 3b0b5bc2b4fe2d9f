"""The soak itself: its floors, and its order where a tier ran beside the others."""

from pathlib import Path

from tests.soak.__main__ import TIERS
from tests.soak.replicas import FLOOR, floor, met


def test_every_tier_is_a_module_of_the_soak() -> None:
    assert all((Path(__file__).with_name(f"{module}.py")).is_file() for module in TIERS.values())


def test_r11_at_the_smallest_share_nothing_done_is_still_too_little() -> None:
    least = floor(0.0001)
    assert min(least.values()) >= 1 and not met(dict.fromkeys(FLOOR, 0), least)
    assert met(least, least) and not met(least | {"restarts": 0}, least)


def test_r11_the_whole_size_is_the_contracts() -> None:
    assert {what: 2 * least for what, least in floor(1.0).items()} == FLOOR
    assert FLOOR["restarts"] >= 500 and FLOOR["approvals"] >= 1_000
