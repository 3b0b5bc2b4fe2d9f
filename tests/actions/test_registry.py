"""The Actions port: a wish is checked, bound and run with exactly the bound bytes (R6, R14, H19)."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator

from bot.actions import Checked, Registry, action, define
from bot.core.canonical import Refused, argument_lines, canonical_bytes, digest, parse_lines
from bot.core.values import Person, Proposal
from bot.errors import ConfigurationError
from bot.ports import Actions, Wish

ALICE = Person("T1", "U1")
RECEIVED: list[Any] = []


def grant(user: str, group: str, duration: str = "1h", password: str = "") -> dict[str, str]:
    """Grant access."""
    RECEIVED.append((user, group, duration, password))
    return {"user": user, "password": password}


def closure(value: str) -> Callable[..., Any]:
    def told(user: str) -> str:
        return user + value

    return told


def take(**arguments: Any) -> None:
    RECEIVED.append(arguments)


def address(text: str) -> str:
    if "@" not in text:
        raise ValueError("no address")
    return text


Email = Annotated[str, AfterValidator(address)]
OPEN: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": True}
OPEN_STAGE: dict[str, Any] = {"type": "object", "properties": {"service": {}, "stage": {}}}
GRANT = define(grant, system="okta", environment="production", risk="high", target="user", secret=("password",))
TAKE = define(take, parameters_schema=OPEN, strict=False)
REGISTRY = Registry([GRANT, TAKE])
PORT: Actions = REGISTRY


async def proposed(name: str, arguments: str, registry: Registry = REGISTRY) -> Proposal:
    return await registry.propose("c1", Wish("fc_1", name, arguments), ALICE)


def test_the_tools_are_offered_as_the_responses_api_wants_them() -> None:
    tool = REGISTRY.offered()[0]
    assert {**tool, "parameters": ...} == {
        "type": "function", "name": "grant", "description": "Grant access.", "parameters": ..., "strict": True,
    }  # fmt: skip
    assert isinstance(tool["parameters"], dict) and tool["parameters"]["required"] == [
        "user",
        "group",
        "duration",
        "password",
    ]
    assert REGISTRY.offered()[1]["strict"] is False and REGISTRY.offered()[1]["parameters"] == OPEN


def test_what_is_checked_is_canonical_with_its_defaults_and_its_target() -> None:
    checked = REGISTRY.check("grant", ' {"group": "admins", "user": "bob", "duration": null, "password": "hunter2"}')
    assert isinstance(checked, Checked)
    assert checked.arguments == b'{"duration":"1h","group":"admins","password":"hunter2","user":"bob"}'
    assert (checked.action, checked.target, checked.secret) == (GRANT, "bob", ("password",))


@pytest.mark.parametrize(
    ("name", "raw", "told"),
    [
        ("gone", "{}", 'There is no action "gone". The actions are: grant, take.'),
        ("gr\u202eant", "{}", "\\u{202e}"),
        ("grant", "", "not valid JSON"),
        ("grant", "[1]", "must be a JSON object"),
        ("grant", '{"user":"a","user":"b","group":"c"}', "twice"),
        ("grant", '{"user":1}', '"group" is missing. "user" must be a string, not 1.'),
        ("grant", '{"user":"a","group":"b","sudo":true}', '"sudo" is not among the parameters'),
        ("grant", '{"user":"a","group":"b","password":5}', '"password" must be a string or null.'),
    ],
)
async def test_h19_bad_input_is_refused_before_anybody_judges_it(name: str, raw: str, told: str) -> None:
    refused = REGISTRY.check(name, raw)
    assert isinstance(refused, Refused) and told in refused.reason
    proposal = await proposed(name, raw)
    assert proposal.binding is None and proposal.refusal == refused.reason and proposal.raw_arguments == raw


async def test_a_proposal_binds_the_digest_of_all_that_is_approved() -> None:
    proposal = await proposed("grant", '{"user":"bob","group":"admins"}')
    bound = proposal.binding
    assert bound is not None
    assert bound.digest == digest(
        action="grant",
        definition=GRANT.definition_digest,
        arguments=bound.arguments.encode(),
        target="bob",
        requester="T1/U1",
    )
    assert (bound.system, bound.environment, bound.risk, bound.read_only, bound.on_crash) == (
        "okta", "production", "high", False, "ask",
    )  # fmt: skip
    other = await REGISTRY.propose("c1", Wish("fc_1", "grant", '{"user":"bob","group":"admins"}'), Person("T1", "U2"))
    assert other.binding is not None and other.binding.digest != bound.digest


def test_a_target_can_be_a_function_of_the_arguments() -> None:
    def scaled(target: Any) -> Checked | Refused:
        def scale(service: str, replicas: int) -> None: ...

        return Registry([define(scale, target=target)]).check("scale", '{"service":"web","replicas":3}')

    named = scaled(lambda arguments: f"{arguments['service']}×{arguments['replicas']}")
    assert isinstance(named, Checked) and named.target == "web×3"
    number = scaled("replicas")
    assert isinstance(number, Checked) and number.target == "3"
    for broken in (lambda arguments: arguments["gone"], lambda arguments: object(), lambda arguments: "\ud800"):
        assert isinstance(scaled(broken), Refused)


async def test_s20_redacted_arguments_carry_no_secret() -> None:
    proposal = await proposed("grant", '{"user":"bob","group":"Bearer abcdefghijkl","password":"hunter2"}')
    text = REGISTRY.redacted(proposal)
    assert json.loads(text)["password"] == "[secret, 7 characters]"
    assert "hunter2" not in text and "abcdefghijkl" not in text
    assert REGISTRY.redacted(await proposed("grant", "[]")) == "{}"


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=10)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5))
async def test_r6_what_the_card_shows_is_what_the_action_receives(arguments: dict[str, Any]) -> None:
    proposal = await proposed("take", json.dumps(arguments))
    assert proposal.binding is not None
    RECEIVED.clear()
    assert (await REGISTRY.run(proposal, "k")).ok
    shown = parse_lines(argument_lines(proposal.binding.arguments.encode()))
    assert canonical_bytes(shown) == canonical_bytes(RECEIVED[0]) == canonical_bytes(arguments)


async def test_r6_the_bound_bytes_run_and_not_the_raw_ones() -> None:
    RECEIVED.clear()
    proposal = await proposed("grant", '{"user":"bob","group":"admins"}')
    tampered = dataclasses.replace(proposal, raw_arguments='{"user":"mallory","group":"admins"}')
    assert (await REGISTRY.run(tampered, "k")).ok
    assert RECEIVED == [("bob", "admins", "1h", "")]


async def test_r14_an_action_that_changed_or_went_away_is_not_run() -> None:
    RECEIVED.clear()
    proposal = await proposed("grant", '{"user":"bob","group":"admins"}')
    changed = Registry([define(grant, system="okta", risk="low")])
    for registry in (changed, Registry()):
        ran = await registry.run(proposal, "k")
        assert not ran.ok and "no longer the action that was decided about" in ran.error
        assert await registry.probe(proposal, "k") is None
    unbound = await REGISTRY.run(await proposed("grant", "[]"), "k")
    assert not unbound.ok and "never accepted" in unbound.error
    assert RECEIVED == []


def test_r14_what_an_older_release_approved_is_held_against_the_digest_as_that_made_it() -> None:
    """Which knew only the function itself; it uses a list of its file."""
    assert GRANT.older_digest != GRANT.definition_digest
    assert REGISTRY.is_defined_as("grant", GRANT.older_digest) and REGISTRY.is_defined_as(
        "grant", GRANT.definition_digest
    )
    assert not REGISTRY.is_defined_as("grant", "another")


def test_names_are_found_and_are_unique() -> None:
    assert REGISTRY.find("grant") is GRANT and REGISTRY.find("Grant") is None
    assert not REGISTRY.is_defined_as("gone", GRANT.definition_digest)
    with pytest.raises(ConfigurationError, match="two actions named grant"):
        Registry([GRANT, define(grant)])


def test_h20_the_very_same_action_again_is_nothing_new_and_another_is_never_taken_for_it() -> None:
    registry = Registry([GRANT])
    registry.add(
        define(grant, system="okta", environment="production", risk="high", target="user", secret=("password",))
    )
    assert registry.actions == (GRANT,) and registry.find("grant") is GRANT
    for named in ("target", "probe"):
        tag = define(grant, name="tag", **{named: closure("a")})
        registry.add(tag)
        registry.add(define(grant, name="tag", **{named: closure("a")}))
        with pytest.raises(ConfigurationError, match="two actions named tag"):
            registry.add(define(grant, name="tag", **{named: closure("b")}))
        registry = Registry([GRANT])
    for other in ({"risk": "low"}, {"timeout": 5}, {"target": lambda a: ""}, {"probe": lambda user: True}):
        with pytest.raises(ConfigurationError, match="two actions named grant"):
            registry.add(define(grant, **other))
    assert registry.actions == (GRANT,)


class Hesitant(str):
    """A name that takes a while to look up, so that others come between."""

    def __hash__(self) -> int:
        time.sleep(0.002)
        return super().__hash__()


def test_h20_of_those_who_add_different_actions_of_one_name_at_once_one_succeeds() -> None:
    registry = Registry()
    outcomes: list[str] = []

    def add(risk: str) -> None:
        action = dataclasses.replace(define(grant, risk=risk), name=Hesitant("grant"))
        try:
            registry.add(action)
            registry.add(dataclasses.replace(action, name=Hesitant(f"grant_{risk}")))
            outcomes.append("added")
        except ConfigurationError:
            outcomes.append("refused")

    threads = [threading.Thread(target=add, args=(risk,)) for risk in ("low", "medium", "high", "critical")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["added", "refused", "refused", "refused"] and len(registry.actions) == 2


async def test_who_asks_is_given_what_the_action_returned_as_the_object_that_it_is() -> None:
    kept: list[object] = []
    proposal = await proposed("grant", '{"user":"bob","group":"admins","password":"hunter2"}')
    ran = await REGISTRY.run(proposal, "k", kept.append)
    assert kept == [{"user": "bob", "password": "hunter2"}] and "hunter2" not in ran.output


def test_a_target_that_is_null_is_no_target() -> None:
    def restart(service: str, host: str | None = None) -> None: ...

    for target in ("host", lambda arguments: None):
        checked = Registry([define(restart, target=target)]).check("restart", '{"service":"web"}')
        assert isinstance(checked, Checked) and checked.target == ""


def test_a_target_function_cannot_change_what_is_bound() -> None:
    def grab(labels: list[str]) -> None: ...

    def cruel(arguments: dict[str, Any]) -> str:
        arguments["labels"].append("evil")
        return str(arguments.pop("labels"))

    checked = Registry([define(grab, target=cruel)]).check("grab", '{"labels":["a"]}')
    assert isinstance(checked, Checked) and checked.arguments == b'{"labels":["a"]}'


async def test_an_environment_that_an_argument_names_is_what_the_policy_and_the_card_see() -> None:
    @action(environment="{stage}")
    def restart(service: str, stage: str) -> str:
        """Restart a service."""
        return service

    proposal = await Registry([define(restart)]).propose(
        "t1c1", Wish("w", "restart", '{"service": "checkout", "stage": "staging"}'), Person("T1", "U1")
    )
    assert proposal.binding is not None and proposal.binding.environment == "staging"
    null = Registry([define(restart, environment="{stage}", parameters_schema=OPEN_STAGE, strict=False)])
    unsaid = await null.propose("t1c1", Wish("w", "restart", '{"service": "checkout", "stage": null}'), ALICE)
    assert unsaid.binding is not None and unsaid.binding.environment == ""
    with pytest.raises(ConfigurationError, match="environment names 'where'"):
        action(environment="{where}", name="restart")(lambda service: service)


def test_arguments_that_fit_come_back_as_they_would_be_bound_and_faults_by_name() -> None:
    @action(secret=("pin",))
    def transfer(amount: int, to: Email, pin: str, note: str = "none") -> None: ...

    registry = Registry([define(transfer)])
    good = {"amount": 1, "to": "a@b", "pin": "1234", "note": None}
    assert registry.fitted("transfer", json.dumps(good)) == '{"amount":1,"note":"none","pin":"1234","to":"a@b"}'
    assert registry.schema("transfer") is not None and registry.schema("gone") is None
    wrong = registry.fitted("transfer", json.dumps({**good, "amount": "many", "pin": 7}))
    assert not isinstance(wrong, str) and set(wrong) == {"amount", "pin"}
    assert "must be a whole number" in wrong["amount"] and "7" not in wrong["pin"]
    converted = registry.fitted("transfer", json.dumps({**good, "to": "nobody"}))
    assert converted == {"to": '"to" is not acceptable: Value error, no address.'}
    assert set(registry.fitted("transfer", "[]")) == set(registry.fitted("gone", "{}")) == {""}
