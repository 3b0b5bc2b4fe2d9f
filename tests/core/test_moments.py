"""What a guard's memory is told of a run: each moment once, in batches, when the run comes to rest."""

from dataclasses import replace

from bot.core.effects import Remember
from bot.core.events import Delivered, Event, Finished, Judged, Started
from bot.core.moments import moments, rests, untold
from bot.core.owed import pending
from bot.core.run import Run
from bot.core.values import CallId, Verdict
from tests.core.runs import Story, asked, judged, proposal, replied, story, voted


def decided(call: str = "t1c1", verdict: Verdict = Verdict.ASK) -> Judged:
    said = judged(call, verdict)
    return replace(said, judgement=replace(said.judgement, decision='{"mode":"review"}'))


def owed(run: Run) -> list[Remember]:
    return [each for each in pending(run) if isinstance(each, Remember)]


def executed(call: str = "t1c1") -> list[Started | Finished]:
    return [Started(CallId(call), "a", "w"), Finished(CallId(call), "a", True, "{}", 0.1)]


def names(run: Run) -> list[str]:
    return [moment.id for moment in untold(run)]


def of_program(*events: Event) -> Story:
    told = Story()
    told.tell(replace(asked(), brief='{"messages":[]}'), *events)
    return told


def test_a_program_that_waits_for_people_has_told_what_was_asked() -> None:
    run = of_program(replied(proposal()), decided()).tell()
    assert rests(run) and names(run) == ["t1c1:approval_required"] and owed(run) == [Remember(1)]


def test_a_persons_run_tells_everything_once_when_it_has_ended() -> None:
    told = story(replied(proposal()), decided())
    assert not owed(told.tell())
    told.tell(replace(voted(), via="shell"), *executed())
    assert not owed(told.tell(replied(text="Done.")))
    run = told.tell(Delivered("reply:1"))
    assert names(run) == ["t1c1:approval_required", "t1c1:executed"] and owed(run) == [Remember(1)]
    assert not owed(told.tell(Delivered("memory:1", "t1c1:approval_required,t1c1:executed")))


def test_nothing_is_told_while_a_call_is_under_way() -> None:
    told = of_program(replied(proposal(), proposal("t1c2")), decided(), decided("t1c2", Verdict.ALLOW))
    assert not owed(told.tell(Started(CallId("t1c2"), "a", "w")))
    assert owed(told.tell(Finished(CallId("t1c2"), "a", True, "{}", 0.1))) == [Remember(1)]


def test_each_moment_is_told_once() -> None:
    told = of_program(replied(proposal()), decided())
    run = told.tell(Delivered("memory:1", "t1c1:approval_required"))
    assert not owed(run)
    told.tell(replace(voted(), via="program"), *executed())
    run = told.tell(replied(text="Done."))
    assert names(run) == ["t1c1:executed"] and owed(run) == [Remember(2)]
    run = told.tell(Delivered("memory:2", "t1c1:executed"))
    assert not owed(run) and [moment.id for moment in moments(run)] == ["t1c1:approval_required", "t1c1:executed"]


def test_where_only_the_local_rules_judged_nobody_is_told() -> None:
    assert not owed(story(replied(proposal()), judged()).tell())


def test_a_programs_run_tells_of_a_call_that_nobody_judged() -> None:
    told = of_program(replied(proposal(valid=False)))
    assert owed(told.tell(replied(text="I cannot."))) == [Remember(1)]
