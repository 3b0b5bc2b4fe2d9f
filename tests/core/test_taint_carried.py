"""S1: what a thread's earlier runs hold that nobody has checked is carried into a turn that is shown it."""

from bot.core.events import Asked, Doubted, Event, Judged, ModelReplied, RunFailed, Settled, Started, Voted
from bot.core.run import Run
from bot.core.taint import RETRIED, carried, unchecked
from bot.core.values import Answer, ApprovalId, CallId, Choice, Judgement, Person, Verdict
from tests.core.runs import ALICE, BOB, CAROL, NOON, PLACE, Story, replied, reply_delivered, said, story, terms
from tests.core.test_taint import begun, binding, gave, turn, wish

FAILED = RunFailed("The model is away.")
READ, NOTICED = ("output:read_a",), ("output:read_a", "user:U0BOB")


def told(*events: Event, message: str = "9", person: Person = ALICE, at: float = NOON + 100, brief: str = "") -> Run:
    """A later run of the same thread."""
    return Story().tell(Asked(person, PLACE, message, "go", brief=brief), *events, at=at)


def earlier(*events: Event) -> Run:
    run = story(*events).run
    assert run is not None
    return run


UNREAD = earlier(*begun("a"), gave("a"), FAILED)
SEEN = earlier(*begun("a"), gave("a"), replied(text="It says text."), reply_delivered())
RETRY = f"{RETRIED}run1"


def test_s1_what_the_model_had_read_in_earlier_runs_is_checked_by_a_new_request() -> None:
    assert carried(told(), [SEEN]) == () == carried(told(person=BOB), [SEEN])


def test_s1_what_no_turn_of_an_earlier_run_had_read_is_read_after_the_new_request() -> None:
    assert carried(told(), [UNREAD]) == READ


def test_s1_retry_is_nobodys_words_so_all_that_the_failed_run_had_read_is_unchecked() -> None:
    seen = earlier(*begun("a"), gave("a"), replied(*[wish("b")]), said("and bob", BOB, "2"), FAILED)
    assert carried(told(message=RETRY), [seen]) == NOTICED
    again = told(*begun("a"), gave("a"), FAILED, message=RETRY)
    assert carried(told(message=f"{RETRIED}run2", at=NOON + 200), [seen, again]) == NOTICED
    assert carried(told(), [seen]) == ()


def test_s1_what_the_requester_had_checked_in_the_failed_run_stays_checked_when_it_is_retried() -> None:
    failed = earlier(said("and bob", BOB, "2"), *begun("a"), gave("a"), *begun("b"), said("fine", message="3"), FAILED)
    assert carried(told(message=RETRY), [failed]) == ()


def test_s1_the_requesters_words_in_a_retried_run_check_what_it_was_shown_before_them() -> None:
    failed = earlier(*begun("a"), gave("a"), said("and bob", BOB, "2"), FAILED)
    asking = Judged(CallId("c"), Judgement(Verdict.ASK, "hm", "BIGHUB"), terms("c"))
    more = replied(wish("c", "grant", binding())), asking, said("go on", message="3")
    ended = Voted(ApprovalId("ap_c"), CAROL, Choice.DENY, "", "seal", "shell")
    assert carried(told(said("go on", message="3"), message=RETRY), [failed]) == READ
    assert carried(told(*more, ended, message=RETRY), [failed]) == ()


def test_s1_what_a_run_in_between_had_read_is_checked_by_the_request_after_it() -> None:
    between = told(replied(text="It says text."), reply_delivered())
    assert carried(told(at=NOON + 200), [UNREAD, between]) == ()
    assert carried(told(at=NOON + 200), [UNREAD, told(FAILED)]) == READ


def test_s1_what_an_action_of_an_earlier_run_reports_after_the_next_request_is_read_after_it() -> None:
    doubted = Doubted(CallId("a"), "a", ApprovalId("q")), Settled(CallId("a"), Answer.DID_RUN, CAROL)
    late = Story()
    late.tell(*(each.event for each in story(*begun("a"), *doubted, FAILED).journal))
    late.tell(gave("a"), at=NOON + 300)
    assert late.run is not None
    answered = told(replied(text="It ran."), reply_delivered())
    assert carried(told(at=NOON + 200), [late.run, answered]) == READ
    assert carried(told(at=NOON + 400), [late.run, answered]) == READ
    after = told(replied(text="It ran."), reply_delivered(), at=NOON + 400)
    assert carried(told(at=NOON + 500), [late.run, answered, after]) == ()


def test_s1_what_was_carried_into_a_turn_belongs_to_it_and_to_what_it_wants() -> None:
    wanting = turn(1)
    run = told(ModelReplied(wanting.items, "", wanting.proposals, 1, read=NOTICED), message=RETRY)
    assert unchecked(run, run.calls[0]) == NOTICED


def test_a_programs_run_is_carried_nothing() -> None:
    assert carried(told(brief='{"messages":[]}', message=RETRY), [UNREAD]) == ()


def test_s1_what_was_started_and_has_not_ended_tells_nothing_yet() -> None:
    assert carried(told(message=RETRY), [earlier(*begun("a")[:2], Started(CallId("a"), "a", "w"), FAILED)]) == ()
