"""What the core guards in a moment that no other story passes."""

from dataclasses import replace

import pytest

from bot.core.call import CallState
from bot.core.effects import StartAction
from bot.core.events import Doubted, Started
from bot.core.owed import pending
from bot.core.values import ApprovalId, CallId, Verdict
from tests.core.runs import judged, proposal, replied, story

CALL = CallId("t1c1")


@pytest.mark.parametrize("on_crash", ["ask", "probe", "rerun"])
def test_r2_what_is_in_doubt_is_never_started_again(on_crash: str) -> None:
    bound = replace(proposal(), binding=replace(proposal().binding, on_crash=on_crash))
    told = story(replied(bound), judged(verdict=Verdict.ALLOW), Started(CALL, "attempt1", "worker"))
    told.tell(Doubted(CALL, "attempt1", ApprovalId("question")))
    assert told.try_to(Started(CALL, "attempt2", "another")) is not None
    assert told.run.call("t1c1").state is CallState.IN_DOUBT
    assert not [effect for effect in pending(told.run) if isinstance(effect, StartAction)]
