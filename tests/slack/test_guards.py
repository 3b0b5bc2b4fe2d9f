"""What the Slack room guards in a moment that no other story passes."""

from typing import Any

import pytest

from bot.core.authority import may_ask, may_decide
from bot.core.inputs import Profile
from bot.core.policy import Defaults, Policy
from bot.core.refusal import Refused
from bot.core.values import Person
from bot.slack.chat import _profile
from tests.slack.made import ALICE, terms

CAROL = Person("T0ACME", "U0CAROL")
WHOLE: dict[str, Any] = {
    "id": "U0CAROL", "team_id": "T0ACME", "deleted": False, "is_bot": False, "is_restricted": False, "is_ultra_restricted": False,
}  # fmt: skip


def may(described: object) -> bool:
    """Whether whoever Slack describes so may ask and decide."""
    found = _profile(CAROL, described)
    if not isinstance(found, Profile):
        return False
    agreed = terms(approvers=("user:U0CAROL",))
    decides = may_decide(found, ALICE, agreed, {}, "T0ACME")
    asks = may_ask(Policy(Defaults()), found, "T0ACME")
    assert isinstance(decides, Refused) == isinstance(asks, Refused)
    return decides is None


@pytest.mark.parametrize("missing", WHOLE)
def test_s10_what_slack_does_not_say_of_a_person_is_held_against_them(missing: str) -> None:
    assert may(WHOLE)
    assert not may({name: value for name, value in WHOLE.items() if name != missing})
    assert not may(WHOLE | {"id": "U0EVE"}) and not may(WHOLE | {"team_id": ""}) and not may(None)
