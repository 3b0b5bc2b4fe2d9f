"""S30: which notices of a thread take back what people are asked about in another channel."""

from dataclasses import replace

from bot.core.events import CardShown, Delivered, Event
from bot.core.inputs import Clicked
from bot.core.placing import as_on_card, ended_in_thread
from bot.core.run import Run
from bot.core.values import ApprovalId, CallId
from tests.core.runs import ALICE, PLACE, judged, proposal, replied, story, terms, voted

CALL, THERE = CallId("t1c1"), "C0APPROVALS"


def asked(channel: str, *more: Event) -> Run:
    card = CardShown(CALL, channel, "card", "asking:0")
    run = story(replied(proposal()), judged(), card, Delivered(f"placed:{CALL}", "line"), *more).run
    assert run is not None
    return run


def anew() -> Run:
    """It was approved, and people are asked anew on the same card."""
    new = replace(judged(), terms=replace(terms(), approval=ApprovalId("ap_new")))
    return asked(THERE, voted(), new, Delivered("anew:ap_new", "second line"))


def pressed(run: Run, message: str, action: str = "withdraw", channel: str = PLACE.channel) -> tuple[str, str]:
    click = as_on_card(run, run.calls[0], Clicked(ALICE, action, "ap_t1c1", channel, message))
    return click.channel, click.message


def test_s30_the_lines_that_tell_of_a_card_elsewhere_end_what_it_asks_about_now() -> None:
    assert ended_in_thread(asked(THERE), f"placed:{CALL}") == "ap_t1c1"
    assert [ended_in_thread(anew(), about) for about in ("anew:ap_new", f"placed:{CALL}")] == ["ap_new"] * 2
    assert ended_in_thread(anew(), "anew:ap_t1c1") is None is ended_in_thread(asked(THERE), f"ended:{CALL}")
    assert ended_in_thread(asked(THERE, voted()), f"placed:{CALL}") is None


def test_s12_a_card_in_its_own_thread_needs_no_other_line() -> None:
    here = asked(PLACE.channel)
    assert ended_in_thread(here, f"placed:{CALL}") is None and pressed(here, "line") == (PLACE.channel, "line")


def test_s12_a_click_on_such_a_line_counts_as_one_on_the_card_and_no_other_does() -> None:
    assert pressed(anew(), "line") == pressed(anew(), "second line", "stop") == (THERE, "card")
    assert pressed(anew(), "third line") == (PLACE.channel, "third line")
    assert pressed(anew(), "line", "approve") == (PLACE.channel, "line")
    assert pressed(anew(), "line", channel="C0OTHER") == ("C0OTHER", "line")
