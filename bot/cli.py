"""The `signoff` command: options in, text out. It imports typer and nothing heavy; each command imports what it needs.

A wrong setting or a refusal is one plain sentence on stderr and exit status 1; a traceback is a fault of ours.
"""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.errors import SignoffError

app = typer.Typer(
    name="signoff",
    help="An ops agent for Slack that asks before it acts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they show local variables, and so secrets
    rich_markup_mode=None,
)
runs = typer.Typer(no_args_is_help=True, help="Look at runs, stop one, or resume one that is parked.")
actions = typer.Typer(no_args_is_help=True, help="What the agent can do.")
policy = typer.Typer(no_args_is_help=True, help="Who may approve what.")
audit = typer.Typer(no_args_is_help=True, help="The journal.")
app.add_typer(runs, name="runs")
app.add_typer(actions, name="actions")
app.add_typer(policy, name="policy")
app.add_typer(audit, name="audit")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
As = Annotated[str, typer.Option("--as", metavar="USER_ID", help="The Slack user id (U…) of who decides.")]
Scope = Annotated[str, typer.Option(help="all, system:NAME or environment:NAME")]
Comment = Annotated[str, typer.Option("--comment", help="Why; the card shows it, and the model reads it.")]


def main() -> None:
    """Run the command; an error that was made for people becomes its sentence."""
    try:
        app()
    except SignoffError as error:
        _fail(error.tell)
    except Exception as error:  # the outermost edge: who is absent or refuses is told, all else is a fault of ours
        from bot.core.faults import BrokenJournal
        from bot.ports import Rejected, Unavailable

        if isinstance(error, BrokenJournal):
            _fail(
                f"This journal cannot be read: {error}. Nothing was changed; `signoff runs show` prints what is stored."
            )
        if not isinstance(error, Unavailable | Rejected):
            raise
        _fail(str(error))


def _fail(sentence: str) -> None:
    typer.echo(sentence, err=True)
    sys.exit(1)


def _do(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@app.command()
def run() -> None:
    """Run the bot: Socket Mode when SLACK_APP_TOKEN is set, HTTP otherwise."""
    from bot.app import run_bot

    _do(run_bot())


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the local workspace's page.")] = 8777,
    directory: Annotated[Path, typer.Option("--dir", help="Where the demo keeps its databases.")] = Path(
        "signoff-demo"
    ),
) -> None:
    """Try everything on this machine: local workspace, scripted model, local rules, toy company."""
    from bot.demo.launch import run_demo

    _do(run_demo(port=port, directory=directory))


@app.command()
def workspace(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page and the API.")] = 8777,
) -> None:
    """Start only the local Slack workspace, and print the settings that connect a bot to it."""
    from bot.demo.launch import run_workspace

    _do(run_workspace(port=port))


@app.command()
def migrate(
    down_to: Annotated[str, typer.Option(help="Take the schema back to this revision, for an older release.")] = "",
) -> None:
    """Bring the database's schema to head."""
    from bot.commands import migrate_database

    _do(migrate_database(down_to))


@app.command()
def pending(as_json: AsJson = False) -> None:
    """List the open approvals: riskiest and oldest first."""
    from bot.commands import list_pending

    _do(list_pending(as_json))


@app.command()
def approve(approval: str, user: As, comment: Comment = "") -> None:
    """Approve from a shell: authorised like a click, and recorded as "by shell"."""
    from bot.commands import vote

    _do(vote(approval, user, "approve", comment))


@app.command()
def deny(approval: str, user: As, comment: Comment = "") -> None:
    """Deny from a shell: authorised like a click, and recorded as "by shell"."""
    from bot.commands import vote

    _do(vote(approval, user, "deny", comment))


@app.command()
def freeze(reason: str, user: As, scope: Scope = "all") -> None:
    """Start nothing that changes something in a scope until somebody else lifts it; reading goes on."""
    from bot.freeze_commands import set_freeze

    _do(set_freeze(scope, reason, user))


@app.command()
def unfreeze(user: As, scope: Scope = "", reason: str = "") -> None:
    """Lift a freeze that somebody else set; without a scope, say what is frozen."""
    from bot.freeze_commands import lift_freeze

    _do(lift_freeze(scope, reason, user))


@app.command()
def freezes(as_json: AsJson = False) -> None:
    """List what is frozen."""
    from bot.freeze_commands import list_freezes

    _do(list_freezes(as_json))


@app.command()
def restored(reason: str, as_json: AsJson = False) -> None:
    """Say that the database was restored from a backup: its unfinished runs end, and people are asked what may have run."""
    from bot.commands import declare_restored

    _do(declare_restored(reason, as_json))


@runs.command("list")
def runs_list(limit: Annotated[int, typer.Option(min=1)] = 20, as_json: AsJson = False) -> None:
    """The newest runs."""
    from bot.run_commands import list_runs

    _do(list_runs(limit, as_json))


@runs.command("show")
def runs_show(run_id: str, as_json: AsJson = False) -> None:
    """The journal of one run."""
    from bot.run_commands import show_run

    _do(show_run(run_id, as_json))


@runs.command("cancel")
def runs_cancel(run_id: str, user: As, reason: str = "") -> None:
    """Stop a run; its thread is told that a shell did it, as whom. What has started already goes on to its end."""
    from bot.run_commands import cancel_run

    _do(cancel_run(run_id, user, reason))


@runs.command("resume")
def runs_resume(run_id: str) -> None:
    """Let a parked run be tried again."""
    from bot.run_commands import resume_run

    _do(resume_run(run_id))


@actions.command("list")
def actions_list(as_json: AsJson = False) -> None:
    """The actions that SIGNOFF_ACTIONS declares."""
    from bot.commands import list_actions

    list_actions(as_json)


@policy.command("check")
def policy_check(
    action: Annotated[str, typer.Argument(help="Explain what becomes of this action; left out: every rule.")] = "",
    system: str = "",
    environment: str = "",
    target: str = "",
    risk: Annotated[str, typer.Option(help="A number from 0 to 1, or low, medium, high or critical.")] = "",
    arguments: Annotated[str, typer.Option(metavar="JSON", help="The action's arguments.")] = "",
    requester: Annotated[str, typer.Option(metavar="USER", help="Who asks: a user id or a name of the file.")] = "",
    channel: Annotated[str, typer.Option(metavar="CHANNEL", help="Where: a channel's id or #name.")] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="It only reads.")] = False,
    guard: Annotated[str, typer.Option(help="What BIGHUB says: allow, ask or deny; left out: the rules alone.")] = "",
    at: Annotated[str, typer.Option(metavar="TIME", help='When, like "2026-12-24 10:00"; left out: now.')] = "",
    as_json: AsJson = False,
) -> None:
    """Validate policy.yml, with file and line, and say what it means: each rule, or what becomes of one action."""
    from bot.policy_commands import check_policy

    case = {"action": action, "system": system, "environment": environment, "target": target, "risk": risk}
    asked = {"requester": requester, "channel": channel, "read_only": read_only, "guard": guard, "at": at}
    check_policy({name: value for name, value in (case | asked).items() if value}, arguments, as_json)


@policy.command("test")
def policy_test(as_json: AsJson = False) -> None:
    """Run the examples that policy.yml keeps."""
    from bot.policy_commands import try_examples

    try_examples(as_json)


@audit.command("verify")
def audit_verify(
    against: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="An earlier export: all that it says must still be there."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the journal's hash chain and name the first row that does not fit."""
    from bot.commands import verify_audit

    export = against.read_text(encoding="utf-8", errors="replace") if against else ""
    _do(verify_audit(str(against or ""), export, as_json))


@audit.command("export")
def audit_export(
    as_json: Annotated[bool, typer.Option("--json", help="It is JSON anyway, one object a line.")] = False,
) -> None:
    """Print every event and the digest over all runs' heads; keep it elsewhere, for `verify --against`."""
    from bot.commands import export_audit

    _do(export_audit())


@audit.command("approvers")
def audit_approvers(
    days: Annotated[float, typer.Option(min=0.01, max=3_660, help="How far to look back.")] = 7.0,
    as_json: AsJson = False,
) -> None:
    """How each person decides: how often they approve, how quickly, and what was approved within three seconds."""
    from bot.commands import list_approvers

    _do(list_approvers(days, as_json))


@app.command()
def manifest(
    http: Annotated[str, typer.Option("--http", metavar="URL", help="For HTTP delivery to this public address.")] = "",
    mention_only: Annotated[bool, typer.Option("--mention-only", help="Without reading replies in channels.")] = False,
) -> None:
    """Print the app manifest to create the Slack app from."""
    from bot.commands import print_manifest

    print_manifest(http, mention_only)
