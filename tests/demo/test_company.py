"""Promises of the toy company: its effects are real, counted, and told in words that people understand."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.actions import define
from bot.demo import company
from bot.demo.company_books import PATH_VARIABLE, effects, reading
from bot.demo.responses_rules import refusal_of

ROOT = Path(__file__).parents[2]
ACTIONS: list[Callable[..., Any]] = [
    company.grant_access,
    company.revoke_access,
    company.deploy_service,
    company.scale_deployment,
    company.sync_argocd_app,
    company.terraform_apply,
    company.rotate_credentials,
    company.post_incident_update,
    company.scan_image,
    company.get_service_status,
    company.list_services,
]


@pytest.fixture(autouse=True)
def books(tmp_path: Path) -> Iterator[Path]:
    before = os.environ.get(PATH_VARIABLE)
    os.environ[PATH_VARIABLE] = str(tmp_path / "company.db")
    yield tmp_path / "company.db"
    if before is None:
        del os.environ[PATH_VARIABLE]
    else:
        os.environ[PATH_VARIABLE] = before


def test_a_grant_is_a_membership_until_its_end_and_a_revocation_ends_it() -> None:
    granted = company.grant_access("<@U0BOB>", "Okta-Prod-Admins", "48h")
    assert {name: granted[name] for name in ("user_id", "group", "duration")} == {
        "user_id": "bob",
        "group": "okta-prod-admins",
        "duration": "48h",
    }
    with reading() as opened:
        (member,) = opened.execute("SELECT * FROM memberships").fetchall()
    assert tuple(member) == ("bob", "okta-prod-admins", granted["expires_at"])
    company.revoke_access("bob", "okta-prod-admins")
    with pytest.raises(ValueError, match="bob is not in okta-prod-admins"):
        company.revoke_access("bob", "okta-prod-admins")


def test_a_deploy_and_a_scaling_show_in_the_status() -> None:
    assert company.deploy_service("checkout", "v2.4.1", "production")["previous_version"] == "2.4.0"
    assert company.scale_deployment("checkout", 6, "production")["previous_replicas"] == 3
    status = company.get_service_status("checkout")
    assert (status["version"], status["replicas"], status["staging"]["replicas"]) == ("2.4.1", 6, 1)
    listed = {each["service"]: each["version"] for each in company.list_services()["services"]}
    assert listed["checkout"] == "2.4.1"


def test_the_other_actions_change_what_they_name() -> None:
    assert company.sync_argocd_app("checkout-service", "staging")["revision"] == "r102"
    assert company.terraform_apply("network", "+3 ~1 -0")["serial"] == 18
    assert company.rotate_credentials("stripe-api-key") == {"name": "stripe-api-key", "version": 3}
    posted = company.post_incident_update("INC-42", "resolved", "All good again.")
    assert (posted["previous_status"], posted["status"]) == ("investigating", "resolved")
    with pytest.raises(ValueError, match="INC-42 is resolved"):
        company.post_incident_update("inc-42", "monitoring", "Or is it?")
    scanned = company.scan_image("search:5.0.2")
    assert (scanned["critical"], scanned["findings"][0]["cve"]) == (1, "CVE-2025-0815")


def test_each_effect_is_noted_once_and_reading_is_none() -> None:
    company.get_service_status("checkout")
    company.scan_image("checkout:2.4.1")
    company.rotate_credentials("checkout-db")
    company.rotate_credentials("checkout-db")
    company.scale_deployment("search", 2, "staging")
    assert [effect.action for effect in effects()] == ["rotate_credentials", "rotate_credentials", "scale_deployment"]
    assert effects("scale_deployment")[0].arguments == {"service": "search", "replicas": 2, "environment": "staging"}
    assert effects()[0].at.endswith("Z")


def test_what_fails_leaves_no_effect() -> None:
    with pytest.raises(ValueError, match="chekout"):
        company.deploy_service("chekout", "2.4.1", "production")
    with pytest.raises(ValueError, match="not in"):
        company.revoke_access("bob", "on-call")
    assert effects() == []


def test_effects_can_only_be_added(books: Path) -> None:
    company.rotate_credentials("checkout-db")
    connection = sqlite3.connect(books)
    for statement in ("DELETE FROM effects", "UPDATE effects SET action = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="can only be added"):
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda: company.get_service_status("chekout"),
            "There is no service named 'chekout'. Did you mean 'checkout'?",
        ),
        (lambda: company.scan_image("checkout"), "'checkout' names no version; write it like checkout:2.4.1."),
        (lambda: company.grant_access("bbo", "on-call", "2h"), "There is no person named 'bbo'. Did you mean 'bob'?"),
        (lambda: company.grant_access("bob", "on-call", "soon"), "'soon' is not a duration"),
        (lambda: company.grant_access("bob", "on-call", "0h"), "'0h' is not a duration"),
        (lambda: company.grant_access("bob", "on-call", "90d"), "at most 30 days, not for 90d"),
        (lambda: company.deploy_service("checkout", "latest", "production"), "'latest' is not a version"),
        (lambda: company.scale_deployment("checkout", 500, "production"), "0 to 50 replicas, not 500"),
        (lambda: company.terraform_apply("zzz", "x"), "There are: database, dns, iam, network."),
        (lambda: company.rotate_credentials("checkoutdb"), "Did you mean 'checkout-db'?"),
        (lambda: company.post_incident_update("INC-99", "resolved", "x"), "There is no incident named 'INC-99'"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(act: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError) as told:
        act()
    assert message in str(told.value)


def test_probes_say_whether_it_happened() -> None:
    deploy, scale = define(company.deploy_service).probe, define(company.scale_deployment).probe
    assert deploy is not None
    assert scale is not None
    assert deploy(service="checkout", version="2.4.1", environment="production") is False
    assert scale(service="checkout", replicas=3, environment="production") is True
    company.deploy_service("checkout", "2.4.1", "production")
    assert deploy(service="checkout", version="2.4.1", environment="production") is True


@pytest.mark.parametrize("act", ACTIONS, ids=lambda act: act.__name__)
def test_every_action_can_be_offered_to_the_model_strictly_and_describes_its_parameters(
    act: Callable[..., Any],
) -> None:
    action = define(act)
    schema = json.loads(action.parameters_schema)
    tool = {"type": "function", "name": action.name, "strict": True, "parameters": schema}
    assert refusal_of({"model": "m", "input": "x", "tools": [tool]}) is None
    assert all(parameter.get("description") for parameter in schema["properties"].values())
    assert action.system
    assert action.read_only or action.environment in ("production", "{environment}")


def test_processes_that_found_the_company_together_all_see_every_effect(books: Path) -> None:
    program = "from bot.demo import company\nfor _ in range(5): company.rotate_credentials('checkout-db')\n"
    started = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, cwd=ROOT) for _ in range(6)]
    errors = [process.communicate(timeout=60)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 6, errors
    assert len(effects("rotate_credentials")) == 30
    with reading() as opened:
        rotated = opened.execute("SELECT version FROM credentials WHERE name = 'checkout-db'").fetchone()
    assert rotated["version"] == 33
