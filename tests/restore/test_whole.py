"""R19, the whole product: the bot on the local workspace, a program with the library, and the operator's own word."""

import asyncio
import json
from pathlib import Path

import pytest

from bot import AdapterConfigurationError
from bot.core.events import Restored
from bot.core.run import RunState
from bot.sql.store import open_store
from tests.api.stage import ASKED, GRANT, statuses
from tests.api.stage import staged as library_staged
from tests.api.test_approvals import request_of
from tests.journey import stage as journey
from tests.journey.stage import buttons, shown, staged
from tests.journey.test_restarts import signoff
from tests.restore.backups import back_up_sqlite, path_of, play_back_sqlite
from tests.servers.bighub_decisions import review
from tests.servers.model_server import Calls, Text
from tests.sql.samples import asked, journal, record
from tests.sql.test_schema import python

REASON = "The database was restored from a backup"


async def test_r19_after_a_restore_the_bot_says_so_and_people_see_it_and_nothing_runs_twice(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, kept = path_of(sqlite_url), tmp_path / "backup"
    async with staged(sqlite_url, tmp_path) as stage:
        assert stage.bighub is not None
        stage.bighub.default = review()
        await stage.start()
        stage.model.say(Calls([journey.GRANT]), Text("Done: bob is in."))
        thread = await stage.mention("grant bob okta-prod-admins for 48h")
        card = await stage.card(thread, "grant_access")
        back_up_sqlite(path, kept)
        await stage.click(card, "approve")
        await stage.see(thread, "Done: bob is in.")
        await stage.stop()
        assert "restored" not in capsys.readouterr().out
        play_back_sqlite(kept, path, copy=("cp", "-p"), witness=True)
        await stage.start()
        assert "restored from a backup; 1 unfinished runs of it were ended" in capsys.readouterr().out
        ended = await stage.see(thread, REASON, where=lambda message: "retry" in buttons(message))
        repaired = await stage.see(thread, "What became of this after the backup")
        assert repaired["ts"] == card["ts"] and "did not run" not in shown(repaired) and not buttons(repaired)
        await stage.click(card, "approve", force=True)
        await stage.whispered(journey.CAROL, "What became of this after the backup")
        assert len(stage.effects("grant_access")) == 1
        stage.model.say(Text("Bob is in already."))
        await stage.click(ended, "retry", who=journey.ALICE)
        await stage.see(thread, "Bob is in already.")
        assert len(stage.effects("grant_access")) == 1


async def test_r19_an_operator_says_what_cannot_be_seen_while_the_bot_runs(sqlite_url: str, tmp_path: Path) -> None:
    """A snapshot of the whole volume brings everything back, the witness included."""
    async with staged(sqlite_url, tmp_path) as stage:
        assert stage.bighub is not None
        stage.bighub.default = review()
        await stage.start()
        stage.model.say(Calls([journey.GRANT]))
        thread = await stage.mention("grant bob okta-prod-admins for 48h")
        await stage.card(thread, "grant_access")
        printed = await signoff(stage, "restored", "volume snapshot of 12:00", "--json")
        told = json.loads(printed[printed.index("{\n") :])
        assert told["epoch"] == 1 and told["ended"] <= 1
        await stage.see(thread, REASON, where=lambda message: "retry" in buttons(message))
        assert stage.effects() == []
        again = await signoff(stage, "restored", "and once more")
        assert "0 unfinished runs were ended" in again


@pytest.mark.parametrize("verdict", ["asked", "done"])
async def test_r19_a_program_s_run_of_a_backup_cannot_be_resumed(sqlite_url: str, tmp_path: Path, verdict: str) -> None:
    path, kept = path_of(sqlite_url), tmp_path / "backup"
    async with library_staged() as stage:
        agent = await stage.agent(store=sqlite_url)
        stage.review()
        stage.wish()
        response = await agent.run(messages=ASKED, model="gpt-5.5")
        asked_about = {"tool_name": "grant_access", "arguments": GRANT, "request_id": request_of(response)}
        back_up_sqlite(path, kept)
        if verdict == "done":
            assert (await agent.resume_after_approval(**asked_about))["resumed"]
        else:
            await agent.run(messages=ASKED, model="gpt-5.5")  # something else happens after the backup
        granted = list(stage.granted)
        await agent.close()
        play_back_sqlite(kept, path, copy=("cp", "-p"), witness=False)
        later = await stage.agent(store=sqlite_url)
        result = await resumed(later, asked_about)
        assert stage.granted == granted and "restored" in result
        stage.wish()
        again = await later.run(messages=ASKED, model="gpt-5.5")
        assert statuses(again) == ["approval_required"] and stage.granted == granted


async def resumed(agent: object, about: dict[str, object]) -> str:
    """What a program hears that resumes."""
    try:
        return json.dumps(await agent.resume_after_approval(**about), default=str)  # type: ignore[attr-defined]
    except (AdapterConfigurationError, RuntimeError) as refused:
        return str(refused)


SETTLE = """
import asyncio, os, signal, sys
from bot.engine.door import Door
from bot.engine.limits import Limits
from bot.engine.restoring import Restoring
from bot.sql.store import open_store


class Mortal:
    \"\"\"A store whose process is killed in its n-th work, before that is committed.\"\"\"

    def __init__(self, store, works):
        self.store, self.left = store, works

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def write(self, work):
        async def last(tx):
            result = await work(tx)
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return await self.store.write(last)


async def main():
    store = Mortal(open_store(sys.argv[1]), works={works})
    print(await Restoring(store, Door(store), Limits()).settle())
    await store.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("works", [1, 10])
async def test_r19_killed_while_it_ends_the_runs_the_next_one_goes_on_and_each_ends_once(
    database_url: str, works: int
) -> None:
    store = open_store(database_url)
    names = [f"run {number:03}" for number in range(80)]
    await asyncio.gather(*(record(store, name, asked()) for name in names))
    assert (await store.notice()).number == 0
    await store.write(lambda tx: tx.begin_epoch("a test"))
    code, _ = await python(SETTLE.format(works=works), database_url)
    assert code == -9 and not (await store.read(lambda tx: tx.epoch())).settled
    code, _ = await python(SETTLE.format(works=0), database_url)
    assert code == 0 and (await store.read(lambda tx: tx.epoch())).settled
    for name in names:
        events = [recorded.event for recorded in await journal(store, name)]
        assert [type(event) for event in events if isinstance(event, Restored)] == [Restored]
    lines = await store.read(lambda tx: tx.runs(200))
    assert {line.state for line in lines} == {RunState.FAILED}
    await store.close()
