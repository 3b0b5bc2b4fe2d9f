"""An approval counts votes, and nothing else decides it."""

from dataclasses import replace

from bot.core import approval as approvals
from bot.core.approval import Approval, Resolution, key_id, seal, sealed_by
from bot.core.refusal import Refused
from bot.core.values import Choice
from tests.core.runs import BOB, CAROL, NOON, terms, voted

OPEN = Approval(terms(quorum=2), "d" * 64, NOON)


def test_a_resolved_approval_takes_no_vote_however_it_was_resolved() -> None:
    for resolution in Resolution:
        closed = approvals.resolve(OPEN, resolution, NOON)
        assert isinstance(approvals.vote(closed, voted(), "card", NOON), Refused)


def test_the_deciding_vote_is_there_only_where_a_person_decided() -> None:
    once = approvals.vote(OPEN, voted(person=CAROL), "card", NOON)
    assert isinstance(once, Approval) and once.deciding_vote is None
    twice = approvals.vote(once, voted(person=BOB), "card", NOON)
    assert isinstance(twice, Approval) and twice.resolution is Resolution.APPROVED
    assert twice.deciding_vote is not None and twice.deciding_vote.person == BOB
    assert approvals.resolve(once, Resolution.EXPIRED, NOON).deciding_vote is None


def test_a_vote_by_shell_needs_no_card_and_one_denial_ends_it() -> None:
    denied = approvals.vote(OPEN, replace(voted(Choice.DENY), via="shell", message=""), "card", NOON)
    assert isinstance(denied, Approval) and denied.resolution is Resolution.DENIED


def test_a_seal_holds_under_any_of_the_keys_and_under_no_other() -> None:
    mark = seal(b"old", "text")
    assert mark.startswith(key_id(b"old")) and sealed_by((b"new", b"old"), "text", mark)
    assert not sealed_by((b"new",), "text", mark) and not sealed_by((b"old",), "other text", mark)
    assert not sealed_by((b"old",), "text", "") and not sealed_by((), "text", mark)
