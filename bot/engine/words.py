"""The engine's own sentences for a thread: pure. What a card says is `slack/cards.py`'s.

People stand as ``<@U…>``; the chat turns that into a mention and everything else into plain text.
"""

from bot.core.call import Call, CallState
from bot.core.run import Run, RunState

UNKNOWN_BUTTON = "This button belongs to nothing that I know (any more). Please use the newest card, or ask again."
WAITS_FOR_CLICK = (
    "I wait for a decision on the card; only a click there counts. What you wrote reaches the model afterwards."
)
NOBODY_KNOWS = "Slack does not say who you are at the moment. Please try again."
TOO_MANY_ROUNDS = "I stopped after {} rounds of actions without coming to an answer."
NOBODY_ANSWERED = "Nobody answered my question within a day."
MAY_HAVE_HAPPENED = (CallState.STARTED, CallState.IN_DOUBT, CallState.FAILED)


def question_text(run: Run, call: Call) -> str:
    why = call.reason or "It does not say what is missing."
    who, what = run.asked.person.user, call.proposal.action
    return f"<@{who}> {what} needs more context before it can be judged: {why} Please answer in this thread, and mention me."


def delay_text(run: Run, key: str) -> str:
    trouble = run.trouble(key)
    who = "The model does" if key.startswith("model:") else "The guard does"
    why = f" ({trouble.error})" if trouble else ""
    return f"{who} not answer at the moment{why}. I keep trying; nothing is lost."


def end_text(run: Run) -> str:
    """What a failed or cancelled run says at its end, with what it did before."""
    done = [call.proposal.action for call in run.calls if call.state is CallState.EXECUTED]
    unsure = [call.proposal.action for call in run.calls if call.state in MAY_HAVE_HAPPENED]
    before = f" This was done before: {', '.join(done)}." if done else ""
    before += f" This may have happened, wholly or in part: {', '.join(unsure)}." if unsure else ""
    before = before or " No action was carried out."
    if run.state is RunState.CANCELLED:
        return f"Stopped by <@{run.ended_by}>. {run.end_reason}".rstrip() + before
    return f"I had to give up: {run.end_reason}{before}"
