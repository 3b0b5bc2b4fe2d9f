"""The whole grammar of policy.yml: what each key becomes, where a mistake stands, and that the documentation is true."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.clocks import after_quiet
from bot.core.glass import BreakGlass
from bot.core.matching import ArgumentTest, Comparison
from bot.core.policy import Defaults, Denials, OnExpiry, Rule
from bot.core.timing import DAY, WEEK, Dated, Limit, Quiet, Recurring
from bot.core.values import Share, Verdict
from bot.errors import ConfigurationError
from bot.policy_file import Loaded, parse_policy
from bot.policy_file.emergencies import GlassPart, PeoplePart
from bot.policy_file.grammar import RulePart, Stated, When
from bot.settings import Settings

DOCS = Path(__file__).parents[1] / "docs" / "policy.md"
NAMES = "names:\n  groups: {sre: S1, sec: S2}\n  people: {carol: U3}\n  channels: {ops: C1}\ndefaults: {approvers: user:U9}\n"


def only(text: str) -> Rule:
    (rule,) = loaded(text).policy.rules
    return rule


def loaded(text: str) -> Loaded:
    return parse_policy(f"{NAMES}rules:\n- name: a\n{text}", "policy.yml")


def test_every_condition_of_a_rule_is_read() -> None:
    match = only("""
  when:
    action: "deploy_*"
    risk: ">= 0.7"
    requester: [carol, U4]
    channel: "#ops"
    domain: it_actions
    arguments:
      replicas: "> 10"
      $.hosts[*].name: [db*, absent]
""").match
    assert (match.action, match.requester, match.channel, match.domain) == (
        ("deploy_*",),
        ("U3", "U4"),
        ("C1",),
        ("it_actions",),
    )
    assert match.weight == Comparison(">=", 0.7) and match.risk == ()
    assert match.arguments == (
        ArgumentTest(("replicas",), (Comparison(">", 10),)),
        ArgumentTest(("hosts", None, "name"), (Comparison("like", "db*"), Comparison("absent"))),
    )


def test_who_could_never_have_asked_and_where_is_a_mistake_with_its_line() -> None:
    """A rule that forbids and never matches forbids nothing, and nobody hears of it."""
    for line, key, wrong in ((9, "requester", "malory"), (9, "channel", "ops")):
        with pytest.raises(ConfigurationError, match=f'^policy.yml:{line}: rules.when.{key}: "{wrong}" is no'):
            loaded(f"  verdict: deny\n  when: {{{key}: {wrong}}}\n")


def test_who_asked_and_where_are_ids_patterns_of_ids_and_names_of_the_file() -> None:
    match = only(
        "  when: {requester: [user:carol, 'U0*', '*', '[UW]1', user:W2], channel: ['C0*', '#ops', D1, G1]}\n"
    ).match
    assert match.requester == ("U3", "U0*", "*", "[UW]1", "W2") and match.channel == ("C0*", "C1", "D1", "G1")


def test_every_term_of_a_rule_is_read() -> None:
    rule = only("""
  verdict: ask
  approvers: [group:sre, user:carol, group:S3]
  quorum: {group:sre: 2, group:S3: 1}
  requester_may_approve: false
  editor_may_approve_alone: true
  comment_required: {risk: ">= 0.5"}
  denials: majority
  expires_in: 2h
  on_expiry: escalate
  remind_after: 30m
  escalate_to: group:sec
  escalate_after: 1h
  recheck_after: 1d
  execute_within: 15m
  post_to: "#ops"
  limits:
    - {at_most: 5, within: 1h, per: action}
    - {at_most: 2, within: 1d, per: [action, person], beyond: ask}
  freeze:
    - {from: Fri 16:00, to: Mon 08:00, zone: Europe/Berlin}
    - {from: 18:00, to: 08:00, zone: UTC}
    - {from: 2026-12-20, to: 2027-01-04 08:00, zone: UTC}
  shadow: true
""")
    assert (rule.verdict, rule.approvers, rule.quorum) == (Verdict.ASK, ("group:S1", "user:U3", "group:S3"), None)
    assert rule.shares == (Share("group:S1", 2), Share("group:S3", 1)) and rule.requester_may_approve is False
    assert rule.comment_required == Comparison(">=", 0.5) and rule.denials is Denials.MAJORITY
    assert rule.editor_may_approve_alone is True
    assert rule.comment_required == Comparison(">=", 0.5)
    assert (rule.expires_in, rule.on_expiry, rule.remind_after) == (7_200, OnExpiry.ESCALATE, 1_800)
    assert (rule.escalate_to, rule.escalate_after) == (("group:S2",), 3_600)
    assert (rule.recheck_after, rule.execute_within, rule.post_to, rule.shadow) == (86_400, 900, "C1", True)
    assert rule.limits == (Limit(5, 3_600, True, False), Limit(2, 86_400, True, True, Verdict.ASK))
    assert rule.windows == (
        Recurring(4 * DAY + 960, 480, WEEK, "Europe/Berlin", "from Fri 16:00 to Mon 08:00"),
        Recurring(1_080, 480, DAY, "UTC", "from 18:00 to 08:00 every day"),
        Dated("2026-12-20T00:00", "2027-01-04T08:00", "UTC", "from 2026-12-20 to 2027-01-04 08:00"),
    )


def test_the_defaults_take_the_same_terms() -> None:
    text = "defaults:\n  approvers: group:S1\n  quorum: {group:S1: 1}\n  comment_required: true\n  expires_in: 1h\n  on_expiry: keep\n"
    assert parse_policy(text, "p").policy.defaults == Defaults(
        approvers=("group:S1",),
        shares=(Share("group:S1", 1),),
        comment_required=True,
        expires_in=3_600,
        on_expiry=OnExpiry.KEEP,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  quorom: 2\n", '8: rules.quorom is not a key that policy.yml knows; did you mean "quorum"?'),
        ("  when: {enviroment: x}\n", '8: rules.when.enviroment is not a key that policy.yml knows; did you mean "env'),
        ("  freeze: [{form: x, to: y, zone: UTC}]\n", 'did you mean "from"?'),
        ("  limits: [{at_mots: 1, within: 1h, per: action}]\n", 'did you mean "at_most"?'),
        ("  zebra: 1\n", "8: rules.zebra is not a key that policy.yml knows; known here: approvers, quorum, "),
        ("  when:\n    risk: '>= 7'\n", "9: rules.when.risk: write one or more of low, medium, high, critical, or a c"),
        ("  when:\n    risk: '> x'\n", "9: rules.when.risk: write one or more"),
        ("  when:\n    arguments:\n      a..b: 1\n", '10: rules.when.arguments.a..b.[key]: "a..b" is no path'),
        ("  when:\n    arguments:\n      a: '> b'\n", '10: rules.when.arguments.a: "> b" compares with what has no or'),
        ("  when:\n    arguments:\n      a: [[1]]\n", "10: rules.when.arguments.a: an argument is compared with a te"),
        ("  when:\n    channel: '#nope'\n", '9: rules.when.channel: "#nope" is no channel that the file names; put '),
        ("  when: {requester: malory}\n", '8: rules.when.requester: "malory" is nobody who could ask; write an id (U'),
        (
            "  when:\n    requester:\n    - carol\n    - Carol\n",
            'rules.when.requester: "Carol" is nobody who could ask',
        ),
        ("  when: {requester: usr:U1}\n", '8: rules.when.requester: "usr:U1" is nobody'),
        ("  when: {requester: group:sre}\n", '8: rules.when.requester: "group:sre" is nobody'),
        ("  when: {requester: C1}\n", '8: rules.when.requester: "C1" is nobody'),
        ("  when: {requester: 'mal*'}\n", '8: rules.when.requester: "mal*" is nobody'),
        ("  when: {requester: ''}\n", '8: rules.when.requester: "" is nobody'),
        ("  when: {channel: ops}\n", '8: rules.when.channel: "ops" is no channel; write #name with a name of the file'),
        ("  when: {channel: 'channel:C1'}\n", '8: rules.when.channel: "channel:C1" is no channel'),
        ("  when: {channel: U1}\n", '8: rules.when.channel: "U1" is no channel'),
        ("  approvers: usr:U1\n", '8: rules.approvers: "usr:U1" is no approver'),
        ("  approvers: carol\n", '8: rules.approvers: "carol" is no approver'),
        ("examples: [{action: x, expect: ask, requester: malory}]\n", '"malory" is nobody who could ask'),
        ("  approvers: group:nope\n", '8: rules.approvers: "group:nope" is no approver; write user:U… or group:S…'),
        ("  quorum: {group:sre: 0}\n", "8: rules.quorum: write a whole number from 1 to 100"),
        ("  quorum: {sre: 1}\n", '8: rules.quorum: "sre" is no approver'),
        (
            "  approvers: group:sre\n  quorum: {group:sec: 1}\n",
            "9: the quorum names somebody who is not among the appr",
        ),
        ("  quorum: {user:U1: 2}\n", "8: a quorum of 2 cannot be reached by 1 approvers"),
        ("  on_expiry: keep\n", "8: on_expiry belongs to expires_in; write that beside it"),
        ("  escalate_to: group:sre\n  escalate_after: 1h\n", "8: escalate_to belongs to approvers; name those beside"),
        ("  approvers: group:sre\n  escalate_to: group:sec\n", "9: say when: escalate_after, or on_expiry: escalate"),
        ("  escalate_after: 1h\n", "7: nobody is named to escalate to; write escalate_to"),
        (
            "  approvers: group:sre\n  escalate_to: group:sec\n  escalate_after: 4h\n",
            "10: it has expired by then; write a shorter time, or a longer expires_in",
        ),
        ("  comment_required: {risk: high}\n", '8: rules.comment_required: write true, false or {risk: ">= 0.7"}'),
        ("  freeze: [{from: Fri 16:00, to: 08:00, zone: UTC}]\n", '8: rules.freeze: write from and to as "Fri 16:00"'),
        ("  freeze: [{from: 09:00, to: 09:00, zone: UTC}]\n", "and not the same"),
        ("  freeze: [{from: 2027-01-01, to: 2026-01-01, zone: UTC}]\n", "8: rules.freeze: write from and to"),
        ("  freeze: [{from: 25:00, to: 26:00, zone: UTC}]\n", "8: rules.freeze: write from and to"),
        ("  freeze: [{from: 09:00, to: 10:00, zone: Mars/Base}]\n", '"Mars/Base" is no time zone that this machine'),
        ("  freeze: [{from: 09:00, to: 10:00, zone: ../../etc/passwd}]\n", "is no time zone that this machine knows"),
        ("  post_to: somewhere\n", '8: rules.post_to: "somewhere" is no channel; write thread, #name'),
        ("  limits: [{at_most: 0, within: 1h, per: action}]\n", "8: rules.limits.at_most: "),
        ("  limits: [{at_most: 1, within: 1h, per: team}]\n", "8: rules.limits.per: "),
        ("examples:\n- {action: x, expect: {rule: b}}\n", '9: there is no rule named "b"'),
        ("examples:\n- {action: x, risk: 7, expect: ask}\n", "9: examples.risk: write a number from 0 to 1, or one of"),
        ("examples:\n- {action: x, at: noon, expect: ask}\n", "9: examples.at: write a date and a time of day like"),
        ("examples:\n- {action: x}\n", "9: examples.expect is missing; write it"),
    ],
)
def test_a_mistake_in_the_grammar_is_one_line_with_its_place_and_its_remedy(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(text)
    assert told in caught.value.tell
    assert all(re.match(r"policy\.yml:[0-9]+: ", line) for line in caught.value.tell.splitlines())


def test_quiet_hours_are_two_times_of_day() -> None:
    assert parse_policy('quiet_hours: {from: "19:00", to: "8:30"}\n', "policy.yml").policy.quiet == Quiet(1_140, 510)
    for wrong, why in (
        ("8:00, to: Fri 9:00", "time of day"),
        ("08:00, to: 08:00", "two different"),
        ("1900, to: 8", ""),
    ):
        with pytest.raises(ConfigurationError, match=f"policy.yml:1: .*{why}"):
            parse_policy(f"quiet_hours: {{from: {wrong}}}\n", "policy.yml")


def test_quiet_hours_end_when_a_persons_own_clocks_say_so_also_where_they_are_put_forward() -> None:
    night, noon = (
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC).timestamp(),
        datetime(2026, 3, 29, 12, tzinfo=UTC).timestamp(),
    )
    quiet = Quiet(1_140, 480)
    assert after_quiet(night, "Europe/Berlin", quiet) == datetime(2026, 3, 29, 6, tzinfo=UTC).timestamp()
    assert after_quiet(night, "America/New_York", quiet) == datetime(2026, 3, 29, 12, tzinfo=UTC).timestamp()
    assert after_quiet(noon, "Europe/Berlin", quiet) == noon and after_quiet(night, "Europe/Berlin", None) == night
    assert after_quiet(night, "Nowhere/Land", quiet) == datetime(2026, 3, 29, 8, tzinfo=UTC).timestamp()


EMERGENCY = """
names: {people: {erin: U0ERIN}, groups: {sre: S0SRE}, channels: {audit: C0AUDIT}}
freeze: {users: [erin, U0DAN], groups: sre}
break_glass:
  users: erin
  groups: [S0LEADS]
  audit_channel: "#audit"
  while_frozen: true
  zone: Europe/Berlin
  review_at: 08:30
"""


def test_who_may_freeze_and_who_may_break_the_glass_is_read() -> None:
    policy = parse_policy(EMERGENCY, "p").policy
    assert policy.freezers == ("user:U0ERIN", "user:U0DAN", "group:S0SRE")
    glass = BreakGlass(("user:U0ERIN", "group:S0LEADS"), "C0AUDIT", True, "Europe/Berlin", 8 * 60 + 30)
    assert policy.break_glass == glass
    assert parse_policy("version: 1\n", "p").policy.freezers is None
    assert parse_policy("version: 1\n", "p").policy.break_glass == BreakGlass()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("freeze: {user: [U0ERIN]}\n", 'p:1: freeze.user is not a key that policy.yml knows; did you mean "users"?'),
        ("freeze: {users: [someone]}\n", '"user:someone" is no approver'),
        ("break_glass: {while_frozen: true}\n", "nobody is named who may break the glass; write users or groups"),
        ("break_glass: {users: U0ERIN}\n", "say where it is announced; write audit_channel"),
        ("break_glass: {users: U0ERIN, audit_channel: audit}\n", '"audit" is no channel'),
        ("break_glass: {users: U0ERIN, audit_channel: C1, zone: Mars/Base}\n", '"Mars/Base" is no time zone'),
        ("break_glass: {users: U0ERIN, audit_channel: C1, review_at: Mon 08:00}\n", "write a time of day in quotes"),
    ],
)
def test_a_mistake_about_emergencies_is_one_line_with_its_remedy(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_policy(text, "p")
    assert told in caught.value.tell


YAML = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", YAML)
def test_every_file_in_the_documentation_is_valid(text: str) -> None:
    assert parse_policy(text, "policy.md").policy.rules


def test_the_documentation_names_every_key() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for part in (RulePart, Stated, When, PeoplePart, GlassPart):
        for name in part.model_fields:
            assert f"`{name}`" in text, name
    assert Settings.model_fields["policy"].validation_alias == "SIGNOFF_POLICY" and "`SIGNOFF_POLICY`" in text
