"""An approval: the open question to people, bound to one digest, and what their votes make of it. Also the seal.

Rule 1: an approval takes votes only while it is open, before it expires, from the card that it recorded.
Rule 2: each person votes once (Slack's user ids are unique across workspaces); as many denials as the terms say (`terms.py`), mostly
one, end it; approvals that meet every demand of the terms approve it. A denial needs no comment, whatever the terms say of one. Whoever
approved may still deny while it is open: that takes their approval back and is their vote from then on. A denial stays. Whoever
approved before the terms were tightened, and counts for what these demand beside, may approve again: that takes the earlier one's place.
Rule 3: who may vote is `policy.py`'s; this file counts.
Rule 4: what lets a call start is sealed with a key that the database does not hold. Each event says how much its seal ``covers``:
0: a seal of before. It covers neither when nor where people were asked, nor who had changed the arguments, nor when a vote was given
and with what words: whoever writes the database may change those. Such seals are as old as their question, which an older release asked;
none lets anything start once its question's time is over, and that time they do cover.
(What a guard of then allowed at once has no expiry and no time that counts.)
`COVERS`: all of that, too. No seal can be passed off as one of the other kind.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.core.events import Voted
from bot.core.glass import BY_GLASS, NEEDS_REASON
from bot.core.refusal import Refused
from bot.core.terms import Cast, all_approvers, denied, may_vote, missing, sealed_beyond
from bot.core.values import ApprovalId, Binding, Choice, Judgement, Person, Summons, Terms

BY_PROGRAM = "program"
"""How a vote came, where a program gave it for itself."""
COVERS = 1
Given = tuple[float, str, tuple[str, ...]]
"""When a vote was given (epoch seconds), with what comment, after which seals of others."""
VOTED = "You have already voted on this."
VOTED_FOR = f"{VOTED} Deny takes your approval back."
NEEDS_COMMENT = "An approval of this needs a comment. Please say in it why this should run."
NOT_YET = "It is not your turn yet: you are asked only if nobody has decided in time."
NOT_THE_CARD = "That is not the card of this approval any more. Please use the newest card in the thread."


class Resolution(StrEnum):
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's click. ``at`` in epoch seconds, ``via``, ``counts_as``, ``covers`` and ``waited`` as in `Voted`; ``under``: how
    often the terms had been tightened by then; ``after``: the seals of the votes that stood then."""

    person: Person
    choice: Choice
    comment: str
    at: float
    via: str
    seal: str
    counts_as: tuple[str, ...] = ()
    under: int = 0
    waited: float | None = None
    covers: int = 0
    after: tuple[str, ...] = ()

    @property
    def given(self) -> "Given":
        return self.at, self.comment, self.after


@dataclass(frozen=True, slots=True)
class Told:
    """The thread was told under an effect's ``key``, and those of ``summons`` are. ``at`` in epoch seconds."""

    key: str
    at: float
    summons: tuple[Summons, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """``digest`` is what is approved; ``resolution`` is None while the question is open. ``told``: the reminders. ``earlier``: the terms
    before they were tightened, oldest first, the last time at ``tightened_at``; ``seals``: of the terms that each time took their place;
    ``void``: the approvals that do not hold since. ``request``: the guard's name for the question; ``former``: the one before it, where
    people are asked anew; ``again``: how many approvals took an earlier one's place."""

    terms: Terms
    digest: str
    opened_at: float
    votes: tuple[Vote, ...] = ()
    resolution: Resolution | None = None
    resolved_at: float = 0.0
    told: tuple[Told, ...] = ()
    earlier: tuple[Terms, ...] = ()
    seals: tuple[str, ...] = ()
    tightened_at: float = 0.0
    void: tuple[Vote, ...] = ()
    request: str = ""
    former: "Approval | None" = None
    again: int = 0

    @property
    def instead_of(self) -> ApprovalId | None:
        return self.former.terms.approval if self.former is not None else None

    @property
    def deciding_vote(self) -> Vote | None:
        """The vote that resolved it; None while it is open and where no person did: somebody may have voted that was not enough."""
        if self.resolution is Resolution.DENIED and not denied(self.terms, self.votes):
            return None
        choice = {Resolution.APPROVED: Choice.APPROVE, Resolution.DENIED: Choice.DENY}.get(
            self.resolution or Resolution.EXPIRED
        )
        return next((vote for vote in reversed(self.votes) if vote.choice is choice), None)

    @property
    def given(self) -> int:
        """How many votes it has, those given again counted twice."""
        return len(self.votes) + self.again

    @property
    def against(self) -> int:
        """How many have denied it."""
        return sum(vote.choice is Choice.DENY for vote in self.votes)


def resolve(approval: Approval, resolution: Resolution, at: float) -> Approval:
    return replace(approval, resolution=resolution, resolved_at=at)


def vote(approval: Approval, voted: Voted, card: str, at: float) -> Approval | Refused:
    """Count one vote. ``card`` is the recorded card's ``ts``; a vote by a shell or a program needs none."""
    if approval.resolution is not None:
        return Refused(f"This was already {approval.resolution}.")
    if at >= approval.terms.expires_at:
        return Refused("This approval has expired.")
    if voted.via in ("slack", BY_GLASS) and voted.message != card:
        return Refused(NOT_THE_CARD)
    if voted.via == BY_GLASS:
        return _alone(approval, voted, at)
    earlier = next((each for each in approval.votes if each.person.user == voted.person.user), None)
    again = earlier is not None and voted.choice is Choice.APPROVE and may_again(approval, earlier, voted)
    if earlier is not None and not again and (earlier.choice, voted.choice) != (Choice.APPROVE, Choice.DENY):
        return Refused(VOTED if earlier.choice is Choice.DENY else VOTED_FOR)
    if voted.choice is Choice.APPROVE and approval.terms.comment_required and not voted.comment.strip():
        return Refused(NEEDS_COMMENT)
    if approval.terms.quorums and not may_vote(approval.terms, voted.person.user, voted.counts_as, at):
        return Refused(NOT_YET)
    others = (each for each in approval.votes if each is not earlier)
    counted = replace(approval, votes=(*others, _vote(voted, at, approval)), again=approval.again + again)
    if denied(approval.terms, counted.votes):
        return resolve(counted, Resolution.DENIED, at)
    if not missing(approval.terms, counted.votes, at):
        return resolve(counted, Resolution.APPROVED, at)
    return counted


def may_again(approval: Approval, earlier: Vote, now: Cast) -> bool:
    """Whether an approval of somebody as what they are ``now`` may take the place of their ``earlier`` one."""
    tightened = earlier.choice is Choice.APPROVE and earlier.under < len(approval.earlier)
    more = {*now.counts_as} - {*earlier.counts_as, f"user:{earlier.person.user}"}
    return tightened and not more.isdisjoint(all_approvers(approval.terms))


def why_denied(approval: Approval) -> str:
    """The reasons of all who denied it; "" where nobody gave one."""
    said = (vote.comment.strip() for vote in approval.votes if vote.choice is Choice.DENY)
    return "\n".join(filter(None, said))


def _alone(approval: Approval, voted: Voted, at: float) -> Approval | Refused:
    """One person approves against any quorum; whoever was not enough before may do so too."""
    if voted.choice is not Choice.APPROVE or not voted.comment.strip():
        return Refused(NEEDS_REASON)
    alone = _vote(voted, at, approval)
    return resolve(replace(approval, votes=(*approval.votes, alone)), Resolution.APPROVED, at)


def standing(approval: Approval) -> tuple[str, ...]:
    """The seals of the votes that count now."""
    return tuple(vote.seal for vote in approval.votes)


def _vote(voted: Voted, at: float, before: Approval) -> Vote:
    who, said = (voted.person, voted.choice, voted.comment), (voted.via, voted.seal, voted.counts_as)
    return Vote(*who, at, *said, len(before.earlier), voted.waited, voted.covers, standing(before))


def as_voted(approval: Approval, vote: Vote) -> Approval:
    """The approval as it stood when the vote was given, which is what its seal covers."""
    terms = (*approval.earlier, approval.terms)[vote.under]
    return replace(approval, terms=terms, earlier=approval.earlier[: vote.under])


def vote_text(
    run: str,
    approval: Approval,
    person: Person,
    choice: Choice,
    via: str,
    counts_as: tuple[str, ...] = (),
    given: Given | None = None,
) -> str:
    """What the seal of a vote covers: which run and question, which bytes, until when, who, what, how, as what; the whole of terms
    that were tightened, so that none is taken for a vote under the milder ones of before; and when it was ``given`` (the last one's is
    when the approval was resolved), with what comment, and after which votes, so that no denial is taken away from under it. None
    for a seal of before."""
    terms = approval.terms
    bound = (terms.approval, approval.digest, terms.expires_at, terms.quorum)
    since = [[len(approval.earlier), *_terms_text(terms)]] if approval.earlier else []
    when = [] if given is None else [["given", *given]]
    return json.dumps(["vote", run, *bound, person.team, person.user, choice, via, *counts_as, *since, *when])


def permission_text(
    run: str,
    call: str,
    binding: Binding,
    terms: Terms | None,
    judgement: Judgement | None = None,
    asked: tuple[object, ...] | None = None,
) -> str:
    """What the seal of a judgement covers: everything that the card shows and that the votes rest on. Without ``terms`` the
    guard allowed the call without asking anybody. ``asked``: where and when people were, and who had changed the arguments. Seals of
    before go without it; those of before that without ``judgement``, too: they do not cover the guard's risk."""
    where = (binding.digest, binding.definition, binding.target, binding.system, binding.environment, binding.risk)
    how = (binding.read_only, binding.on_crash, list(binding.order), list(binding.secret))
    said = [] if judgement is None else [f"risk={judgement.risk!r}"]
    when = [] if asked is None else [["asked", *asked]]
    return json.dumps(["judged", run, call, *where, *how, None if terms is None else _terms_text(terms), *said, *when])


def _terms_text(terms: Terms) -> list[object]:
    who = (list(terms.approvers), terms.quorum, terms.requester_may_approve)
    return [terms.approval, *who, terms.expires_at, *sealed_beyond(terms)]


def seal(key: bytes, text: str) -> str:
    """``keyid:mac``: HMAC-SHA256 over ``text``; the key id lets keys be changed while approvals wait."""
    return f"{key_id(key)}:{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"


def key_id(key: bytes) -> str:
    return hashlib.sha256(b"signoff-seal-key" + key).hexdigest()[:8]


def sealing_key(value: str) -> str:
    """The id of the key that a seal says it is by; "" where it is no seal."""
    name, _, mac = value.partition(":")
    hexadecimal = all(each in "0123456789abcdef" for each in name + mac)
    return name if (len(name), len(mac)) == (8, 64) and hexadecimal else ""


def sealed_by(keys: tuple[bytes, ...], text: str, value: str) -> bool:
    """Whether ``value`` is a seal over ``text`` by one of ``keys``."""
    return any(hmac.compare_digest(seal(key, text).encode(), value.encode()) for key in keys)
