"""May this call start now? Asked once more, in and just before the transaction that appends `Started`.

Rule 1: freeze, seal, digest, definition and policy are checked; the first that fails refuses the call, and it never starts.
Rule 2: what lets a call start is a sealed allowance of the guard, or sealed votes that make the quorum.
"""

from collections.abc import Iterable

from bot.core import canonical
from bot.core import policy as rules
from bot.core.approval import Approval, allowance_text, sealed_by, vote_text
from bot.core.call import Call
from bot.core.events import Binding, CallRefused, Choice, Ground, Verdict
from bot.core.policy import Case, Policy
from bot.core.run import Run
from bot.ports import Actions, Freeze

TAMPERED = "What is stored is not what was approved, so it does not run."


def refusal_to_start(
    run: Run, call: Call, *, freezes: Iterable[Freeze], policy: Policy, actions: Actions, keys: tuple[bytes, ...]
) -> CallRefused | None:
    """Why the call may not start, or None. Pure but for ``actions.current_definition``, a look into memory."""
    name, binding = call.proposal.call, call.proposal.binding
    if binding is None:
        return CallRefused(name, Ground.BLOCKED, call.proposal.refusal)
    frozen = next((freeze for freeze in freezes if covers(freeze, binding)), None)
    if frozen is not None:
        return CallRefused(name, Ground.FROZEN, f"Frozen ({frozen.scope}) by {frozen.by}: {frozen.reason}")
    if digest_of(run, call, binding) != binding.digest or not permitted(run.id, call, binding, keys):
        return CallRefused(name, Ground.SUPERSEDED, TAMPERED)
    if actions.current_definition(call.proposal.action) != binding.definition:
        return CallRefused(
            name, Ground.SUPERSEDED, f"{call.proposal.action} was changed or removed after it was proposed."
        )
    floor, rule = rules.floor(policy, case_in(run, call, binding))
    if floor is Verdict.DENY:
        return CallRefused(
            name, Ground.BLOCKED, f"The policy forbids it now (rule {rule.name if rule else 'default'})."
        )
    return None


def case_in(run: Run, call: Call, binding: Binding) -> Case:
    """The call as the policy's rules see it."""
    return rules.case_of(call.proposal.action, binding, run.asked.person, run.asked.place)


def covers(freeze: Freeze, binding: Binding) -> bool:
    """Whether a freeze stops this action; reading goes on."""
    scopes = ("all", f"system:{binding.system}", f"environment:{binding.environment}")
    return freeze.scope in scopes and not binding.read_only


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


def permitted(run: str, call: Call, binding: Binding, keys: tuple[bytes, ...]) -> bool:
    """Whether a sealed allowance or enough sealed votes stand behind the call."""
    if call.approval is not None:
        return _approved(run, call.approval, binding, keys)
    judgement = call.judgement
    if judgement is None or judgement.verdict is not Verdict.ALLOW:
        return False
    return sealed_by(keys, allowance_text(run, call.proposal.call, binding.digest), judgement.seal)


def _approved(run: str, approval: Approval, binding: Binding, keys: tuple[bytes, ...]) -> bool:
    sealed = {
        vote.person
        for vote in approval.votes
        if vote.choice is Choice.APPROVE
        and sealed_by(keys, vote_text(run, approval, vote.person, vote.choice), vote.seal)
    }
    return approval.digest == binding.digest and len(sealed) >= max(1, approval.terms.quorum)
