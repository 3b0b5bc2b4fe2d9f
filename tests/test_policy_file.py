"""The promises of policy.yml: every mistake has a line and a remedy, and a file that is wrong is refused whole."""

from importlib.resources import files
from pathlib import Path

import pytest

from bot.core.policy import Case, Defaults, Match, Policy, Rule, floor, terms
from bot.core.timing import LocalTime
from bot.core.values import ApprovalId, Verdict
from bot.errors import ConfigurationError
from bot.policy_file import case_of_options, load_policy, parse_policy
from bot.policy_file.explaining import differences, explained, sentence, who_decides

WHOLE = """\
version: 1
guests_may_ask: true
defaults:
  approvers: group:S1
  quorum: 2
  expires_in: 2d
rules:
  - name: one
    when: {action: "deploy_*", environment: [production, prod], read_only: false, risk: [high, critical]}
    verdict: ask
    approvers: [user:U1, user:U2]
    requester_may_approve: true
    expires_in: 30m
"""


def test_a_reminder_that_would_come_after_the_end_is_a_warning_with_its_line() -> None:
    rest = "rules:\n- name: a\n  verdict: ask\n  remind_after: 2h\n- name: b\n  verdict: ask\n  expires_in: 3h\n  remind_after: 2h\n"
    top = "defaults:\n  approvers: group:S1\n  expires_in: 1h\n  remind_after: 5h\n"
    told = parse_policy(top + rest, "policy.yml").warnings
    assert [each.partition(": ")[0] for each in told] == ["policy.yml:4", "policy.yml:8"]
    assert "nobody is ever reminded after 5 h, since the request expires in 1 h" in told[0]
    assert parse_policy(top.replace("5h", "30m"), "policy.yml").warnings == ()


def test_a_whole_file_becomes_a_policy() -> None:
    loaded = parse_policy(WHOLE, "policy.yml")
    match = Match(action=("deploy_*",), environment=("production", "prod"), risk=("high", "critical"), read_only=False)
    rule = Rule("one", match, Verdict.ASK, ("user:U1", "user:U2"), None, True, 1800)
    assert loaded.policy == Policy(Defaults(("group:S1",), 2, False, 172_800), (rule,), True)
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules:\n- name: a\n  verdikt: ask\n", "policy.yml:3: rules.verdikt is not a key that policy.yml knows; "),
        ("rules:\n- verdict: ask\n", "policy.yml:2: rules.name is missing; write it"),
        ("rules:\n- name: a\n  verdict: perhaps\n", "policy.yml:3: rules.verdict: "),
        ("rules:\n- name: a\n  when:\n    risk: [low, awful]\n", "policy.yml:4: rules.when.risk: "),
        (
            "defaults:\n  approvers: [carol]\n",
            'policy.yml:2: defaults.approvers: "carol" is no approver; write user:U… ',
        ),
        ("defaults:\n  expires_in: 4\n", "policy.yml:2: defaults.expires_in: write a duration like 30m, 4h or 2d"),
        ("defaults:\n  expires_in: soon\n", 'policy.yml:2: defaults.expires_in: "soon" is not a duration; '),
        ("defaults:\n  quorum: 0\n", "policy.yml:2: defaults.quorum: "),
        ("defaults:\n  quorum: true\n", "policy.yml:2: defaults.quorum: "),
        ("guests_may_ask: maybe\n", "policy.yml:1: guests_may_ask: "),
        ("version: 2\n", "policy.yml:1: version: "),
        ("- a\n", "policy.yml:1: the file must be a mapping of keys and values"),
        ("rules:\n- name: a\n- name: a\n", 'policy.yml:3: there are two rules named "a"; rename one'),
        (
            "rules:\n- name: a\n  verdict: deny\n  verdict: allow\n",
            'policy.yml:4: "verdict" is written twice; keep one',
        ),
        (
            "defaults: {approvers: 'user:U1', quorum: 2}\n",
            "policy.yml:1: a quorum of 2 cannot be reached by 1 approvers; ",
        ),
        ("rules:\n  - name: [\n", "policy.yml:3: is not valid YAML ("),
        ("a: &a 1\nb: *a\n", "policy.yml:2: *a stands for another part; write it out."),
        ("? [a]\n: b\n", "policy.yml:1: "),
        ("a: \x00\n", "policy.yml:1: is not valid YAML ("),
        ("rules: !!python/object:os.system {}\n", "policy.yml:1: "),
    ],
)
def test_each_mistake_is_one_line_with_its_place_and_its_remedy(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(text, "policy.yml")
    assert told in caught.value.tell
    assert all(line.startswith("policy.yml:") for line in caught.value.tell.splitlines())


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_policy("wrong: 1\ndefaults:\n  quorum: 0\n", "p.yml")
    assert len(caught.value.tell.splitlines()) == 2


def test_no_file_means_that_nobody_may_approve_and_a_warning_says_so() -> None:
    loaded = load_policy(None)
    assert loaded.policy == Policy()
    assert "nobody can approve" in loaded.warnings[0]


def test_a_file_that_was_named_and_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_policy(tmp_path / "policy.yml")
    assert caught.value.tell.endswith("check SIGNOFF_POLICY.")


def test_an_empty_file_is_the_default_policy_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    path.write_text("# nothing yet\n")
    loaded = load_policy(path)
    assert loaded.policy == Policy()
    assert [each.partition("; ")[0].partition(": ")[2] for each in loaded.warnings] == [
        "defaults name no approvers: nobody can decide what no rule with approvers covers.",
        "nobody may freeze anything",
    ]


RULES_ONLY = "rules:\n- {name: prod, verdict: ask, approvers: group:S1}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (RULES_ONLY, "policy.yml:1: nobody may freeze anything; name users or groups under freeze:, or approvers"),
        ("defaults:\n  approvers: user:U1\n", "policy.yml:2: one person alone may freeze, and nobody could lift it"),
        ("defaults: {approvers: group:S1}\nfreeze: {users: U1}\n", "policy.yml:2: one person alone may freeze"),
        ("defaults: {approvers: group:S1}\nfreeze: {users: [U1, U1]}\n", "policy.yml:2: one person alone may freeze"),
        ("defaults: {approvers: user:U1}\nfreeze: {users: [U1, U2]}\n", ""),
        ("defaults: {approvers: user:U1}\nfreeze: {groups: S1}\n", ""),
        ("defaults: {approvers: [user:U1, user:U2]}\n", ""),
        ("defaults: {approvers: group:S1}\nfreeze: {}\n", ""),
        (f"freeze: {{groups: S1}}\n{RULES_ONLY}", ""),
    ],
)
def test_a_freeze_that_nobody_could_set_or_lift_is_warned_about(text: str, told: str) -> None:
    about = [warning for warning in parse_policy(text, "policy.yml").warnings if "freeze" in warning]
    assert len(about) == bool(told) and "".join(about).startswith(told)


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ("- {name: a, when: {risk: high}, verdict: deny}", "critical, which is worse"),
        ("- {name: a, when: {risk: [low, high]}, verdict: ask}", "medium or critical, which"),
        ("- {name: a, when: {risk: high}, quorum: 2}", "critical, which is worse"),
        (
            "- {name: a, when: {risk: high}, verdict: ask}\n- {name: b, when: {risk: critical}, verdict: allow}",
            "critical",
        ),
        ("- {name: a, when: {risk: high}, verdict: deny}\n- {name: b, when: {risk: critical}, verdict: deny}", ""),
        ("- {name: a, when: {risk: high}, verdict: ask}\n- {name: b, when: {risk: '>= 0.9'}, verdict: deny}", ""),
        ("- {name: a, when: {risk: [high, critical]}, verdict: deny}", ""),
        ("- {name: a, when: {risk: '>= 0.7'}, verdict: deny}", ""),
        ("- {name: a, when: {risk: [low, medium]}, verdict: allow}", ""),
        ("- {name: a, when: {risk: low}, requester_may_approve: true}", ""),
    ],
)
def test_a_rule_for_a_risk_that_forgets_what_is_worse_is_warned_about(rules: str, left: str) -> None:
    about = parse_policy(f"defaults: {{approvers: group:S1}}\nrules:\n{rules}\n", "policy.yml").warnings
    assert len(about) == bool(left) and all(warning.startswith("policy.yml:3: rules.when.risk: ") for warning in about)
    assert left in "".join(about)


def test_a_rule_that_asks_nobody_is_warned_about() -> None:
    loaded = parse_policy("rules:\n- name: a\n  verdict: ask\n", "policy.yml")
    assert any('rule "a" asks' in warning for warning in loaded.warnings)


def case(action: str, system: str, environment: str = "production", risk: str = "high", **more: object) -> Case:
    fields = {"target": "x", "read_only": False, "requester": "U0ALICE", "channel": "C0OPS", **more}
    return Case(action=action, system=system, environment=environment, risk=risk, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "verdict", "approvers"),
    [
        (case("grant_access", "okta"), Verdict.ASK, ("group:S0SECURITY",)),
        (case("revoke_access", "okta", risk="medium"), Verdict.ASK, ("group:S0SECURITY",)),
        (case("rotate_credentials", "vault"), Verdict.ASK, ("group:S0SECURITY",)),
        (case("terraform_apply", "terraform", target="network"), Verdict.ASK, ("group:S0SECURITY", "group:S0SRE")),
        (
            case("terraform_apply", "terraform", target="network-state"),
            Verdict.DENY,
            ("group:S0SECURITY", "group:S0SRE"),
        ),
        (case("deploy_service", "ci"), Verdict.ASK, ("group:S0SRE",)),
        (case("scale_deployment", "kubernetes"), Verdict.ASK, ("group:S0SRE",)),
        (case("sync_argocd_app", "argocd"), Verdict.ASK, ("group:S0SRE",)),
        (case("deploy_service", "ci", "staging", "low"), Verdict.ALLOW, ("group:S0SRE",)),
        (case("deploy_service", "ci", "staging", "high"), None, ("group:S0SRE",)),
        (case("post_incident_update", "statuspage"), Verdict.ASK, ("group:S0SRE", "group:S0SECURITY")),
        (case("scan_image", "trivy", read_only=True), Verdict.ALLOW, ("group:S0SRE",)),
        (case("get_service_status", "kubernetes", read_only=True), Verdict.ALLOW, ("group:S0SRE",)),
    ],
)
def test_the_demo_company_rules(asked: Case, verdict: Verdict | None, approvers: tuple[str, ...]) -> None:
    loaded = load_policy(Path(str(files("bot.demo") / "policy.yml")))
    assert loaded.warnings == ()
    assert floor(loaded.policy, asked)[0] is verdict
    assert terms(loaded.policy, asked, ApprovalId("a"), 0.0).approvers == approvers


DEMO = load_policy(Path(str(files("bot.demo") / "policy.yml")))


def test_s9_the_rules_that_people_copy_let_no_shell_decide() -> None:
    assert not DEMO.policy.shell_may_decide


@pytest.mark.parametrize("number", range(len(DEMO.examples)))
def test_the_examples_of_the_demo_company_are_as_expected(number: int) -> None:
    _, example = DEMO.examples[number]
    found = explained(DEMO.policy, example.case, example.said, lambda zone: LocalTime(0, "2026-11-23T00:00"))
    assert list(differences(found, example.expected, DEMO.names)) == []


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ({"action": "x"}, "`x` → ask, 1 of group:S0SRE, expires in 4 h, because no rule applies, only the defaults"),
        ({"action": "x", "guard": "deny"}, "`x` → deny, because the guard says so"),
        (
            {"action": "x", "guard": "allow"},
            "`x` → allow, because the guard says so; ask in a turn that has read text that nobody has checked",
        ),
        (
            {"action": "x", "read_only": True, "guard": "allow"},
            "`x` → allow, because rule `reading is free` and the guard says so",
        ),
        (
            {"action": "terraform_apply", "system": "terraform", "target": "a-state"},
            "`terraform_apply` of a-state in terraform → deny, because rule `the state of the state is untouchable`",
        ),
        (
            {"action": "x", "system": "okta", "risk": 0.5, "requester": "U1", "channel": "C1", "guard": "ask"},
            "`x` in okta at risk 0.5, asked by U1 in C1 → ask, 1 of group:S0SECURITY, expires in 4 h, "
            "because rule `access is security's` and the guard says so",
        ),
    ],
)
def test_a_case_is_explained_in_one_sentence(example: dict[str, object], told: str) -> None:
    asked = case_of_options(example, DEMO.names)
    found = explained(DEMO.policy, asked.case, asked.said, lambda zone: LocalTime(0, "2026-11-23T00:00"))
    assert sentence(found, DEMO.names) == told


@pytest.mark.parametrize(
    ("approvers", "requester", "vain"),
    [("user:U1", "U1", True), ("user:U1", "U2", False), ("[user:U1, user:U2]", "U1", False), ("group:S1", "U1", False)],
)
def test_s10_a_case_that_only_its_requester_could_approve_says_that_nobody_can(
    approvers: str, requester: str, vain: bool
) -> None:
    loaded = parse_policy(f"defaults: {{approvers: {approvers}}}\n", "policy.yml")
    asked = case_of_options({"action": "x", "requester": requester}, loaded.names)
    found = explained(loaded.policy, asked.case, asked.said, lambda zone: LocalTime(0, "2026-11-23T00:00"))
    assert ("which nobody can give: the requester may not" in sentence(found, loaded.names)) is vain


def test_r20_a_case_for_which_two_rules_want_more_people_than_are_named_says_that_nobody_can() -> None:
    rules = "rules:\n- {name: three, quorum: 3}\n- {name: two, approvers: [user:U1, user:U2]}\n"
    loaded = parse_policy(f"defaults: {{approvers: [user:U1, user:U2, user:U3]}}\n{rules}", "policy.yml")
    asked = case_of_options({"action": "x", "requester": "U9"}, loaded.names)
    found = explained(loaded.policy, asked.case, asked.said, lambda zone: LocalTime(0, "2026-11-23T00:00"))
    assert "which nobody can give: too few are named" in sentence(found, loaded.names)


def test_where_only_breaking_the_glass_is_left_the_check_says_so_and_names_who_may() -> None:
    glass = "break_glass: {users: [U9], audit_channel: C1}\n"
    told = {}
    for approvers in ("defaults: {approvers: user:U1}\n", "", "defaults: {approvers: [user:U1, user:U2]}\n"):
        loaded = parse_policy(approvers + glass, "policy.yml")
        asked = case_of_options({"action": "x", "requester": "U1"}, loaded.names)
        found = explained(loaded.policy, asked.case, asked.said, lambda zone: LocalTime(0, "2026-11-23T00:00"))
        told[approvers] = (
            sentence(found, loaded.names),
            who_decides(found.terms, loaded.names, found.glass),
            loaded.warnings,
        )
    (own, _, _), (nobody, decided, warned), (others, _, quiet) = told.values()
    assert "which nobody can give in the ordinary way: the requester may not; user:U9 may break the glass" in own
    assert (
        decided == "nobody in the ordinary way (no approver is named; user:U9 may break the glass)"
        and decided in nobody
    )
    assert warned[0] == (
        "policy.yml: defaults name no approvers: nobody can decide what no rule with approvers covers, but whoever break_glass names."
    )
    assert "glass" not in others and quiet == ()


def test_s10_shared_channels_are_closed_unless_the_file_opens_them() -> None:
    assert not parse_policy("version: 1\n", "policy.yml").policy.shared_channels
    assert parse_policy("shared_channels: true\n", "policy.yml").policy.shared_channels
