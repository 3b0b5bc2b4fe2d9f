"""Every Web API method of the local workspace by name: what it does, the scopes it needs and the tokens it takes."""

from bot.workspace.calls import Method
from bot.workspace.methods import apps, chat, conversations, files, oauth, scheduled, streams, threads, users, views

METHODS: dict[str, Method] = {
    name: method
    for room in (apps, chat, conversations, files, oauth, scheduled, streams, threads, users, views)
    for name, method in room.METHODS.items()
}
