"""The grammar of `policy.yml`: which keys there are, and the core's values that they become. The small forms are `written.py`'s, and
who may freeze and break the glass `emergencies.py`'s.

Rule: a key that is not known is a mistake, because a rule that silently does nothing is worse than a bot that does not start.
What every key allows and the whole does not, `contradictions` tells.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, model_validator

from bot.core.matching import Case, Comparison, Match
from bot.core.policy import DOMAIN, Defaults, Denials, OnExpiry, Policy, Rule
from bot.core.timing import Limit, Quiet
from bot.core.values import Share, Verdict
from bot.policy_file.emergencies import GlassPart, PeoplePart
from bot.policy_file.lines import Where
from bot.policy_file.parts import Contradictions, Part
from bot.policy_file.written import (
    Approvers,
    Arguments,
    CanonicalArguments,
    Channel,
    ChannelId,
    Channels,
    CommentForm,
    Count,
    Duration,
    ExampleRisk,
    ExampleTime,
    Globs,
    Names,
    QuorumForm,
    Requester,
    Requesters,
    RiskForm,
    Text,
    TimeOfDay,
    argument_tests,
    listed,
    window,
)


class NamesPart(Part):
    people: dict[Text, Annotated[str, Field(pattern=r"^[UW][A-Z0-9]+$")]] = Field(default_factory=dict)
    groups: dict[Text, Annotated[str, Field(pattern=r"^S[A-Z0-9]+$")]] = Field(default_factory=dict)
    channels: dict[Text, Annotated[str, Field(pattern=r"^[CGD][A-Z0-9]+$")]] = Field(default_factory=dict)

    def names(self) -> Names:
        return Names(self.people, self.groups, self.channels)


class When(Part):
    action: Globs = ()
    system: Globs = ()
    environment: Globs = ()
    target: Globs = ()
    domain: Globs = ()
    risk: RiskForm = ()
    arguments: Arguments = Field(default_factory=dict)
    requester: Requesters = ()
    channel: Channels = ()
    read_only: StrictBool | None = None

    def match(self) -> Match:
        same = ("action", "system", "environment", "target", "domain", "requester", "channel", "read_only")
        fields: dict[str, Any] = {name: getattr(self, name) for name in same}
        fields |= {"weight": self.risk} if isinstance(self.risk, Comparison) else {"risk": self.risk}
        return Match(**fields, arguments=argument_tests(self.arguments))


class LimitPart(Part):
    at_most: Count
    within: Duration
    per: Annotated[tuple[Literal["action", "person"], ...], Field(min_length=1)]
    beyond: Literal["ask", "deny"] = "deny"

    @model_validator(mode="before")
    @classmethod
    def _one_or_both(cls, value: object) -> object:
        return value | {"per": listed(value["per"])} if isinstance(value, dict) and "per" in value else value

    def limit(self) -> Limit:
        return Limit(self.at_most, self.within, "action" in self.per, "person" in self.per, Verdict(self.beyond))


class FreezePart(Part):
    begins: Text = Field(alias="from")
    ends: Text = Field(alias="to")
    zone: Text

    @model_validator(mode="after")
    def _is_a_window(self) -> "FreezePart":
        window(self.begins, self.ends, self.zone)
        return self


class QuietPart(Part):
    begins: TimeOfDay = Field(alias="from")
    ends: TimeOfDay = Field(alias="to")

    @model_validator(mode="after")
    def _is_a_time(self) -> "QuietPart":
        if self.begins == self.ends:
            raise ValueError("they would begin when they end; write two different times")
        return self


class Stated(Part):
    """What a rule and the defaults have in common."""

    approvers: Approvers | None = None
    quorum: QuorumForm | None = None
    requester_may_approve: StrictBool | None = None
    editor_may_approve_alone: StrictBool | None = None
    comment_required: CommentForm | None = None
    denials: Denials | None = None
    expires_in: Duration | None = None
    on_expiry: OnExpiry | None = None
    remind_after: Duration | None = None
    escalate_to: Approvers = ()
    escalate_after: Duration | None = None
    recheck_after: Duration | None = None
    execute_within: Duration | None = None
    post_to: ChannelId | None = None

    def fields(self) -> dict[str, Any]:
        """What is stated, by the names of the core."""
        given = {name: getattr(self, name) for name in Stated.model_fields if name in self.model_fields_set}
        if isinstance(given.get("quorum"), tuple):
            given["shares"] = given.pop("quorum")
        return {name: value for name, value in given.items() if value is not None}

    @property
    def count(self) -> int | None:
        return self.quorum if isinstance(self.quorum, int) else None

    @property
    def shares(self) -> tuple[Share, ...]:
        return self.quorum if isinstance(self.quorum, tuple) else ()

    def contradictions(self, where: Where, default: int) -> Contradictions:
        """``default``: how long an approval lives where this part does not state it."""
        names = None if self.approvers is None and not self.shares else {*(self.approvers or ())}
        if self.approvers and any(share.approver not in self.approvers for share in self.shares):
            yield (*where, "quorum"), "the quorum names somebody who is not among the approvers; add them"
        if self.escalate_to and names is None:
            yield (*where, "escalate_to"), "escalate_to belongs to approvers; name those beside it"
        if self.escalate_to and self.escalate_after is None and self.on_expiry is not OnExpiry.ESCALATE:
            yield (*where, "escalate_to"), "say when: escalate_after, or on_expiry: escalate"
        if not self.escalate_to and (self.escalate_after is not None or self.on_expiry is OnExpiry.ESCALATE):
            yield where, "nobody is named to escalate to; write escalate_to"
        if self.on_expiry is not None and self.expires_in is None:
            yield (*where, "on_expiry"), "on_expiry belongs to expires_in; write that beside it"
        if self.escalate_after is not None and self.escalate_after >= (self.expires_in or default):
            yield (*where, "escalate_after"), "it has expired by then; write a shorter time, or a longer expires_in"


class RulePart(Stated):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    when: When = When()
    verdict: Verdict | None = None
    limits: tuple[LimitPart, ...] = ()
    freeze: tuple[FreezePart, ...] = ()
    shadow: StrictBool = False

    def rule(self) -> Rule:
        return Rule(
            name=self.name,
            match=self.when.match(),
            verdict=self.verdict,
            limits=tuple(each.limit() for each in self.limits),
            windows=tuple(window(each.begins, each.ends, each.zone) for each in self.freeze),
            shadow=self.shadow,
            **self.fields(),
        )


class Expected(Part):
    verdict: Verdict | None = None
    rule: Text | None = None
    approvers: Approvers | None = None
    quorum: Count | None = None
    expires_in: Duration | None = None
    requester_may_approve: StrictBool | None = None
    editor_may_approve_alone: StrictBool | None = None
    comment_required: StrictBool | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A case with what is expected of it. ``said``: what the guard says, None without one; ``at``: the time on every clock."""

    case: Case
    said: Verdict | None
    at: datetime | None
    expected: Expected


class ExamplePart(Part):
    action: Text
    expect: Annotated[Expected, BeforeValidator(lambda value: {"verdict": value} if isinstance(value, str) else value)]
    system: str = ""
    environment: str = ""
    target: str = ""
    domain: str = DOMAIN
    risk: ExampleRisk = ""
    requester: Requester = ""
    channel: Channel = ""
    read_only: StrictBool = False
    arguments: CanonicalArguments = "{}"
    guard: Verdict | None = None
    at: ExampleTime = None

    def example(self) -> Example:
        return Example(self.case(), self.guard, self.at, self.expect)

    def case(self) -> Case:
        return Case(
            action=self.action,
            system=self.system,
            environment=self.environment,
            target=self.target,
            risk=self.risk if isinstance(self.risk, str) else "",
            read_only=self.read_only,
            requester=self.requester,
            channel=self.channel,
            domain=self.domain,
            score=self.risk if isinstance(self.risk, float) else None,
            arguments=self.arguments,
        )


class File(Part):
    version: Literal[1] = 1
    guests_may_ask: StrictBool = False
    shell_may_decide: StrictBool = False
    shared_channels: StrictBool = False
    open_per_person: Count = Policy().open_per_person
    quiet_hours: QuietPart | None = None
    freeze: PeoplePart | None = None
    break_glass: GlassPart = GlassPart()
    names: NamesPart = NamesPart()
    defaults: Stated = Stated()
    rules: tuple[RulePart, ...] = ()
    examples: tuple[ExamplePart, ...] = ()

    def policy(self) -> Policy:
        rules = tuple(rule.rule() for rule in self.rules)
        quiet = Quiet(self.quiet_hours.begins, self.quiet_hours.ends) if self.quiet_hours else None
        freezers = None if self.freeze is None else self.freeze.approvers()
        whole = (Defaults(**self.defaults.fields()), rules, self.guests_may_ask, self.shell_may_decide, quiet)
        glass = self.break_glass.glass()
        return Policy(*whole, freezers, glass, self.shared_channels, self.open_per_person)

    def contradictions(self) -> Contradictions:
        """What every key allows and the whole does not."""
        names, lifetime = set[str](), self.defaults.expires_in or Defaults().expires_in
        for number, rule in enumerate(self.rules):
            where: Where = ("rules", number)
            if rule.name in names:
                yield (*where, "name"), f'there are two rules named "{rule.name}"; rename one'
            names.add(rule.name)
            yield from rule.contradictions(where, lifetime)
            yield from too_few((*where, "quorum"), rule, rule.count or self.defaults.count or Defaults().quorum)
        yield from self.break_glass.contradictions(("break_glass",))
        yield from self.defaults.contradictions(("defaults",), lifetime)
        yield from too_few(("defaults", "quorum"), self.defaults, self.defaults.count or Defaults().quorum)
        for number, example in enumerate(self.examples):
            if example.expect.rule is not None and example.expect.rule not in names:
                yield ("examples", number, "expect"), f'there is no rule named "{example.expect.rule}"'


def too_few(where: Where, stated: Stated, quorum: int) -> Contradictions:
    people = {*(stated.approvers or ()), *stated.escalate_to}
    if stated.shares:
        quorum = sum(share.count for share in stated.shares)
        people = people or {share.approver for share in stated.shares}
    if people and all(name.startswith("user:") for name in people) and len(people) < quorum:
        yield where, f"a quorum of {quorum} cannot be reached by {len(people)} approvers; name more or lower it"
