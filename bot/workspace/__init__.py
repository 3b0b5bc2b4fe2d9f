"""A Slack workspace for one machine: the real protocol, in memory, for a demo and for tests. No rule of the bot lives here."""

from bot.workspace.config import WorkspaceConfig
from bot.workspace.launch import RunningWorkspace, running_workspace, serving
from bot.workspace.people import Person, Refusal

__all__ = ["Person", "Refusal", "RunningWorkspace", "WorkspaceConfig", "running_workspace", "serving"]
