"""What is said of a judgement in words of our own (`Judgement.ours`): by the policy, and where people are asked anew. Pure.

Rule 1: a guard's reason is its own, and is shown as its words. Whatever made a judgement stricter says so here, never in the reason.
Rule 2: each sentence stands once.
"""

from dataclasses import replace

from bot.core.values import Judgement, Verdict

_DOES = {
    Verdict.ALLOW: "allows this",
    Verdict.ASK: "wants a person to decide",
    Verdict.DENY: "forbids this",
}


def ruled(rule: str, verdict: Verdict) -> str:
    """What the policy's rule of this name does, as a sentence."""
    return f'Rule "{rule}" of policy.yml {_DOES[verdict]}.'


def asking(judgement: Judgement, *sentences: str) -> Judgement:
    """People are asked, and these sentences are added to what is said of why."""
    return replace(judgement, verdict=Verdict.ASK, ours=" ".join(_once(judgement.ours, *sentences)))


def denying(judgement: Judgement, sentence: str) -> Judgement:
    """It is denied for this alone, whatever the guard still wanted to know."""
    return replace(judgement, verdict=Verdict.DENY, ours=sentence, needs_context=False)


def _once(said: str, *sentences: str) -> tuple[str, ...]:
    return tuple(filter(None, (said, *(each for each in dict.fromkeys(sentences) if each not in said))))
