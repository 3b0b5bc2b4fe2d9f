"""The facts of a call as lines of Block Kit, the same on a card and in a view: what, where, who, why, until when. Pure.

Rule 1: the arguments come from the canonical bytes that the approval binds, never from anything that the model said.
Rule 2: the model's own words come last, quoted and labelled.
Whether a card may be approved, and its buttons, are `cards.py`'s.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from bot.core.approval import Approval, Vote
from bot.core.call import Call
from bot.core.canonical import argument_lines, has_invisible, mixes_scripts, parse_arguments, texts
from bot.core.fatigue import is_fast
from bot.core.glass import BY_GLASS
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.terms import Lack, demands_of, missing
from bot.core.vain import in_vain
from bot.core.values import Choice, Person, Terms
from bot.slack import limits, reasons
from bot.slack.blocks import (
    REASON,
    SHORTENED,
    Block,
    escaped,
    group_mention,
    line,
    mention,
    moment,
    one_line,
    said,
    utc,
)
from bot.slack.blocks import Run as Piece

SAYS: Final = 300
TITLE: Final = 1_000
RULE: Final = 200
COMMENT_CHARACTERS: Final = 1_000
"""What a form takes as a comment: what Details show whole, whatever else stands there."""
COMMENT_BEGINNING: Final = 40
MOST_DEMANDS: Final = 6
MOST_NAMED: Final = 5
MOST_LATER: Final = 2
VOTE_COMMENT: Final = 250
MOST_VOTES: Final = 8
"""Votes on a card; Details show all."""
ASKS_TWICE: Final = 0.7
DECLARED_HIGH: Final = ("high", "critical")
INVISIBLE: Final = "⚠ The arguments contain characters that show nothing by themselves; they are written as \\u{…}."
MIXED: Final = "⚠ A word in the arguments mixes letters of different alphabets that look alike."


def title(call: Call) -> str:
    """``grant_access · okta · production``: what and where."""
    return one_line(whole_title(call), TITLE)


def whole_title(call: Call) -> str:
    binding = call.proposal.binding
    where = (binding.system, binding.environment) if binding else ()
    return " · ".join(part for part in (call.proposal.action, *where) if part)


def headline(word: str, call: Call) -> str:
    """``Approval needed: grant_access · okta · production``, for a header; a title that is too long stands in `place_line` too."""
    text = f"{word}: {title(call)}"
    return text if len(text) <= limits.HEADER_TEXT else text[: limits.HEADER_TEXT - 1] + "…"


def place_line(word: str, call: Call) -> Iterator[Block]:
    """The whole title where the header cannot hold it, and the target where it says more than the system's name."""
    if len(f"{word}: {title(call)}") > limits.HEADER_TEXT:
        yield line(said("What: ", "bold"), said(title(call)))
    binding = call.proposal.binding
    if binding and binding.target not in ("", binding.system):
        yield line(said("Target: ", "bold"), said(one_line(binding.target, REASON)))


def arguments_of(call: Call) -> bytes:
    return call.proposal.binding.arguments.encode() if call.proposal.binding else b"{}"


def argument_text(call: Call) -> str:
    """The arguments as people read them: every byte accounted for, a secret by its length."""
    binding = call.proposal.binding
    return _laid_out(arguments_of(call), binding.order if binding else (), binding.secret if binding else ())


@lru_cache(maxsize=8)
def _laid_out(arguments: bytes, order: tuple[str, ...], secret: tuple[str, ...]) -> str:
    return "\n".join(argument_lines(arguments, order=order, secret=secret))


def fingerprint(call: Call) -> str:
    """``12,345 bytes, sha256 …`` of the canonical arguments."""
    raw = arguments_of(call)
    return f"{len(raw):,} bytes, sha256 {hashlib.sha256(raw).hexdigest()}"


def high_risk(call: Call) -> str:
    """Why approving this asks once more: high or critical by declaration, or judged to be so; "" where it does not."""
    binding, risk = call.proposal.binding, call.judgement.risk if call.judgement else None
    if binding is not None and binding.risk.lower() in DECLARED_HIGH:
        return f"This is a high-risk action: it is declared {binding.risk.lower()}."
    return f"This is a high-risk action: its risk is {risk:.2f}." if risk is not None and risk >= ASKS_TWICE else ""


def warnings(call: Call) -> Iterator[str]:
    """What a reader should know about the arguments' characters."""
    parsed = parse_arguments(arguments_of(call))
    written = [] if isinstance(parsed, Refused) else list(texts(parsed))
    if any(has_invisible(text) for text in written):
        yield INVISIBLE
    if any(mixes_scripts(text) for text in written):
        yield MIXED


def asked_line(run: Run, call: Call) -> Block:
    # What a person or a retry made of an action is still that action.
    turn = list(dict.fromkeys(each.proposal.wire for each in run.calls if each.turn == call.turn))
    place = turn.index(call.proposal.wire) + 1 if call.proposal.wire in turn else 1
    retried = run.asked.retried_by
    return line(
        said("Asked by "),
        mention(run.asked.person.user),
        *([said(", retried by "), mention(retried.user)] if retried else []),
        said(" · "),
        moment(run.asked_at),
        said(f" · {place} of {len(turn)} actions in this turn" if len(turn) > 1 else " · the only action in this turn"),
    )


def who_line(run: Run, approval: Approval, *, glass: bool = False) -> Block:
    """Who may decide, until when, the votes so far. ``glass``: whether the policy names anybody who may break it."""
    terms = approval.terms
    runs = [said("Why you: "), *_who(terms, run.asked.person), said(" · expires "), moment(terms.expires_at)]
    given = sum(vote.choice is Choice.APPROVE for vote in approval.votes)
    lacks = missing(terms, approval.votes, max((vote.at for vote in approval.votes), default=0.0))
    wanted = max(terms.quorum, given + sum(lack.count for lack in lacks))
    if wanted > 1:
        runs.append(said(f" · {given} of {wanted} approvals so far"))
        runs.extend(_lacking(approval, lacks) if given and approval.resolution is None else ())
    if terms.denials > 1:
        runs.append(said(f" · {len(approval.votes) - given} of the {terms.denials} denials that end it"))
    if terms.comment_required:
        runs.append(said(" · an approval needs a comment"))
    runs.extend(_escalating(terms))
    if told := in_vain(terms, run.asked.person, approval.votes if approval.resolution is None else (), glass=glass):
        runs.append(said(f" · {told}", "bold"))
    return line(*runs)


def vote_lines(approval: Approval) -> Iterator[Block]:
    """One line for each of the latest votes: who, when, by which way, the comment."""
    earlier = len(approval.votes) - MOST_VOTES
    if earlier > 0:
        yield line(said(f"{earlier} earlier votes{SHORTENED}"))
    for vote in approval.votes[-MOST_VOTES:]:
        verb = "Approved by " if vote.choice is Choice.APPROVE else "Denied by "
        runs = [said(verb, "bold"), mention(vote.person.user), said(" "), moment(vote.at)]
        if vote.via == BY_GLASS:
            runs.append(said(" alone, breaking the glass", "bold"))
        elif vote.via != "slack":
            runs.append(said(f" by {one_line(vote.via)}"))
        runs += haste(vote)
        if vote.comment.strip():
            runs.append(said(f": “{one_line(vote.comment, VOTE_COMMENT)}”"))
        yield line(*runs)


def haste(vote: Vote) -> list[Piece]:
    """That it was approved faster than anybody reads; nothing of any other vote."""
    fast = is_fast(vote.choice, vote.waited)
    return [said(f" · within {vote.waited:.1f} s of being asked")] if fast else []


def guard_line(call: Call, source_note: str) -> Block | None:
    """What the guard said: its name, the risk, the reason."""
    judgement = call.judgement
    if judgement is None:
        return line(said(source_note)) if source_note else None
    parts = [said(f"{one_line(judgement.source)}: ", "bold")]
    if judgement.risk is not None:
        parts.append(said(f"risk {judgement.risk:.2f} {_bar(judgement.risk)}"))
        parts.append(said(" · ") if judgement.reason else said(" "))
    elif call.proposal.binding is not None:
        parts.append(said(f"declared risk {one_line(call.proposal.binding.risk)}{' · ' if judgement.reason else ' '}"))
    if judgement.reason:
        parts.append(said(f"“{one_line(judgement.reason, REASON)}”"))
    if source_note:
        parts.append(said(f" · {source_note}"))
    return line(*parts)


def words_of(run: Run, call: Call) -> str:
    """What the model said in the turn of this call."""
    return run.turns[call.turn - 1].text if 0 < call.turn <= len(run.turns) else ""


def says_line(run: Run, call: Call) -> Block | None:
    """The model's words of this turn: quoted, last, at most 300 characters."""
    words = words_of(run, call)
    if not words.strip():
        return None
    return line(said("The agent says: ", "italic"), said(f"“{one_line(words, SAYS)}”", "italic"))


def spoken(run: Run, call: Call, status: str, *, glass: bool = False) -> str:
    """The card as one text, for notifications and screen readers: nothing that is needed to decide is left out."""
    binding, judgement, approval = call.proposal.binding, call.judgement, call.approval
    parts = [f"{status}: {escaped(title(call))}."]
    if binding and binding.target:
        parts.append(f"Target: {escaped(one_line(binding.target, REASON))}.")
    retried = f", retried by <@{run.asked.retried_by.user}>" if run.asked.retried_by else ""
    parts.append(f"Asked by <@{run.asked.person.user}>{retried}.")
    if judgement and judgement.risk is not None:
        parts.append(f"Risk {judgement.risk:.2f}.")
    parts += [escaped(one_line(reasons.own_words(call), REASON))] if reasons.own_words(call) else []
    if judgement and judgement.reason:
        parts.append(f"{escaped(one_line(judgement.source))}: {escaped(one_line(judgement.reason, REASON))}")
    if approval and approval.resolution is None:
        parts.append(f"Expires {utc(approval.terms.expires_at)}.")
        parts += filter(None, (in_vain(approval.terms, run.asked.person, approval.votes, glass=glass),))
        parts += ["The policy became stricter after people were asked."] if approval.earlier else []
    return " ".join(parts)


def _who(terms: Terms, requester: Person) -> Iterator[Piece]:
    if not terms.approvers:
        yield said(f"{terms.quorum} of nobody (the policy names no approver)")
    yield from _several(demands_of(terms) if terms.approvers else ())
    if not terms.requester_may_approve:
        yield said(", not ")
        yield mention(requester.user)


def _escalating(terms: Terms) -> Iterator[Piece]:
    """Who may decide as well, and from when on."""
    later = [quorum for quorum in terms.quorums if quorum.escalate_to and quorum.escalates_at]
    for quorum in later[:MOST_LATER]:
        yield said(" · also, from ")
        yield moment(quorum.escalates_at)
        yield said(" on: ")
        yield from _named(quorum.escalate_to, MOST_LATER)
    if len(later) > MOST_LATER:
        yield said(f" · and others later{SHORTENED}")


def _lacking(approval: Approval, lacks: Sequence[Lack]) -> Iterator[Piece]:
    """Who is still wanted, by the votes so far."""
    voted = {f"user:{vote.person.user}" for vote in approval.votes}
    yield said(" · still wanted: ")
    wanted = [(lack.count, [name for name in lack.approvers if name not in voted]) for lack in lacks]
    yield from _several(wanted, MOST_NAMED)


def _several(demands: Sequence[tuple[int, Sequence[str]]], most: int | None = None) -> Iterator[Piece]:
    """So many of these and so many of those. Where there are several, each is shortened, so that the card stays within its limits.
    ``most``: how many of each are named at most, however many demands there are."""
    for index, (count, approvers) in enumerate(demands[:MOST_DEMANDS]):
        yield said(f"{' and ' if index else ''}{count} of {'' if approvers else 'nobody'}")
        yield from _named(approvers, most if len(demands) == 1 else MOST_NAMED)
    if len(demands) > MOST_DEMANDS:
        yield said(f" and {len(demands) - MOST_DEMANDS} more demands{SHORTENED}")


def _named(approvers: Sequence[str], most: int | None) -> Iterator[Piece]:
    shown = approvers[:most]
    for number, approver in enumerate(shown):
        if number:
            yield said(", ")
        kind, _, name = approver.partition(":")
        yield group_mention(name) if kind == "group" else mention(name)
    if len(approvers) > len(shown):
        yield said(f" or {len(approvers) - len(shown)} others{SHORTENED}")


def _bar(risk: float) -> str:
    full = max(0, min(5, round(risk * 5)))
    return "▰" * full + "▱" * (5 - full)
