"""Who has decided enough: the demands of an approval's terms, the votes that meet them, and which of two terms is stricter. Pure.

Rules
1. Every `Quorum` must be met on its own. Within one, a person takes one seat only, so that one of each of two groups is two people
   even where somebody is in both. Two quorums are two rules, and one person may serve both.
2. A vote counts for an approver by the person's id, or as what they were (``counts_as``) when the vote was worked.
3. `both` is the least that is as strict as each of two terms: commutative, associative, and with itself nothing new.
   `stricter(new, old)` is "`both` of them is more than `old`": defined for any two terms, also where neither implies the other.
4. As many denials as the terms say end it; fewer too where so few are left that they could not approve it any more, as far as
   the names tell (who is in a group, they do not). That the requester may not vote is not looked at: what is stored folds as it did,
   and `vain.py` says on the card that nobody is left.
5. Where all demands are met, but by one person alone who may not be (``not_alone``), one more is wanted.
6. Whoever breaks the glass (`glass.py`) decides alone, whatever is demanded.
7. Strictness is about what may run, by whose leave and until when. Reminders, the card's place and what a turn had read are neither.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from math import inf
from typing import Protocol

from bot.core.glass import BY_GLASS
from bot.core.values import Choice, Person, Quorum, Share, Terms

NOBODY = Person("", "")


class Cast(Protocol):
    """A vote, as far as it counts."""

    @property
    def person(self) -> Person: ...
    @property
    def choice(self) -> Choice: ...
    @property
    def via(self) -> str: ...
    @property
    def counts_as(self) -> tuple[str, ...]: ...


class OnExpiry(StrEnum):
    """What becomes of a request when its time is over: it is refused; its escalation group gets the same time again; it stays."""

    DENY = "deny"
    ESCALATE = "escalate"
    KEEP = "keep"


class Denials(StrEnum):
    """How many denials end a request: one, or more than half as many as approvals are demanded."""

    ONE = "one"
    MAJORITY = "majority"


@dataclass(frozen=True, slots=True)
class Lack:
    """``count`` more people of ``approvers`` are wanted."""

    count: int
    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Anyone:
    """Somebody of one group who has not voted."""

    counts_as: tuple[str, ...]
    person: Person = NOBODY
    choice: Choice = Choice.APPROVE
    via: str = "slack"


# --- counting ---------------------------------------------------------------------------------------------------------


def quorums_of(terms: Terms) -> tuple[Quorum, ...]:
    """Every demand, also where the terms are just so many of some approvers."""
    return terms.quorums or (Quorum(terms.approvers, terms.quorum),)


def demands_of(terms: Terms) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """What is demanded, as so many of so-and-so; those of a quorum with shares beside them."""
    found: list[tuple[int, tuple[str, ...]]] = []
    for quorum in quorums_of(terms):
        seats = sum(share.count for share in quorum.shares)
        found += [(share.count, (share.approver,)) for share in quorum.shares]
        found += [(quorum.count - seats, quorum.approvers)] if quorum.count > seats else []
    return tuple(found)


def missing(terms: Terms, votes: Sequence[Cast], at: float) -> tuple[Lack, ...]:
    """Who is still wanted; () where the approvals among ``votes`` are enough. ``at``: epoch seconds, for what has escalated."""
    approving = tuple({vote.person.user: vote for vote in votes if vote.choice is Choice.APPROVE}.values())
    if any(vote.via == BY_GLASS for vote in approving):
        return ()
    return _lacking(terms, approving, at) or _second(terms, approving, at)


def _lacking(terms: Terms, approving: Sequence[Cast], at: float) -> tuple[Lack, ...]:
    if not terms.quorums:
        old = [vote for vote in approving if not vote.counts_as or _counts(vote, terms.approvers)]
        lacking = terms.quorum - len(old)
        return (Lack(lacking, terms.approvers),) if lacking > 0 else ()
    return tuple(lack for quorum in terms.quorums for lack in _lacks(quorum, approving, at))


def denied(terms: Terms, votes: Sequence[Cast]) -> bool:
    """Whether the denials among ``votes`` end it."""
    denying = {f"user:{vote.person.user}" for vote in votes if vote.choice is Choice.DENY}
    if not denying:
        return False
    left = ({*quorum.approvers, *quorum.escalate_to} - denying for quorum in quorums_of(terms))
    counts = (quorum.count for quorum in quorums_of(terms))
    hopeless = (all_named(names) and len(names) < count for names, count in zip(left, counts, strict=True))
    return len(denying) >= terms.denials or any(hopeless)


def all_named(approvers: Iterable[str]) -> bool:
    """Whether they are people, and no group of them."""
    return all(name.startswith("user:") for name in approvers)


def _second(terms: Terms, approving: Sequence[Cast], at: float) -> tuple[Lack, ...]:
    alone = {vote.person.user for vote in approving}
    if len(alone) != 1 or not alone & set(terms.not_alone):
        return ()
    called = (name for quorum in terms.quorums for name in _called_in(quorum, at))
    names = dict.fromkeys((*terms.approvers, *called))
    return (Lack(1, tuple(name for name in names if name not in {f"user:{user}" for user in alone})),)


def may_vote(terms: Terms, person: str, counts_as: Sequence[str], at: float) -> bool:
    """Whether a vote of this person would count for any of the demands at this moment."""
    return at >= counts_from(terms, person, counts_as)


def counts_from(terms: Terms, person: str, counts_as: Sequence[str]) -> float:
    """From when on (epoch seconds) a vote of this person would count for any of the demands: 0.0 for an approver, when it escalates
    for whom it does that to, infinity for anybody else."""
    demands = quorums_of(terms)
    if any(_is(person, counts_as, quorum.approvers) for quorum in demands):
        return 0.0
    called = (quorum for quorum in demands if quorum.escalates_at and _is(person, counts_as, quorum.escalate_to))
    return min((quorum.escalates_at for quorum in called), default=inf)


def all_approvers(terms: Terms) -> tuple[str, ...]:
    """All who may ever vote, those of an escalation included."""
    later = (name for quorum in terms.quorums for name in quorum.escalate_to)
    return tuple(dict.fromkeys((*terms.approvers, *later)))


def _called_in(quorum: Quorum, at: float) -> tuple[str, ...]:
    """Who counts besides the approvers, once it has escalated."""
    return quorum.escalate_to if quorum.escalates_at and at >= quorum.escalates_at else ()


def _lacks(quorum: Quorum, votes: Sequence[Cast], at: float) -> Iterator[Lack]:
    called = _called_in(quorum, at)
    approvers = (*quorum.approvers, *called)
    eligible = [vote for vote in votes if _counts(vote, approvers)]
    empty = _empty_seats(quorum, eligible, called)
    if len(empty) == 1:
        # Whoever is in several groups may yet move to the empty seat, so that another group fills the last one, too.
        another = [(share.approver, (*eligible, _Anyone((share.approver,)))) for share in quorum.shares]
        fill = [name for name, votes in another if not _empty_seats(quorum, votes, called)]
        yield Lack(1, tuple(dict.fromkeys((*fill, *called))))
    for share in quorum.shares:
        if len(empty) > 1 and (lacking := empty.count(share)):
            yield Lack(lacking, tuple(dict.fromkeys((share.approver, *called))))
    beyond = quorum.count - len(eligible) - len(empty)
    if beyond > 0:
        yield Lack(beyond, approvers)


def _empty_seats(quorum: Quorum, votes: Sequence[Cast], anywhere: Sequence[str]) -> list[Share]:
    """The seats of the shares that nobody takes, when as many as possible are taken and everybody takes one at most. ``anywhere``:
    whose seat may be any."""
    seats = [share for share in quorum.shares for _ in range(share.count)]
    takes: dict[int, int] = {}

    def seated(seat: int, tried: set[int]) -> bool:
        for number, vote in enumerate(votes):
            if number in tried or not _counts(vote, (seats[seat].approver, *anywhere)):
                continue
            tried.add(number)
            if number not in takes or seated(takes[number], tried):
                takes[number] = seat
                return True
        return False

    return [seats[seat] for seat in range(len(seats)) if not seated(seat, set())]


def _counts(vote: Cast, approvers: Sequence[str]) -> bool:
    return _is(vote.person.user, vote.counts_as, approvers)


def _is(user: str, counts_as: Sequence[str], approvers: Sequence[str]) -> bool:
    return f"user:{user}" in approvers or any(name in approvers for name in counts_as)


# --- comparing --------------------------------------------------------------------------------------------------------


def both(one: Terms, other: Terms) -> Terms:
    """The least that is as strict as each; approval and rule of ``one``."""
    strict = demanding(
        replace(one, requester_may_approve=one.requester_may_approve and other.requester_may_approve),
        (*quorums_of(one), *quorums_of(other)),
    )
    return replace(
        strict,
        expires_at=min(one.expires_at, other.expires_at),
        comment_required=one.comment_required or other.comment_required,
        denials=min(one.denials, other.denials),
        recheck_after=soonest(one.recheck_after, other.recheck_after),
        execute_within=soonest(one.execute_within, other.execute_within),
        remind_after=soonest(one.remind_after, other.remind_after),
        post_to=tuple(sorted({*one.post_to, *other.post_to})),
        rules=tuple(sorted({*one.rules, *other.rules})),
        not_alone=tuple(sorted({*one.not_alone, *other.not_alone})),
        tainted=tuple(sorted({*one.tainted, *other.tainted})),
    )


def stricter(new: Terms, old: Terms) -> bool:
    """Whether ``new`` demands anything that ``old`` does not."""
    return _strictness(both(old, new)) != _strictness(old)


def demanding(terms: Terms, quorums: Sequence[Quorum]) -> Terms:
    """``terms`` with these demands, those left out that follow from another. One that nobody can meet makes it nobody's."""
    kept = _normal(quorums)
    if any(not quorum.approvers for quorum in kept):
        return replace(terms, approvers=(), quorum=max(quorum.count for quorum in kept), quorums=())
    approvers = tuple(dict.fromkeys(name for quorum in kept for name in quorum.approvers))
    least = max(quorum.count for quorum in kept)
    plain = kept == (Quorum(approvers, least),)
    return replace(terms, approvers=approvers, quorum=least, quorums=() if plain else kept)


def soonest(*seconds: float) -> float:
    """The least of what is more than 0; 0 is never."""
    return min((each for each in seconds if each), default=0.0)


def _normal(quorums: Sequence[Quorum]) -> tuple[Quorum, ...]:
    distinct = sorted({_key(quorum): quorum for quorum in sorted(quorums, key=repr, reverse=True)}.values(), key=repr)
    return tuple(q for q in distinct if not any(_implies(other, q) for other in distinct if other is not q))


def _key(quorum: Quorum) -> tuple[object, ...]:
    """What makes two demands the same, whatever the order of names."""
    shares = frozenset((share.approver, share.count) for share in quorum.shares)
    return frozenset(quorum.approvers), quorum.count, shares, frozenset(quorum.escalate_to), quorum.escalates_at


def _implies(strong: Quorum, weak: Quorum) -> bool:
    """Whether all votes that meet ``strong`` meet ``weak``, as far as that can be read off."""
    shares = {share.approver: share.count for share in strong.shares}
    never = float("inf")
    sooner = (weak.escalates_at or never) <= (strong.escalates_at or never)
    return (
        set(strong.approvers) <= set(weak.approvers)
        and strong.count >= weak.count
        and all(shares.get(share.approver, 0) >= share.count for share in weak.shares)
        and (not strong.escalate_to or (set(strong.escalate_to) <= set(weak.escalate_to) and sooner))
    )


def _strictness(terms: Terms) -> tuple[object, ...]:
    quorums = frozenset(map(_key, _normal(quorums_of(terms)))) if terms.approvers else None
    until = (terms.expires_at, terms.recheck_after, terms.execute_within)
    ones = (terms.requester_may_approve, terms.comment_required, terms.denials, frozenset(terms.not_alone))
    return quorums, *ones, *until


# --- sealing ----------------------------------------------------------------------------------------------------------

_SEALED_SINCE = (
    "quorums",
    "comment_required",
    "recheck_after",
    "execute_within",
    "remind_after",
    "post_to",
    "rules",
    "denials",
    "not_alone",
    "tainted",
)


def sealed_beyond(terms: Terms) -> list[str]:
    """What a seal covers beside what it always did; [] for terms of before, so that what waits survives an upgrade."""
    known = {field.name: field.default for field in fields(Terms)}
    return [f"{name}={getattr(terms, name)!r}" for name in _SEALED_SINCE if getattr(terms, name) != known[name]]
