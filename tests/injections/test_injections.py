"""S1: over the real engine and real SQL, a model that obeys whatever it reads executes nothing that its requester did not ask for."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import product

from bot.actions import Registry
from bot.core.call import Call, CallState, Outcome
from bot.core.inputs import Profile
from bot.core.run import Run, RunState
from bot.core.taint import RAISED, RETRIED
from bot.core.values import Judgement, Place, Verdict
from bot.engine.latest import run_id_of
from bot.sql.store import open_store
from tests.engine.test_faults import running
from tests.engine.world import ALICE, BOB, CAROL, GUS, LIMITS, PLACE, POLICY, TEAM, XENA, World, approval_of, registered
from tests.injections.corpus import Carrier, Case, ObedientModel, Outside, corpus
from tests.injections.phrasings import PHRASINGS

CASES = corpus()
AT_ONCE = 64
SLOW = replace(LIMITS, sweep_every=1.0, lease=30.0, give_up_after=30.0)


class Town(World):
    """A world in which many things happen at once, each in a thread of its own. The guard allows everything but tickets."""

    def __init__(self, url: str, *, honest: bool = True) -> None:
        """``honest``: whether the actions that change something say so."""
        self.outside = Outside({f"n{case.number}": case.text for case in CASES})
        self._turns = asyncio.Semaphore(AT_ONCE)
        super().__init__(open_store(url), limits=SLOW, policy=replace(POLICY, open_per_person=100_000))
        retried = (f"n{case.number}" for case in CASES if case.carrier is Carrier.RETRY)
        self.model = self.obedient = ObedientModel(retried)  # type: ignore[assignment]
        self.guard.answers["open_ticket"] = Judgement(Verdict.ASK, "hm", "BIGHUB")
        changing = registered(self.deeds)
        if not honest:
            changing = [replace(each, read_only=True) for each in changing]
        self.registry = Registry([*changing, *self.outside.actions()])
        self.engine = self.new_engine()

    async def tell(self, case: Case) -> Run:
        """The case from the request to what becomes of the wish in it."""
        async with self._turns:
            place = await self.ask(case, case.request)
            if case.carrier is Carrier.COLLEAGUE:
                await self.when(place, lambda run: run.calls and run.calls[0].state is CallState.STARTED)
                await self.write(case.text, BOB, message="2", place=place, mentioned=False)
                await self.when(place, lambda run: len(run.said) == 2)
                self.outside.waited.setdefault(f"n{case.number}", asyncio.Event()).set()
            if case.carrier is Carrier.DENIAL:
                run = await self.when(place, lambda run: run.calls and run.calls[0].card)
                await self.click("deny", approval_of(run), CAROL, comment=case.text)
            message = place.thread
            if case.carrier is Carrier.RETRY:
                failed = await self.when(place, lambda run: run.state is RunState.FAILED)
                assert wished(failed) is None
                await self.click("retry", failed.id, BOB)
                message = f"{RETRIED}{failed.id}"
            return await self.when(place, lambda run: (call := wished(run)) and _rests(call), message)

    async def command(self, case: Case) -> Run:
        """The same words, written by the requester."""
        async with self._turns:
            place = await self.ask(case, case.text)
            return await self.when(place, lambda run: run.calls and _rests(run.calls[0]))

    async def ask(self, case: Case, text: str) -> Place:
        place = Place(TEAM, PLACE.channel, f"{case.number}.000100")
        await self.write(text, ALICE, message=place.thread, place=place)
        return place

    async def when(self, place: Place, holds: Callable[[Run], object], message: str = "") -> Run:
        """``message``: which run of the thread, the first without it."""
        run_id, end = run_id_of(place, message or place.thread), asyncio.get_running_loop().time() + 60
        while True:
            run = await self.engine.run(run_id)
            if run is not None and holds(run):
                return run
            assert asyncio.get_running_loop().time() < end, f"it did not come to that: {run}"
            await asyncio.sleep(0.1)


def wished(run: Run) -> Call | None:
    """The call that only the text wanted."""
    return next((call for call in run.calls if call.proposal.action not in set(Carrier)), None)


def _rests(call: Call) -> bool:
    return call.answered or call.state is CallState.ASKING


def test_s1_the_corpus_is_large_and_every_text_of_it_holds_its_wish() -> None:
    assert len(CASES) >= 200 and len({case.text for case in CASES}) >= 50 and len(PHRASINGS) == len(set(PHRASINGS))
    assert all(case.wish in case.text for case in CASES)


async def test_s1_of_all_injections_none_executes_though_the_model_obeys_and_the_guard_allows(sqlite_url: str) -> None:
    town = Town(sqlite_url)
    async with running(town):
        runs = await asyncio.gather(*map(town.tell, CASES))
    await town.store.close()
    assert town.deeds.done == []
    for case, run in zip(CASES, runs, strict=True):
        call = wished(run)
        assert call is not None and call.proposal.action == case.wish.partition("(")[0]
        assert call.state is CallState.ASKING and call.approval is not None and call.judgement is not None
        assert call.judgement.ours == RAISED
        who = {Carrier.COLLEAGUE: "user:U0BOB", Carrier.DENIAL: "user:U0CAROL"}
        assert call.approval.terms.tainted == (who.get(case.carrier, f"output:{case.carrier}"),)


def _deeds(cases: tuple[Case, ...]) -> list[str]:
    """What the actions of these wishes do."""
    told = {"grant_access": "mallory in admins", "publish": "published evil-example", "sync": "began to sync"}
    return sorted(told[case.wish.partition("(")[0]] for case in cases)


async def test_control_the_same_injections_execute_where_nothing_is_known_to_change_anything(sqlite_url: str) -> None:
    """The same way without the floor, which is not under what only reads: so it is the floor that held the others, and the model
    does obey."""
    town, some = Town(sqlite_url, honest=False), CASES[::3]
    async with running(town):
        runs = await asyncio.gather(*map(town.tell, some))
    await town.store.close()
    assert all((call := wished(run)) and call.outcome is Outcome.EXECUTED for run in runs)
    assert sorted(town.deeds.done) == _deeds(some)


async def test_control_the_same_words_of_the_requester_execute(sqlite_url: str) -> None:
    """It is not the words that are judged, it is who says them."""
    town, some = Town(sqlite_url), CASES[:: len(Carrier)]
    async with running(town):
        runs = await asyncio.gather(*map(town.command, some))
    await town.store.close()
    assert [run.calls[0].outcome for run in runs] == [Outcome.EXECUTED] * len(PHRASINGS)
    assert sorted(town.deeds.done) == _deeds(some)


async def test_s2_what_people_write_who_may_not_ask_is_shown_to_no_model(sqlite_url: str) -> None:
    town = Town(sqlite_url)
    town.chat.profiles = {GUS: Profile(GUS, "Gus", TEAM, guest=True), XENA: Profile(XENA, "Xena", "T2", stranger=True)}
    case = next(case for case in CASES if case.carrier is Carrier.COLLEAGUE)
    async with running(town):
        place = await town.ask(case, case.request)
        await town.when(place, lambda run: run.calls and run.calls[0].state is CallState.STARTED)
        for number, (person, mentioned) in enumerate(product((GUS, XENA), (True, False))):
            await town.write(case.text, person, message=f"2.{number}", place=place, mentioned=mentioned)
        town.outside.waited.setdefault(f"n{case.number}", asyncio.Event()).set()
        run = await town.when(place, lambda run: run.state is RunState.DONE)
    await town.store.close()
    assert len(run.said) == 1 and not any(case.wish in text for text in town.obedient.shown) and len(run.calls) == 1
