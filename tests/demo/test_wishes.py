"""Promises of the patterns: which sentences ask for what."""

import pytest

from bot.demo.wishes import durations_in, wishes_in

GRANT = {"user_id": "bob", "group": "okta-prod-admins", "duration": "48h"}
CHECKOUT = {"service": "checkout", "version": "2.4.1"}


@pytest.mark.parametrize(
    ("sentence", "action", "said"),
    [
        ("grant bob okta-prod-admins for 48h", "grant_access", GRANT),
        ("<@U0BOT> please grant bob the group okta-prod-admins for 48 hours.", "grant_access", GRANT),
        ("&lt;@U0BOT&gt; grant *bob* `okta-prod-admins` for 48h", "grant_access", GRANT),
        ("grant <@U0BOB|bob> okta-prod-admins for 48h", "grant_access", {**GRANT, "user_id": "U0BOB"}),
        (
            "Grant Alice temporary Okta admin access for 48h",
            "grant_access",
            {"user_id": "alice", "group": "okta-admins", "duration": "48h"},
        ),
        ("alice: grant me okta-prod-admins for 48h", "grant_access", {**GRANT, "user_id": "alice"}),
        ("grant me on-call for 2h", "grant_access", {"group": "on-call", "duration": "2h"}),
        ("give carol access to engineering", "grant_access", {"user_id": "carol", "group": "engineering"}),
        ("revoke bob's access to okta-prod-admins", "revoke_access", {"user_id": "bob", "group": "okta-prod-admins"}),
        ("deploy checkout 2.4.1 to production", "deploy_service", {**CHECKOUT, "environment": "production"}),
        ("Deploy version 2.4.1 of checkout to prod", "deploy_service", {**CHECKOUT, "environment": "production"}),
        ("roll back checkout to 2.4.1 in staging", "deploy_service", {**CHECKOUT, "environment": "staging"}),
        ("Deploy checkout 2.4.1.", "deploy_service", CHECKOUT),
        ("scale checkout to 6 replicas", "scale_deployment", {"service": "checkout", "replicas": "6"}),
        (
            "Sync checkout-service in Argo CD production",
            "sync_argocd_app",
            {"app": "checkout-service", "environment": "production"},
        ),
        ("apply terraform network", "terraform_apply", {"workspace": "network"}),
        (
            'apply terraform network with plan "add 2, change 1"',
            "terraform_apply",
            {"workspace": "network", "plan_summary": "add 2, change 1"},
        ),
        ("Rotate production database credentials", "rotate_credentials", {"name": "production-database"}),
        ("rotate credentials for checkout-db", "rotate_credentials", {"name": "checkout-db"}),
        (
            "post incident update INC-42 identified: the database is slow, and we fail over",
            "post_incident_update",
            {"incident": "INC-42", "status": "identified", "message": "the database is slow, and we fail over"},
        ),
        ("scan image checkout:2.4.1", "scan_image", {"image": "checkout:2.4.1"}),
        ("give me the status of checkout?", "get_service_status", {"service": "checkout"}),
        ("which services do we have", "list_services", {}),
    ],
)
def test_a_sentence_is_the_wish_that_it_looks_like(sentence: str, action: str, said: dict[str, str]) -> None:
    assert [(wish.action, dict(wish.said)) for wish in wishes_in(sentence)] == [(action, said)]


@pytest.mark.parametrize(
    ("sentence", "actions"),
    [
        ("grant bob on-call for 2h and deploy checkout 2.4.1 to production", ["grant_access", "deploy_service"]),
        ("deploy checkout 2.4.1, scale checkout to 6 replicas", ["deploy_service", "scale_deployment"]),
        ("grant bob on-call for 2h, he is on-call tonight, please and thanks", ["grant_access"]),
        ("thanks, that was great", []),
        ("give it a try", []),
        ("", []),
    ],
)
def test_each_clause_is_a_wish_of_its_own_and_chatter_is_none(sentence: str, actions: list[str]) -> None:
    assert [wish.action for wish in wishes_in(sentence)] == actions


def test_what_two_people_get_is_said_once() -> None:
    alice, bob = wishes_in("grant alice and bob okta-prod-admins for 48h")
    assert (alice.said, bob.said) == ({**GRANT, "user_id": "alice"}, GRANT)
    first, second = wishes_in("scale checkout to 6 replicas and payments to 3")
    assert (first.said["replicas"], second.said) == ("6", {"service": "payments", "replicas": "3"})


def test_an_offered_tool_can_be_called_by_its_name() -> None:
    (wish,) = wishes_in('please run restart_worker name="a b" count=3', ["restart_worker"])
    assert (wish.action, wish.said) == ("restart_worker", {"name": "a b", "count": "3"})


def test_durations_are_written_short() -> None:
    assert durations_in("2 hours instead of 48h, or 30 minutes") == ["2h", "48h", "30m"]
