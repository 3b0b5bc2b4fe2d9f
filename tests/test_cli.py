"""The `signoff` command: quick to start, and every mistake is one plain sentence, never a traceback."""

import asyncio
import json
import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.commands import time_left
from bot.core.events import (
    Asked,
    CardShown,
    Doubted,
    Event,
    Finished,
    Judged,
    ModelReplied,
    Settled,
    Started,
    Voted,
)
from bot.core.run import Run, RunState
from bot.core.values import (
    Answer,
    ApprovalId,
    Binding,
    CallId,
    Choice,
    Judgement,
    Person,
    Place,
    Proposal,
    RunId,
    Terms,
    Verdict,
)
from bot.engine.door import Door
from bot.engine.words import end_text
from bot.ports import Reader
from bot.sql.lock import only_bot
from bot.sql.store import open_store

ROOT = Path(__file__).parents[1]
ALONE = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_API_URL": "http://127.0.0.1:9/api/"}
"""A shell whose Slack is away."""


def signoff(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    basic = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
    }  # what is here, not what is installed
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, cwd=folder, env=basic | environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    probe = "import sys, bot.cli; print([m for m in ('sqlalchemy', 'slack_bolt', 'openai', 'pydantic', 'aiohttp') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["run"], {}, "SLACK_BOT_TOKEN is not set"),
        (["pending"], {"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
        (["approve", "x", "--as", "U1"], {}, "SLACK_BOT_TOKEN is not set"),
        (["runs", "show", "nothing"], {}, "There is no run nothing"),
        (["runs", "cancel", "nothing", "--as", "U1"], {}, "There is no run nothing"),
        (["runs", "resume", "nothing"], {}, "There is no run nothing"),
        (["freeze", "because", "--scope", "nonsense", "--as", "U1"], ALONE, "is no scope"),
        (["freeze", "because", "--as", "U1"], {}, "SLACK_BOT_TOKEN is not set"),
        (["freeze", "because", "--as", "U1"], ALONE, "Slack does not answer, so only people whom policy.yml names"),
        (["actions", "list"], {"SIGNOFF_ACTIONS": "no.such.module"}, "no.such.module"),
        (["policy", "check"], {"SIGNOFF_POLICY": "missing.yml"}, "missing.yml"),
        (["manifest", "--http", "ftp://x"], {}, "https"),
    ],
)
def test_every_mistake_is_one_plain_sentence(
    arguments: list[str], environment: dict[str, str], words: str, tmp_path: Path
) -> None:
    if arguments[0] not in ("run", "approve", "actions", "policy", "manifest") and "DATABASE_URL" not in environment:
        signoff("migrate", folder=tmp_path)
    done = signoff(*arguments, folder=tmp_path, **environment)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr + done.stdout


TO_RUN = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "OPENAI_API_KEY": "sk-1",
    "SIGNOFF_ACTIONS": "bot.demo.company",
}


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["migrate"], ["pending"], ["approve", "x", "--as", "U1"], ["runs", "cancel", "x", "--as", "U1"]],
)
def test_a_postgres_that_is_not_there_is_one_plain_sentence(arguments: list[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    absent = {"DATABASE_URL": f"postgresql://signoff:hidden@127.0.0.1:{port}/x", "SIGNOFF_SEAL_KEY": "k" * 32}
    done = signoff(*arguments, folder=tmp_path, **TO_RUN, **absent)
    assert done.returncode == 1 and "The database does not answer" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "hidden" not in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_looking_at_approvals_loads_no_vendor_that_only_the_bot_needs(tmp_path: Path) -> None:
    signoff("migrate", folder=tmp_path)
    probe = """
import sys
from bot.cli import app
app(["pending"], standalone_mode=False)
print([m for m in ("slack_bolt", "openai", "bighub", "pgqueuer", "alembic", "aiohttp", "starlette") if m in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["Nothing waits for an approval.", "[]"]


def test_a_schema_is_taken_back_for_an_older_release_unless_a_bot_is_at_work(tmp_path: Path) -> None:
    signoff("migrate", folder=tmp_path)
    assert "is at 0001" in signoff("migrate", "--down-to", "0001", folder=tmp_path).stdout
    unknown = signoff("migrate", "--down-to", "nine", folder=tmp_path)
    assert unknown.returncode == 1 and "no way down" in unknown.stderr and "Traceback" not in unknown.stderr
    with only_bot(tmp_path / "signoff.db"):
        refused = signoff("migrate", "--down-to", "base", folder=tmp_path)
    assert refused.returncode == 1 and "Another bot works on" in refused.stderr
    assert "at head" in signoff("migrate", folder=tmp_path).stdout


def test_the_listings_begin_empty(tmp_path: Path) -> None:
    assert "at head" in signoff("migrate", folder=tmp_path).stdout
    assert "Nothing waits" in signoff("pending", folder=tmp_path).stdout
    assert signoff("pending", "--json", folder=tmp_path).stdout.strip() == "[]"
    assert "chain holds: 0 events" in signoff("audit", "verify", folder=tmp_path).stdout
    assert "Nothing is frozen" in signoff("freezes", folder=tmp_path).stdout
    assert signoff("audit", "approvers", folder=tmp_path).stdout == "Nobody has voted within 7 d.\n"


def test_s23_a_shell_lists_whether_bighubs_kill_switch_does_not_follow_yet(tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text("version: 1\ndefaults: {approvers: [user:U0CAROL]}\n")
    assert "at head" in signoff("migrate", folder=tmp_path).stdout
    assert "Frozen: all" in signoff("freeze", "incident 7", "--as", "U0CAROL", folder=tmp_path, **ALONE).stdout
    assert "BIGHUB" not in signoff("freezes", folder=tmp_path).stdout
    assert "does not follow yet" in signoff("freezes", folder=tmp_path, BIGHUB_API_KEY="bh_test_key").stdout


def test_a_shell_freezes_and_only_a_second_person_lifts_it_also_while_slack_is_away(tmp_path: Path) -> None:
    approvers = "defaults: {approvers: [user:U0CAROL, user:U0DAN, group:S0SRE]}"
    (tmp_path / "policy.yml").write_text(f"version: 1\nshell_may_decide: true\n{approvers}\n")
    assert "at head" in signoff("migrate", folder=tmp_path).stdout
    okta = ("--scope", "system:Okta", "--as")
    (tmp_path / "mine.py").write_text(
        "from bot import action\n\n@action(system='Ci', environment='production')\ndef deploy(): 'Deploy.'\n"
    )
    frozen = signoff("freeze", "incident 7", *okta, "U0CAROL", folder=tmp_path, SIGNOFF_ACTIONS="mine.py", **ALONE)
    assert "Frozen: system:okta" in frozen.stdout and "Known are: environment:production, system:Ci." in frozen.stdout
    again = signoff("freeze", "worse", *okta, "U0DAN", folder=tmp_path, **ALONE)
    assert again.returncode == 1 and "frozen already, by <@U0CAROL>: incident 7" in again.stderr
    own = signoff("unfreeze", *okta, "U0CAROL", folder=tmp_path, **ALONE)
    assert own.returncode == 1 and "somebody else must lift it" in own.stderr
    stranger = signoff("unfreeze", *okta, "U0ALICE", folder=tmp_path, **ALONE)
    assert stranger.returncode == 1 and "only people whom policy.yml names" in stranger.stderr
    assert "incident 7" in signoff("freezes", folder=tmp_path).stdout
    unnamed = signoff("unfreeze", "--as", "U0DAN", folder=tmp_path, **ALONE)
    assert unnamed.returncode == 1 and "Say which to lift. Frozen now: system:okta." in unnamed.stderr
    assert "Lifted: system:okta" in signoff("unfreeze", *okta, "U0DAN", folder=tmp_path, **ALONE).stdout
    assert signoff("freezes", "--json", folder=tmp_path).stdout.strip() == "[]"


def test_a_shell_lifts_no_freeze_where_the_policy_does_not_let_shells_decide(tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text("version: 1\ndefaults: {approvers: [user:U0CAROL, user:U0DAN]}\n")
    signoff("migrate", folder=tmp_path)
    frozen = signoff("freeze", "incident 7", "--as", "U0CAROL", folder=tmp_path, **ALONE).stdout
    assert "Frozen: all" in frozen and "until two people lift it" in frozen
    assert "by shell:U0CAROL" in signoff("freezes", folder=tmp_path).stdout
    lifted = signoff("unfreeze", "--as", "U0DAN", folder=tmp_path, **ALONE)
    assert lifted.returncode == 1 and "shell_may_decide" in lifted.stderr


def test_s9_a_shell_where_no_policy_is_decides_nothing_and_is_told_where_to_go(tmp_path: Path) -> None:
    signoff("migrate", folder=tmp_path)
    asyncio.run(asking(f"sqlite:///{tmp_path / 'signoff.db'}", 3_600))
    refused = signoff("approve", "appr1", "--as", "U0CAROL", folder=tmp_path, **ALONE)
    assert refused.returncode == 1 and "There is no policy file here" in refused.stderr
    assert "decided by user:U0CAROL, group:S0SRE, 2 of them" in signoff("pending", folder=tmp_path).stdout


@pytest.mark.parametrize("command", [("freeze", "incident 7"), ("unfreeze", "--scope", "all")])
def test_a_shell_where_no_policy_is_freezes_nothing_and_is_told_where_to_go(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    signoff("migrate", folder=tmp_path)
    refused = signoff(*command, "--as", "U0CAROL", folder=tmp_path, **ALONE)
    assert refused.returncode == 1 and "There is no policy file here" in refused.stderr


def test_s9_a_shell_stops_a_run_in_nobodys_name_also_one_that_is_parked(tmp_path: Path) -> None:
    """It ends then: whoever works it closes its cards and tells its thread."""
    url = f"sqlite:///{tmp_path / 'signoff.db'}"
    signoff("migrate", folder=tmp_path)
    asyncio.run(asking(url, 3_600))
    asyncio.run(parking(url))
    done = signoff("runs", "cancel", "run1", "--as", "U0CAROL", "--reason", "Not today.", folder=tmp_path)
    assert done.stdout == "Stopped: run1.\n"
    run, parked = asyncio.run(standing(url))
    assert run.state is RunState.CANCELLED and parked is None
    assert end_text(run).startswith("Stopped by a shell (as <@U0CAROL>). Not today.")
    again = signoff("runs", "cancel", "run1", "--as", "U0CAROL", folder=tmp_path)
    assert again.returncode == 1 and "Traceback" not in again.stderr


async def parking(url: str) -> None:
    store = open_store(url)
    assert await store.write(lambda tx: tx.take_lease(RunId("run1"), "w", 9.0))
    assert await store.write(lambda tx: tx.park(RunId("run1"), "w", "Something broke."))
    await store.close()


async def standing(url: str) -> tuple[Run, str | None]:
    """The run, and why it is parked."""
    store = open_store(url)
    run, _ = await Door(store).load(RunId("run1"))
    line = await store.read(lambda tx: tx.line(RunId("run1")))
    await store.close()
    assert run is not None and line is not None
    return run, line.parked


async def asking(url: str, expires_in: float) -> None:
    """A run that waits for an approval, as the engine would have recorded it."""
    arguments = '{"group":"admins","note":"a\\nb","password":"hunter22"}'
    binding = Binding(
        arguments, "3fa9c1d0" * 8, "d", "okta", "okta", "production", "high", False, "ask", ("note",), ("password",)
    )
    proposal = Proposal(CallId("c1"), "w1", "grant_access", arguments, binding)
    store = open_store(url)
    now = await store.read(clock)
    terms = Terms(ApprovalId("appr1"), ("user:U0CAROL", "group:S0SRE"), 2, False, now + expires_in)
    person, door = Person("T1", "U0ALICE"), Door(store)
    events: tuple[Event, ...] = (
        Asked(person, Place("T1", "C0OPS", "1.1"), "1.1", "please"),
        ModelReplied("[]", "", (proposal,), 1),
        Judged(CallId("c1"), Judgement(Verdict.ASK, "risky", "Local rules", 0.9), terms),
        CardShown(CallId("c1"), "C0OPS", "1722500000.000200", "asking:appr1:0"),
    )
    assert isinstance(await door.record(RunId("run1"), *events), Run)
    await store.close()


async def clock(tx: Reader) -> float:
    return tx.now


def test_pending_shows_all_that_a_decision_needs_and_hides_what_is_secret(tmp_path: Path) -> None:
    signoff("migrate", folder=tmp_path)
    asyncio.run(asking(f"sqlite:///{tmp_path / 'signoff.db'}", 2 * 86_400 + 3 * 3_600 + 100))
    shown = signoff("pending", folder=tmp_path).stdout
    for words in (
        "appr1  grant_access · okta · production", "risk 0.90 · asked by U0ALICE · 2 d 3 h left",
        "decided by user:U0CAROL, group:S0SRE, 2 of them, not by U0ALICE", "digest 3fa9 c1d0",
        'group     "admins"', 'note      "a\\nb"', "[secret, 8 characters]", "https://slack.com/archives/C0OPS/p1722500000000200",
    ):  # fmt: skip
        assert words in shown, (words, shown)
    (line,) = json.loads(signoff("pending", "--json", folder=tmp_path).stdout)
    assert json.loads(line["arguments"]) == {"group": "admins", "note": "a\nb", "password": "[secret, 8 characters]"}
    assert line["digest"] == "3fa9c1d0" * 8 and line["link"].endswith("/C0OPS/p1722500000000200")
    assert "hunter22" not in shown + json.dumps(line)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5.0, "less than a minute left"),
     (59.9, "less than a minute left"), (61.0, "1 min left"),
     (3_660.0, "1 h 1 min left"), (90_000.0, "1 d 1 h left")],
)  # fmt: skip
def test_the_time_that_is_left_is_told_in_readable_units(seconds: float, words: str) -> None:
    assert time_left(seconds) == words


def test_a_database_that_was_never_migrated_is_said_in_words(tmp_path: Path) -> None:
    done = signoff("pending", folder=tmp_path)
    assert done.returncode == 1 and "signoff migrate" in done.stderr and "Traceback" not in done.stderr


def test_r18_an_export_is_kept_and_the_journal_is_held_against_it(tmp_path: Path) -> None:
    """With the very commands that the README names."""
    readme = (ROOT / "README.md").read_text()
    assert "`signoff audit export` regularly, and `signoff audit verify --against FILE`" in readme
    signoff("migrate", folder=tmp_path)
    database = tmp_path / "signoff.db"
    asyncio.run(asking(f"sqlite:///{database}", 3_600))
    export = signoff("audit", "export", folder=tmp_path).stdout
    (tmp_path / "export.jsonl").write_text(export)
    assert [json.loads(line).get("kind") for line in export.splitlines()] == [
        "Asked", "ModelReplied", "Judged", "CardShown", None,
    ]  # fmt: skip
    assert signoff("audit", "export", "--json", folder=tmp_path).stdout == export
    held = ("audit", "verify", "--against", "export.jsonl")
    assert "It holds all that export.jsonl says." in signoff(*held, folder=tmp_path).stdout
    told = json.loads(signoff(*held, "--json", folder=tmp_path).stdout)
    assert told == {"runs": 1, "events": 4, "fault": None, "heads": json.loads(export.splitlines()[-1])["heads"]}
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM events")
        connection.execute("DELETE FROM runs")
    assert "chain holds: 0 events" in signoff("audit", "verify", folder=tmp_path).stdout
    cut = signoff(*held, folder=tmp_path)
    assert cut.returncode == 1 and "event 4 was exported and is not there any more" in cut.stderr
    assert json.loads(signoff(*held, "--json", folder=tmp_path).stdout)["fault"]["seq"] == 4
    (tmp_path / "export.jsonl").write_text("\n".join(export.splitlines()[:-1]))
    refused = signoff(*held, folder=tmp_path)
    assert refused.returncode == 1 and "no whole export" in refused.stderr and "Traceback" not in refused.stderr


async def voted(url: str) -> None:
    """Carol approves what `asking` asks about, too fast to have read it."""
    store = open_store(url)
    vote = Voted(ApprovalId("appr1"), Person("T1", "U0CAROL"), Choice.APPROVE, "", "", "shell", waited=1.4)
    assert isinstance(await Door(store).record(RunId("run1"), vote), Run)
    await store.close()


def test_s14_how_each_person_decides_is_told_and_what_was_fast_stands_in_the_export(
    sqlite_url: str, tmp_path: Path
) -> None:
    asyncio.run(asking(sqlite_url, 3_600))
    asyncio.run(voted(sqlite_url))
    team, carol = signoff("audit", "approvers", folder=tmp_path).stdout.splitlines()
    assert " ".join(team.split()) == "T1 1 votes 100% approved median 1.4 s 1 approved within 3 s"
    assert carol.startswith("  U0CAROL ")
    told = json.loads(signoff("audit", "approvers", "--days", "1", "--json", folder=tmp_path).stdout)
    assert told[1] == {
        "team": "T1", "person": {"team": "T1", "user": "U0CAROL"}, "votes": 1, "approvals": 1, "approve_rate": 1.0,
        "median_wait": 1.4, "fast": 1,
    }  # fmt: skip
    exported = signoff("audit", "export", "--json", folder=tmp_path).stdout.splitlines()
    assert [json.loads(json.loads(line)["body"])["waited"] for line in exported if '"Voted"' in line] == [1.4]


async def parked(url: str, reason: str) -> None:
    """The run of `asking`, parked as a worker does it."""
    store = open_store(url)
    await store.write(lambda tx: tx.take_lease(RunId("run1"), "worker", 60.0))
    assert await store.write(lambda tx: tx.park(RunId("run1"), "worker", reason))
    await store.close()


def test_r17_a_parked_run_is_listed_explained_and_resumed(sqlite_url: str, tmp_path: Path) -> None:
    asyncio.run(asking(sqlite_url, 3600.0))
    asyncio.run(parked(sqlite_url, "Something broke inside Signoff (KeyError)."))
    listed = signoff("runs", "list", folder=tmp_path).stdout
    assert "run1  parked" in listed and "  Something broke inside Signoff (KeyError)." in listed
    (line,) = json.loads(signoff("runs", "list", "--json", folder=tmp_path).stdout)
    assert (line["state"], line["parked"]) == ("parked", "Something broke inside Signoff (KeyError).")
    shown = signoff("runs", "show", "run1", folder=tmp_path).stdout
    assert "Parked: Something broke" in shown and "signoff runs resume run1" in shown
    assert "Resumed: run1" in signoff("runs", "resume", "run1", folder=tmp_path).stdout
    again = signoff("runs", "resume", "run1", folder=tmp_path)
    assert again.returncode == 1 and "is not parked" in again.stderr and "Traceback" not in again.stderr


def test_r17_one_journal_that_cannot_be_read_spoils_no_listing_and_is_shown_as_it_is_stored(
    sqlite_url: str, tmp_path: Path
) -> None:
    asyncio.run(asking(sqlite_url, 3600.0))
    with sqlite3.connect(tmp_path / "signoff.db") as database:
        database.execute("UPDATE events SET body = '{}' WHERE seq = 2")
    pending = signoff("pending", folder=tmp_path)
    assert pending.returncode == 0 and "grant_access" in pending.stdout
    shown = signoff("runs", "show", "run1", folder=tmp_path)
    assert shown.returncode == 0 and "cannot be read" in shown.stdout and "ModelReplied {}" in shown.stdout
    assert len(json.loads(signoff("runs", "show", "run1", "--json", folder=tmp_path).stdout)) == 4
    stopped = signoff("runs", "cancel", "run1", "--as", "U0CAROL", folder=tmp_path)
    assert stopped.returncode == 1 and "journal cannot be read" in stopped.stderr and "Traceback" not in stopped.stderr


def test_r2_runs_show_tells_what_was_reported_after_somebody_had_answered(sqlite_url: str, tmp_path: Path) -> None:
    asyncio.run(asking(sqlite_url, 3600.0))
    asyncio.run(reported_late(sqlite_url))
    shown = signoff("runs", "show", "run1", folder=tmp_path).stdout
    assert "c1: U0CAROL found that grant_access did not run." in shown
    assert 'Later the action itself reported: it succeeded: "bob is in"' in shown


async def reported_late(url: str) -> None:
    call, store = CallId("c1"), open_store(url)
    judged = Judged(call, Judgement(Verdict.ALLOW, "fine", "Local rules"))
    votes = [Voted(ApprovalId("appr1"), Person("T1", user), Choice.APPROVE, "", "", "shell") for user in ("U1", "U2")]
    doubted = Doubted(call, "a", ApprovalId("q"))
    settled = Settled(call, Answer.DID_NOT_RUN, Person("T1", "U0CAROL"))
    late = Finished(call, "a", True, '"bob is in"', 1.0)
    events = (*votes, judged, Started(call, "a", "w"), doubted, settled, late)
    assert isinstance(await Door(store).record(RunId("run1"), *events), Run)
    await store.close()


POLICY = """\
names: {groups: {sre: S0SRE}, channels: {ops: C0OPS}}
defaults: {approvers: group:sre}
rules:
- name: prod-deploys
  when: {action: "deploy_*", environment: production, risk: ">= 0.7"}
  verdict: ask
  quorum: 2
  approvers: group:sre
  expires_in: 4h
- name: nobody-drops
  when: {action: drop_table}
  verdict: deny
examples:
- {action: deploy_service, environment: production, risk: 0.8, expect: {verdict: ask, quorum: 2}}
- {action: drop_table, guard: allow, expect: deny}
"""


def test_policy_check_explains_a_case_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text(POLICY)
    case = ["--environment", "production", "--risk", "0.8", "--requester", "U1", "--channel", "#ops"]
    told = signoff("policy", "check", "deploy_service", *case, folder=tmp_path)
    assert told.stdout == (
        "`deploy_service` in production at risk 0.8, asked by U1 in #ops → ask, 2 of group:sre, expires in 4 h, "
        "because rule `prod-deploys`\n"
    )
    assert "→ allow, because no rule" in signoff("policy", "check", "look", "--read-only", folder=tmp_path).stdout
    fields = json.loads(signoff("policy", "check", "drop_table", "--json", folder=tmp_path).stdout)
    assert (fields["verdict"], fields["rules"], fields["terms"]) == ("deny", ["nobody-drops"], None)
    wrong = signoff("policy", "check", "x", "--risk", "7", "--arguments", "{}", folder=tmp_path)
    assert wrong.returncode == 1 and wrong.stderr.startswith("risk: write a number from 0 to 1")


def test_policy_check_says_where_nobody_may_approve(tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text("rules:\n- name: a\n  verdict: ask\n")
    told = signoff("policy", "check", folder=tmp_path)
    assert told.returncode == 0 and "decided by nobody" in told.stdout and "nobody can decide it" in told.stderr


def test_policy_test_runs_the_examples_and_fails_with_the_line_of_one_that_is_not_so(tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text(POLICY)
    good = signoff("policy", "test", folder=tmp_path)
    assert good.returncode == 0 and good.stdout.endswith("All 2 examples are as expected.\n")
    (tmp_path / "policy.yml").write_text(POLICY.replace("quorum: 2}", "quorum: 3, rule: nobody-drops}"))
    bad = signoff("policy", "test", folder=tmp_path)
    assert bad.returncode == 1 and bad.stderr == "1 of 2 examples are not as expected.\n"
    assert "not so  policy.yml:14: `deploy_service`" in bad.stdout and "expected quorum 3, found 2" in bad.stdout
    assert 'expected rule "nobody-drops" to apply' in bad.stdout
    (tmp_path / "policy.yml").write_text("defaults: {approvers: user:U1}\n")
    assert "has no examples" in signoff("policy", "test", folder=tmp_path).stderr
