"""May this call start now? Asked once more, in the transaction that appends `Started`.

Rule 1: freeze, seal, digest, definition and policy are checked; the first that fails refuses the call, and it never starts.
Rule 2: what lets a call start is a sealed judgement that allows it, or one that asks and sealed votes that make the quorum.
Rule 3: a freeze stops also what was approved; whether breaking the glass opens it, the policy says.
Rule 4: where the policy has become stricter since, or the approval's time is over, people are asked anew: new id, no votes.
"""

from collections.abc import Iterable
from dataclasses import replace

from bot.clocks import clocks_at
from bot.core import canonical, holding
from bot.core import policy as rules
from bot.core.approval import (
    COVERS,
    Approval,
    Vote,
    as_voted,
    permission_text,
    seal,
    sealed_by,
    vote_text,
)
from bot.core.call import Call
from bot.core.changes import edited_from, editors
from bot.core.emergency import BIGHUB, user_of
from bot.core.events import CallRefused, Judged
from bot.core.glass import BY_GLASS
from bot.core.ours import asking, denying, ruled
from bot.core.placing import UNSEEN, is_unseen
from bot.core.policy import Case, Policy, Rule
from bot.core.run import Run
from bot.core.taint import RAISED, raised, unchecked, writers
from bot.core.terms import all_named, both, denied, missing
from bot.core.timing import time_said
from bot.core.trial import on_trial
from bot.core.values import ApprovalId, Binding, Choice, Ground, Judgement, Terms, Verdict
from bot.core.verdict import remarks_on
from bot.core.visible import shows
from bot.engine.keyring import KEY_IS_GONE, Keys, unknown_to
from bot.engine.standstill import closed_now, frozen_text, stopping
from bot.ports import Actions, Freeze

EDITED = "It was edited after people were asked, so they are asked again, though the guard would allow it."
DID_NOT_RUN_BEFORE = "It was started before, and somebody found that it did not run."
TAMPERED = "What is stored is not what was judged and approved, so it does not run."


def judged(
    run: Run, call: Call, judgement: Judgement, policy: Policy, new: ApprovalId, now: float, key: bytes
) -> Judged:
    """The guard's answer as it is recorded: with the policy's terms where people are asked, and sealed. ``now``: epoch seconds."""
    binding = call.proposal.binding
    if binding is None or judgement.verdict is Verdict.DENY or judgement.needs_context:
        return Judged(call.proposal.call, judgement)
    case = case_in(run, replace(call, judgement=judgement), binding)
    held = closed_now(policy, case, now)
    if held is not None:
        return Judged(call.proposal.call, denying(judgement, held))
    read = unchecked(run, call)
    judgement = raised(judgement, binding, read)
    judgement = _with_history(call, _asking_if_edited(run, call, judgement))
    judgement = replace(judgement, shadow=on_trial(policy, case, judgement.verdict, clocks_at(now)))
    asks = judgement.verdict is Verdict.ASK
    terms = _having_read(rules.terms(policy, case, new, now), read) if asks else None
    if terms is not None and is_unseen(run, call, terms) and not _decided_without_card(policy, run):
        return Judged(call.proposal.call, denying(judgement, UNSEEN))
    judgement, asked = replace(judgement, covers=COVERS), circumstances(run, call, now if asks else 0.0)
    text = permission_text(run.id, call.proposal.call, binding, terms, judgement, asked)
    return Judged(call.proposal.call, replace(judgement, seal=seal(key, text)), terms)


def _decided_without_card(policy: Policy, run: Run) -> bool:
    """Whether the policy may let somebody decide what only the requester sees: a shell, or the requester who breaks the glass."""
    people = policy.break_glass.people
    return policy.shell_may_decide or not all_named(people) or f"user:{run.asked.person.user}" in people


def _having_read(terms: Terms, read: tuple[str, ...]) -> Terms:
    return replace(terms, tainted=read, not_alone=tuple(sorted({*terms.not_alone, *writers(read)})))


def _asking_if_edited(run: Run, call: Call, judgement: Judgement) -> Judgement:
    """An edit takes the question away from people who saw it, so it is theirs again, also where the guard would allow what it became.
    A program has nobody but itself."""
    if run.of_program or judgement.verdict is not Verdict.ALLOW or edited_from(call, run.calls) is None:
        return judgement
    return asking(judgement, EDITED)


def _with_history(call: Call, judgement: Judgement) -> Judgement:
    """An allowance of what people must be asked about is a question; the card says that it was started before."""
    if not call.must_ask and judgement.verdict is not Verdict.ASK:
        return judgement
    return asking(judgement, *([DID_NOT_RUN_BEFORE] if call.instead_of is not None else []))


def refusal_to_start(
    run: Run, call: Call, *, freezes: Iterable[Freeze], policy: Policy, actions: Actions, keys: Keys, now: float
) -> CallRefused | None:
    """Why the call may not start, or None. Pure but for ``actions.is_defined_as``, a look into memory, and the zones' clocks.
    ``now``: the store's clock (epoch seconds)."""
    name, binding = call.proposal.call, call.proposal.binding
    if binding is None:
        return CallRefused(name, Ground.BLOCKED, call.proposal.refusal)
    opened = policy.break_glass.while_frozen and _glass_broken(run, call.approval, keys)
    frozen = stopping(freezes, binding, opened=opened)
    if frozen is not None:
        by = "" if frozen.scope == BIGHUB else user_of(frozen.by)
        return CallRefused(name, Ground.FROZEN, frozen_text(frozen), by)
    if digest_of(run, call, binding) != binding.digest or not permitted(run, call, keys):
        return CallRefused(name, Ground.SUPERSEDED, distrust(call, keys))
    if not actions.is_defined_as(call.proposal.action, binding.definition):
        return CallRefused(
            name, Ground.SUPERSEDED, f"{call.proposal.action} was changed or removed after it was proposed."
        )
    case = case_in(run, call, binding)
    held = None if opened else closed_now(policy, case, now)
    if held is not None:
        return CallRefused(name, Ground.FROZEN, held)
    floor, rule = rules.floor(policy, case)
    if floor is Verdict.DENY:
        return CallRefused(name, Ground.BLOCKED, forbidden(rule))
    return None


def forbidden(rule: Rule | None) -> str:
    return f"The policy forbids it now (rule {rule.name if rule else 'default'})."


def reason_to_ask_anew(run: Run, call: Call, policy: Policy, keys: Keys, now: float) -> str:
    """Why people must be asked (again) before this call starts; "" where nothing has changed for the stricter."""
    binding, approval = call.proposal.binding, call.approval
    case = case_in(run, call, binding) if binding else None
    if case is None:
        return ""
    if approval is None:
        return "The policy wants a person to decide this now." if rules.floor(policy, case)[0] is Verdict.ASK else ""
    if now >= approval.terms.expires_at:
        return "It was approved, but nothing could run before the approval expired."
    present = both(approval.terms, rules.terms(policy, case, ApprovalId(""), approval.opened_at))
    return _beyond(run, approval, present, deciding(run, approval, keys), now)


def _beyond(run: Run, approval: Approval, present: Terms, given: tuple[Vote, ...], now: float) -> str:
    """What the policy of today demands and the approvals that are ``given`` do not meet; ``present``: the approval's terms, made as
    strict."""
    if now >= present.expires_at or (present.execute_within and now >= approval.resolved_at + present.execute_within):
        return "It was approved, but it did not run within the time that the policy gives it."
    if missing(present, given, approval.resolved_at):
        if not missing(replace(present, not_alone=()), given, approval.resolved_at):
            return "The policy does not let whoever edited this approve it alone now."
        if present.quorums:
            return "The policy wants approvals of others, too, for this now."
        return f"The policy wants {present.quorum} approvals for this now."
    if denied(present, approval.votes):
        return "The policy lets a denial like the one that was given end it now."
    if present.comment_required and not all(shows(vote.comment) for vote in given):
        return "The policy wants a comment with each approval of this now."
    own = [vote for vote in given if vote.person.user == run.asked.person.user and vote.via != BY_GLASS]
    if not present.requester_may_approve and own:
        return "The policy does not let the requester approve this now."
    return ""


def limit_said(held: holding.Limited) -> str:
    """A limit that is reached, as a sentence."""
    limit = held.limit
    whose = " and ".join(("action",) * limit.per_action + ("person",) * limit.per_person)
    count = f"{limit.count} start{'s' if limit.count > 1 else ''}"
    return f'At most {count} per {whose} within {time_said(limit.seconds)}, and that is reached: rule "{held.rule}" of policy.yml.'


def asked_anew(run: Run, call: Call, why: str, policy: Policy, new: ApprovalId, now: float, key: bytes) -> Judged:
    """The same judgement with a new approval; what we said the last time is said again only where it still holds."""
    old, kept = call.judgement or Judgement(Verdict.ASK, "", ""), still_said(run, call, policy)
    remark = remarks_on(old)
    remarks = (remark,) if remark and remark in old.ours else ()
    return judged(run, call, asking(replace(old, ours=why), *remarks, *kept), policy, new, now, key)


def still_said(run: Run, call: Call, policy: Policy) -> tuple[str, ...]:
    """What we said the last time that people were asked, as far as it still holds, whatever the guard answers."""
    said, binding = call.judgement.ours if call.judgement else "", call.proposal.binding
    floor, rule = rules.floor(policy, case_in(run, call, binding)) if binding else (None, None)
    still = ruled(rule.name, floor) if rule and floor else ""
    return tuple(each for each in (still, RAISED, EDITED, DID_NOT_RUN_BEFORE) if each and each in said)


def case_in(run: Run, call: Call, binding: Binding) -> Case:
    """The call as the policy's rules see it."""
    score = call.judgement.risk if call.judgement else None
    return rules.case_of(
        call.proposal.action, binding, run.asked.person, run.asked.place, score, editors(call, run.calls)
    )


def digest_of(run: Run, call: Call, binding: Binding) -> str:
    """The digest of what would run, computed anew from what is stored."""
    person = run.asked.person
    return canonical.digest(
        action=call.proposal.action,
        definition=binding.definition,
        arguments=binding.arguments.encode(),
        target=binding.target,
        requester=f"{person.team}/{person.user}",
    )


def permitted(run: Run, call: Call, keys: Keys) -> bool:
    """Whether a sealed allowance stands behind the call, or a sealed question and enough sealed votes."""
    judgement, approval = call.judgement, call.approval
    if judgement is None or not judgement_holds(run, call, keys):
        return False
    if approval is None:
        return judgement.verdict is Verdict.ALLOW
    return approval.digest == digest_bound(call) and _sealed_enough(run, approval, keys)


def distrust(call: Call, keys: Keys) -> str:
    """Why what is stored does not hold: a key that is gone, as far as the seals tell, or somebody's hand. It is distrusted either way."""
    gone = unknown_to(call, keys)
    return KEY_IS_GONE.format(gone) if gone else TAMPERED


def judgement_holds(run: Run, call: Call, keys: Keys) -> bool:
    """Whether what is judged and under which terms is what was sealed when the guard had answered, and each time that the policy
    became stricter since."""
    binding, judgement, approval = call.proposal.binding, call.judgement, call.approval
    if binding is None or judgement is None:
        return False
    terms = (*approval.earlier, approval.terms) if approval else (None,)
    seals = (judgement.seal, *(approval.seals if approval else ()))

    def holds(terms: Terms | None, mark: str) -> bool:
        return any(sealed_by(keys, text, mark) for text in texts_of(run, call, judgement, binding, terms))

    return all(holds(each, mark) for each, mark in zip(terms, seals, strict=True))


def texts_of(run: Run, call: Call, judgement: Judgement, binding: Binding, terms: Terms | None) -> tuple[str, ...]:
    """What a seal over these terms may cover, given what the judgement's own does; the present way first."""
    what = (run.id, call.proposal.call, binding, terms)
    if judgement.covers != COVERS:
        return permission_text(*what, judgement), permission_text(*what)
    asked = circumstances(run, call, call.approval.opened_at if call.approval else 0.0)
    return (permission_text(*what, judgement, asked),)


def circumstances(run: Run, call: Call, at: float) -> tuple[object, ...]:
    """The circumstances of a question that a policy may look at; ``at`` (epoch seconds) is 0 where nobody was asked."""
    place = run.asked.place
    return (place.team, place.channel, place.thread, at, *editors(call, run.calls))


def digest_bound(call: Call) -> str:
    return call.proposal.binding.digest if call.proposal.binding else ""


def _sealed_enough(run: Run, approval: Approval, keys: Keys) -> bool:
    """Whether the votes with a seal of ours meet the terms by themselves."""
    sealed = [vote for vote in approval.votes if _sealed(run, approval, vote, keys)]
    return not missing(approval.terms, sealed, approval.resolved_at)


def deciding(run: Run, approval: Approval, keys: Keys) -> tuple[Vote, ...]:
    """The sealed approvals by which it was approved: once the glass is broken, nobody else's counts."""
    given = tuple(v for v in approval.votes if v.choice is Choice.APPROVE and _sealed(run, approval, v, keys))
    return tuple(vote for vote in given if vote.via == BY_GLASS) or given


def _glass_broken(run: Run, approval: Approval | None, keys: Keys) -> bool:
    votes = approval.votes if approval else ()
    return approval is not None and any(v.via == BY_GLASS and _sealed(run, approval, v, keys) for v in votes)


def _sealed(run: Run, approval: Approval, vote: Vote, keys: Keys) -> bool:
    given = vote.given if vote.covers == COVERS else None
    text = vote_text(run.id, as_voted(approval, vote), vote.person, vote.choice, vote.via, vote.counts_as, given)
    return sealed_by(keys, text, vote.seal)
