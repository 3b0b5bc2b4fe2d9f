"""The answers of the requester, brought to the calls that somebody asked about. What counts as one is `inquiries.py`'s. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from bot.core.call import Call, CallState
from bot.core.effects import PostInquiry
from bot.core.events import Said
from bot.core.inquiries import with_answer
from bot.core.states import Receipt
from bot.core.values import Person


def answered(
    calls: tuple[Call, ...], said: Sequence[Said], requester: Person, receipts: Sequence[Receipt]
) -> tuple[Call, ...]:
    """The calls that people are asked about with what the requester has answered by now."""
    if not any(call.inquiries for call in calls):
        return calls
    posted = {receipt.key: receipt.ref for receipt in receipts}

    def of(call: Call) -> Call:
        if call.state is not CallState.ASKING:
            return call
        pairs = [(each, PostInquiry(each.of, each.number).key) for each in call.inquiries]
        return replace(
            call, inquiries=tuple(with_answer(each, said, requester, posted.get(key)) for each, key in pairs)
        )

    return tuple(map(of, calls))
