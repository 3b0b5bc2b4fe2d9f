"""The library's Actions port: names given once, arguments from Python, results as the objects that they are."""

import asyncio
import dataclasses
import threading
import time
import warnings
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.actions import Action, Checked, define
from bot.api.tools import MOST_RETURNED, Tools
from bot.core.refusal import Refused
from bot.core.values import Person, Proposal
from bot.errors import AdapterConfigurationError
from bot.ports import Actions, Wish
from tests.core.runs import binding

BOB = Person("program", "program")
PORT: Actions = Tools()


def book(when: datetime, price: Decimal, seats: list[int], note: str = "none") -> dict[str, Any]:
    """Book seats."""
    return {"when": when, "seats": set(seats)}


def made(region: str) -> Callable[[str], str]:
    def restart(service: str) -> str:
        return f"{region} {service}"

    return restart


SERVICE_A = binding('{"service":"a"}', environment="")


def shop() -> Tools:
    tools = Tools()
    tools.register("book", book)
    return tools


async def edited(tools: Tools, arguments: object) -> Proposal:
    return await tools.propose_edit("t1c1e", "fc_1", "book", arguments, BOB)


# --- names ----------------------------------------------------------------------------------------------------------


def test_the_tools_are_listed_nested_and_offered_flat() -> None:
    tools = shop()
    flat = tools.offered()[0]
    assert flat == {"type": "function", "name": "book", "description": "Book seats.", **_schema(flat)}
    assert tools.list_tools() == [
        {"type": "function", "function": {"name": "book", "description": "Book seats.", **_schema(flat)}}
    ]
    tools.list_tools()[0]["function"]["parameters"].clear()
    assert tools.offered()[0] == flat


def _schema(tool: dict[str, Any]) -> dict[str, Any]:
    assert isinstance(tool["parameters"], dict) and tool["strict"] is True
    return {"parameters": tool["parameters"], "strict": True}


def test_h20_another_tool_of_the_same_name_is_refused_and_the_first_stays() -> None:
    tools = Tools()
    eu = made("eu")
    tools.register("restart", eu, system="k8s", value_from_args=lambda arguments: 1.0)
    same: dict[str, Any] = {"system": "k8s", "value_from_args": lambda arguments: 1.0}
    others: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (made("us"), same),
        (book, same),
        (eu, {**same, "value_from_args": lambda arguments: 2.0}),
        (eu, {**same, "metadata_from_args": lambda arguments: {}}),
        (eu, {**same, "system": "nomad"}),
        (eu, {**same, "risk": "Medium"}),
        (eu, {**same, "domain": "shop"}),
        (eu, {**same, "actor": "bob"}),
        (eu, {**same, "action_name": "bounce"}),
        (eu, {**same, "decision_mode": "submit"}),
        (eu, {**same, "timeout": 5}),
        (eu, {**same, "target_from_args": lambda arguments: ""}),
        (eu, {}),
    ]
    for fn, options in others:
        with pytest.raises(AdapterConfigurationError, match="tool restart: there is another tool of this name"):
            tools.register("restart", fn, **options)
    found = tools.find("restart")
    assert found is not None and found.fn is eu and tools.facts("restart", SERVICE_A).value == 1.0


def test_the_very_same_registration_again_is_nothing_new_and_warns_once() -> None:
    tools = Tools()

    def cell() -> None:
        tools.register("restart", made("eu"), value_from_args=lambda arguments: 1.0, risk="high")

    cell()
    first = tools.find("restart")
    cell()
    assert tools.find("restart") is first and len(tools.actions) == 1
    with pytest.warns(UserWarning) as caught:
        for _ in range(2):
            tools.register("loose", lambda a: None)
    assert len(caught) == 1


def test_h20_options_that_are_used_for_several_functions_lose_nothing() -> None:
    tools = Tools()
    options: dict[str, Any] = {
        "domain": "okta",
        "system": "okta",
        "metadata_from_args": lambda arguments: {"team": "it"},
    }
    for name in ("grant", "revoke"):
        tools.register(name, made("eu"), **options)
    for name in ("grant", "revoke"):
        facts = tools.facts(name, SERVICE_A)
        assert facts.domain == "okta" and facts.metadata == {"team": "it", "system": "okta"}


class Hesitant(Tools):
    """Tools that take a while to find one, so that others come between."""

    def find(self, name: str) -> Action | None:
        found = super().find(name)
        time.sleep(0.002)
        return found


def test_h20_of_those_who_register_one_name_at_once_one_succeeds_with_all_that_it_says() -> None:
    tools = Hesitant()
    outcomes: list[str] = []

    def register(n: int) -> None:
        fn = made(f"region {n}")
        try:
            tools.register("restart", fn, value_from_args=lambda arguments: n)
            outcomes.append(fn("web"))
        except AdapterConfigurationError:
            outcomes.append("refused")

    threads = [threading.Thread(target=register, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = next(each for each in outcomes if each != "refused")
    found = tools.find("restart")
    assert len(outcomes) == 8 and outcomes.count("refused") == 7
    assert found is not None and found.fn("web") == winner
    value = tools.facts("restart", SERVICE_A).value
    assert winner == f"region {value:g} web"


def test_a_tool_that_is_registered_during_a_run_is_whole_as_soon_as_it_is_seen() -> None:
    tools = Tools()
    missing: list[int] = []

    class Looking(str):
        """A name that, while it is being added, looks at what others would see."""

        def __hash__(self) -> int:
            if tools.actions and tools.facts(f"{tools.actions[-1].name}", SERVICE_A).value is None:
                missing.append(1)
            return super().__hash__()

    tools.register(Looking("restart"), made("eu"), value_from_args=lambda arguments: 1.0)
    assert missing == [] and tools.facts("restart", SERVICE_A).value == 1.0


def test_an_action_that_is_added_by_itself_has_facts_too() -> None:
    tools = Tools()
    tools.add(define(made("eu"), system="k8s"))
    assert tools.facts("restart", SERVICE_A).metadata == {"system": "k8s"}


# --- arguments ------------------------------------------------------------------------------------------------------


async def test_arguments_from_python_are_checked_and_bound_like_the_models() -> None:
    tools = shop()
    given = {"when": datetime(2026, 1, 2), "price": Decimal("9.50"), "seats": (1, 2)}
    checked = tools.check("book", given)
    assert isinstance(checked, Checked)
    assert checked.arguments == b'{"note":"none","price":"9.50","seats":[1,2],"when":"2026-01-02T00:00:00"}'
    proposal = await edited(tools, given)
    assert proposal.binding is not None and proposal.binding.arguments.encode() == checked.arguments
    assert (proposal.call, proposal.wire, proposal.action) == ("t1c1e", "fc_1", "book")
    assert proposal.raw_arguments == tools.as_json("book", given)
    asked = await tools.propose("t1c1e", Wish("fc_1", "book", tools.as_json("book", given)), BOB)
    assert asked.binding == proposal.binding
    again = tools.check("book", checked.arguments)
    assert isinstance(again, Checked) and again == checked


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"when": "2026-01-02T00:00:00", "price": "1", "seats": []}, ""),
        ({"when": object(), "price": "1", "seats": []}, '"when" cannot be written as JSON: object'),
        (
            {"when": "2026-01-02T00:00:00", "price": float("nan"), "seats": []},
            '"price" cannot be written as JSON: float',
        ),
        ({"when": "2026-01-02T00:00:00", "price": "1", "seats": LOOP}, '"seats" cannot be written as JSON: list'),
        ({"when": "2026-01-02T00:00:00", "price": "1", "seats": {1}, "sudo": 1}, '"sudo" is not among the parameters'),
        ({"when": "2026-01-02T00:00:00", "price": 1, "seats": []}, '"price" must be a string, not 1'),
        ({"\ud800": 1}, "cannot be written as JSON"),
        ({1: 2}, "must be a dict of names and values, not dict"),
        ([("when", 1)], "must be a dict of names and values, not list"),
        (None, "must be a dict of names and values, not NoneType"),
    ],
)
async def test_h19_edited_arguments_that_do_not_fit_are_refused_with_a_sentence(arguments: Any, told: str) -> None:
    tools = shop()
    proposal = await edited(tools, arguments)
    checked = tools.check("book", arguments)
    if not told:
        assert proposal.binding is not None and isinstance(checked, Checked)
        return
    assert proposal.binding is None and told in proposal.refusal
    assert isinstance(checked, Refused) and told in checked.reason


def test_a_program_that_gives_no_dict_is_told_so() -> None:
    with pytest.raises(AdapterConfigurationError, match="tool book: The arguments must be a dict"):
        shop().as_json("book", [1])


async def test_a_tool_that_there_is_not_is_named() -> None:
    tools = shop()
    for refused in (tools.check("gone", {"a": 1}), tools.check("gone", "{}")):
        assert isinstance(refused, Refused) and 'There is no action "gone". The actions are: book.' in refused.reason
    assert "There is no action" in (await tools.propose_edit("c", "w", "gone", {"a": object()}, BOB)).refusal


async def test_h19_a_target_that_cannot_be_said_reaches_nobody() -> None:
    tools = Tools()
    tools.register("restart", made("eu"), target_from_args=lambda arguments: arguments["gone"])
    proposal = await tools.propose("c", Wish("w", "restart", '{"service":"a"}'), BOB)
    assert proposal.binding is None and "could not say what these arguments act upon" in proposal.refusal


# --- running --------------------------------------------------------------------------------------------------------


async def bound(tools: Tools, name: str, arguments: str) -> Proposal:
    proposal = await tools.propose("c", Wish("w", name, arguments), BOB)
    assert proposal.binding is not None, proposal.refusal
    return proposal


async def test_what_a_tool_returned_is_there_as_the_object_that_it_is() -> None:
    tools = shop()
    proposal = await edited(tools, {"when": datetime(2026, 1, 2), "price": "1", "seats": [1]})
    ran = await tools.run(proposal, "attempt-1")
    assert ran.ok and ran.output == '{"when":"2026-01-02T00:00:00","seats":[1]}'
    assert tools.returned("attempt-1") == (True, {"when": datetime(2026, 1, 2), "seats": {1}})
    assert tools.returned("attempt-2") == (False, None)


async def test_a_tool_that_returned_nothing_returned_none_and_one_that_failed_returned_nothing() -> None:
    tools = Tools()
    tools.register("silent", lambda: None)
    tools.register("broken", lambda: 1 / 0)
    assert (await tools.run(await bound(tools, "silent", "{}"), "a")).ok
    assert not (await tools.run(await bound(tools, "broken", "{}"), "b")).ok
    assert tools.returned("a") == (True, None) and tools.returned("b") == (False, None)


async def test_only_so_many_results_are_kept_and_the_oldest_go_first() -> None:
    tools = Tools()
    tools.register("silent", lambda: "x")
    proposal = await bound(tools, "silent", "{}")
    for n in range(MOST_RETURNED + 2):
        await tools.run(proposal, f"a{n}")
    assert [n for n in range(MOST_RETURNED + 2) if not tools.returned(f"a{n}")[0]] == [0, 1]


async def test_a_synchronous_tool_does_not_block_the_loop_and_an_asynchronous_one_is_awaited() -> None:
    tools = Tools(default_timeout=5)

    def slow() -> str:
        time.sleep(0.2)
        return threading.current_thread().name

    async def later() -> str:
        await asyncio.sleep(0.01)
        return threading.current_thread().name

    tools.register("slow", slow)
    tools.register("later", later)
    proposals = {name: await bound(tools, name, "{}") for name in ("slow", "later")}
    began = time.perf_counter()
    ran = await asyncio.gather(
        *(tools.run(proposals[name], name + str(n)) for n in range(8) for name in ("slow", "later"))
    )
    assert time.perf_counter() - began < 1.2 and all(each.ok for each in ran)
    assert tools.returned("slow0")[1] != tools.returned("later0")[1] == threading.current_thread().name


async def test_a_tool_has_the_time_that_the_agent_gives_unless_it_says_otherwise() -> None:
    tools = Tools(default_timeout=0.05)

    async def forever() -> None:
        await asyncio.sleep(20)

    async def brief() -> str:
        await asyncio.sleep(0.2)
        return "done"

    tools.register("forever", forever)
    tools.register("brief", brief, timeout=5)
    ran = await tools.run(await bound(tools, "forever", "{}"), "a")
    assert ran.unknown and "did not answer within 0.05 s" in ran.error and tools.returned("a") == (False, None)
    assert (await tools.run(await bound(tools, "brief", "{}"), "b")).ok


async def test_r6_only_what_was_bound_runs() -> None:
    tools = Tools()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tools.register("restart", lambda service: service)
    proposal = await bound(tools, "restart", '{"service":"web"}')
    assert (await tools.run(dataclasses.replace(proposal, raw_arguments='{"service":"db"}'), "k")).output == '"web"'
