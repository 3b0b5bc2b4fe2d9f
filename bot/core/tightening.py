"""An open approval whose terms become stricter, because the policy has; nothing here makes them milder. Pure.

Rule 1: the new terms demand all that the old ones do, and more. The question stays the same one, and so do the votes that hold.
Rule 2: an approval that was given before and does not hold under the new terms is void, and may be given again. A denial holds.
Rule 3: denials that were not enough and are now end it. Nothing is ever approved by this.
What the policy of today demands is the engine's to say.
"""

from dataclasses import replace

from bot.core.approval import Approval, Resolution, Vote, resolve
from bot.core.events import Tightened
from bot.core.refusal import Refused
from bot.core.terms import demands_of, denied, may_vote, stricter
from bot.core.values import Choice, Person, Terms
from bot.core.visible import shows

NOT_STRICTER = Refused("Those terms are not stricter than what people were asked on.")


def tighten(approval: Approval, event: Tightened, at: float) -> Approval | Refused:
    old, new = approval.terms, event.terms
    if approval.resolution is not None or at >= old.expires_at:
        return Refused("This is not asked about any more.")
    if new.approval != old.approval or stricter(old, new) or not stricter(new, old):
        return NOT_STRICTER
    void = tuple(vote for vote in approval.votes if vote.choice is Choice.APPROVE and vote.person.user in event.void)
    kept = tuple(vote for vote in approval.votes if vote not in void)
    after = replace(approval, terms=new, earlier=(*approval.earlier, old), tightened_at=at, votes=kept)
    after = replace(after, seals=(*approval.seals, event.seal), void=(*approval.void, *void))
    return resolve(after, Resolution.DENIED, at) if denied(new, kept) else after


def why_void(terms: Terms, vote: Vote, requester: Person) -> str:
    """Why an approval that was given before does not hold under ``terms``; "" where it does."""
    if vote.choice is not Choice.APPROVE:
        return ""
    if not terms.requester_may_approve and vote.person.user == requester.user:
        return "whoever asked for it may not approve it"
    if not may_vote(terms, vote.person.user, vote.counts_as, vote.at):
        return "others must approve it"
    if terms.comment_required and not shows(vote.comment):
        return "it has no comment"
    return ""


def demanded_since(approval: Approval) -> tuple[str, ...]:
    """What the terms demand that those of the beginning did not, in words; () where nothing was tightened."""
    old, new = (*approval.earlier, approval.terms)[0], approval.terms
    within = (old.execute_within, old.recheck_after) != (new.execute_within, new.recheck_after)
    said = {
        "more or other approvals": demands_of(new) != demands_of(old) or new.not_alone != old.not_alone,
        "not by whoever asked for it": new.requester_may_approve is not old.requester_may_approve,
        "a comment with each approval": new.comment_required is not old.comment_required,
        "fewer denials end it": new.denials != old.denials,
        "less time to decide": new.expires_at != old.expires_at,
        "less time between the approval and the run": within,
    }
    return tuple(words for words, holds in said.items() if holds)
