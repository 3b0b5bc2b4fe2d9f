"""A person of the local workspace as tests and scripts drive one: speaks, clicks, submits and looks. Pure client."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

Json = dict[str, Any]


class Refusal(Exception):
    """The workspace said no; `answer` is its JSON and `error` Slack's code."""

    def __init__(self, answer: Json) -> None:
        super().__init__(answer.get("error", "unknown"))
        self.answer = answer
        self.error = str(answer.get("error"))


class Person:
    """One user by the token `xoxp-<user id>`. Times are in seconds, `ts` values are strings."""

    def __init__(self, url: str, user_id: str) -> None:
        self.user_id = user_id
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def say(self, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Posts as this person; mentions are `<@U…>` tokens. Returns the `ts`."""
        body: Json = {"channel": channel, "text": text}
        if thread_ts:
            body["thread_ts"] = thread_ts
        return str((await self.call("chat.postMessage", **body))["ts"])

    async def say_to_bot(self, text: str, thread_ts: str | None = None) -> tuple[str, str]:
        """A direct message to the app; returns the channel and the `ts`."""
        channel = await self.direct_channel()
        return channel, await self.say(channel, text, thread_ts)

    async def direct_channel(self) -> str:
        return str((await self.call("conversations.open", users="U0SIGNOFF"))["channel"]["id"])

    async def call(self, method: str, **args: Any) -> Json:
        """Any Web API method with this person's token."""
        return await self._post(f"/api/{method}", args)

    async def click(
        self,
        channel: str,
        message_ts: str,
        action_id: str,
        *,
        block_id: str | None = None,
        value: Any = None,
        force: bool = False,
    ) -> str:
        """Clicks an element of a message; returns `ok` or `no_ack`. `force` clicks what is not there (any more)."""
        body: Json = {"channel": channel, "message_ts": message_ts, "action_id": action_id, "force": force}
        body |= {name: given for name, given in (("block_id", block_id), ("value", value)) if given is not None}
        return str((await self._post("/client/click", body))["ack"])

    async def click_view(
        self,
        view_id: str,
        action_id: str,
        *,
        block_id: str | None = None,
        value: Any = None,
        values: Json | None = None,
    ) -> str:
        """Clicks or changes an element of an open modal or of App Home."""
        body: Json = {"view_id": view_id, "action_id": action_id, "block_id": block_id, "values": values}
        return str((await self._post("/client/click", body | {"value": value}))["ack"])

    async def submit(self, view_id: str, values: Json | None = None) -> Json:
        """Submits a modal; `values` is block id → action id → state. Returns `response_action`, `errors` and `ack`."""
        return await self._post("/client/submit", {"view_id": view_id, "values": values or {}})

    async def close_view(self, view_id: str) -> None:
        await self._post("/client/close", {"view_id": view_id})

    async def command(self, channel: str, command: str, text: str = "") -> Json:
        """Types a slash command; returns `ack` and `response`."""
        return await self._post("/client/command", {"channel": channel, "command": command, "text": text})

    async def shortcut(self, callback_id: str, channel: str | None = None, message_ts: str | None = None) -> str:
        body: Json = {"callback_id": callback_id, "channel": channel, "message_ts": message_ts}
        return str((await self._post("/client/shortcut", body))["ack"])

    async def open_home(self) -> None:
        await self._post("/client/open_home", {})

    async def delete(self, channel: str, ts: str) -> None:
        await self._post("/client/delete", {"channel": channel, "ts": ts})

    async def edit(self, channel: str, ts: str, text: str) -> None:
        await self._post("/client/edit", {"channel": channel, "ts": ts, "text": text})

    async def boot(self) -> Json:
        return await self._get("/client/boot")

    async def messages(self, channel: str) -> list[Json]:
        """Everything this person sees in a channel, oldest first, replies and own ephemerals included."""
        found: list[Json] = (await self._get("/client/messages", channel=channel))["messages"]
        return found

    async def thread(self, channel: str, ts: str) -> list[Json]:
        """The parent (if it still exists) and its replies, oldest first."""
        return [each for each in await self.messages(channel) if ts in {each["ts"], each.get("thread_ts")}]

    async def views(self) -> Json:
        """`modal_stack` (the topmost last) and `home`."""
        return await self._get("/client/views")

    async def modal(self) -> Json | None:
        """The topmost open modal."""
        stack: list[Json] = (await self.views())["modal_stack"]
        return stack[-1] if stack else None

    async def wait_for(self, predicate: Callable[[], Awaitable[Any]], seconds: float = 5.0) -> Any:
        """Asks `predicate` until it answers something true, and returns that; `TimeoutError` otherwise."""
        end = time.monotonic() + seconds
        while True:
            if answer := await predicate():
                return answer
            if time.monotonic() > end:
                raise TimeoutError(f"{self.user_id} waited {seconds} s in vain")
            await asyncio.sleep(0.02)

    async def wait_for_message(self, channel: str, accepts: Callable[[Json], Any], seconds: float = 5.0) -> Json:
        """The first message of a channel, as seen by this person, that `accepts` takes."""

        async def look() -> Json | None:
            return next((each for each in await self.messages(channel) if accepts(each)), None)

        found: Json = await self.wait_for(look, seconds)
        return found

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Authorization": f"Bearer xoxp-{self.user_id}"}
            self._session = aiohttp.ClientSession(headers=headers, trust_env=False)
        return self._session

    async def _post(self, path: str, body: Json) -> Json:
        given = {name: value for name, value in body.items() if value is not None}
        async with self._client().post(self._url + path, json=given) as answer:
            return _checked(await answer.json())

    async def _get(self, path: str, **query: str) -> Json:
        async with self._client().get(self._url + path, params=query) as answer:
            return _checked(await answer.json())


def _checked(answer: Json) -> Json:
    if not answer.get("ok"):
        raise Refusal(answer)
    return answer
