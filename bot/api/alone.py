"""What the engine finds where a chat would be when a program drives it: nobody to show anything to, one person who decides."""

from bot.core.call import Call
from bot.core.glass import Broken
from bot.core.inputs import Input, Nothing, Profile
from bot.core.policy import Defaults, Policy
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import ApprovalId, Person, RunId
from bot.ports import InboxRow, Posted

TEAM = "program"
WAITS_SECONDS = 365 * 86_400
THE_PROGRAM = Person(TEAM, "program")
POLICY = Policy(
    Defaults(
        approvers=(f"user:{THE_PROGRAM.user}",),
        requester_may_approve=True,
        expires_in=WAITS_SECONDS,
        editor_may_approve_alone=True,
    )
)


class Alone:
    """The Chat and Dispatch ports without anybody: whoever called the agent gets everything as a return value."""

    async def profile(self, person: Person) -> Profile | Refused:
        return Profile(person, person.user, TEAM)

    async def members(self, team: str, group: str) -> frozenset[str] | Refused:
        return frozenset()

    async def show_card(self, run: Run, call: Call, *, again: bool = True) -> Posted:
        return Posted("", "")

    async def post_reply(self, run: Run, key: str, text: str, *, again: bool = True) -> Posted:
        return Posted("", "")

    async def post_notice(
        self,
        run: Run,
        key: str,
        text: str,
        retry: RunId | None = None,
        *,
        ends: ApprovalId | None = None,
        names: bool = False,
        again: bool = True,
    ) -> Posted:
        return Posted("", "")

    async def tell(self, run: Run, call: Call, user: str, key: str, text: str, *, again: bool = True) -> Posted:
        return Posted("", "")

    async def announce_glass(self, run: Run, key: str, broken: Broken, channel: str, *, again: bool = True) -> Posted:
        return Posted("", "")

    async def show_review(
        self, run: Run, key: str, broken: Broken, channel: str, stands: tuple[str, str] | None, *, again: bool = True
    ) -> Posted:
        return Posted("", "")

    async def show_thinking(self, run: Run) -> None:
        """Nobody looks."""

    async def whisper(self, person: Person, channel: str, thread: str, text: str) -> None:
        """Nobody listens."""

    async def wake(self, run: RunId) -> None:
        """Whoever began or decided something advances the run itself."""


def translate(row: InboxRow) -> Input:
    return Nothing("no inbox")
