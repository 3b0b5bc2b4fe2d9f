"""Where a card stands, or is to stand. Pure.

Rule: a card stays where it was posted, whatever the terms of a later approval say; a button counts only there.
"""

from bot.core.call import Call
from bot.core.run import Run


def channel_of(run: Run, call: Call) -> str:
    """The channel of a call's card: the thread's, unless the policy names one. Of several, the first by id."""
    if call.card is not None:
        return call.card.channel
    named = call.approval.terms.post_to if call.approval is not None else ()
    return named[0] if named else run.asked.place.channel
