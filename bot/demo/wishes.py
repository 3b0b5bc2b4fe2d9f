"""What a sentence asks for, by plain rules: "grant bob okta-prod-admins for 48h" is one wish for `grant_access`.

There is no understanding here, only patterns over the toy company's vocabulary. What the offered tools make of a wish
and what is said about it is `scripted_model`'s part.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

_NAME = r"[A-Za-z0-9][\w./:@-]*[\w]|\w"
_PERSON = rf"<@(?P<mention>[UW]\w+)(?:\|[^>]*)?>|@?(?!(?:an?|the|it|us|more|me\s+(?:an?|the))\b)(?P<user_id>{_NAME})"
_VERSION = r"v?\d+(?:\.\d+)*(?:[-+][\w.]+)?"
_ENVIRONMENT = re.compile(r"\b(production|prod|staging|stage|development|dev)\b(?!-)", re.I)
_DURATION = re.compile(r"\b(\d+)\s*-?(hours?|hrs?|h|minutes?|mins?|m|days?|d|weeks?|w)\b", re.I)
_QUOTED = re.compile(r"[\"“](.+?)[\"”]", re.S)
# Not between figures: "+3, ~1" is one plan.
_SEPARATOR = re.compile(r"\s*(?:[;\n]|,(?!\s*[+~-]?\d)|\b(?:and|then|plus|also)\b)\s*", re.I)
_VERB = re.compile(
    r"\b(grant|give|add|revoke|remove|deploy|release|ship|scale|sync|rotate|scan|status of|health of)\b", re.I
)
# What may follow "and" without a verb of its own: a lone name, or a name and something with a digit or a hyphen.
_VERBLESS = re.compile(r"[<@]*\w[\w.:@|<>-]*(?:\s+(?:(?:to|in|on|for|group|the)\s+)*\S*[\d-].*)?[.!?]?", re.I | re.S)
_NO_NAME = re.compile(
    r"(?:he|she|they|it|we|i|you|him|her|them|us|an?|the|this|that|please|thanks|now|asap|because|so|if)", re.I
)
_SPEAKER = re.compile(r"^\W*(?P<name>[A-Za-z][\w.-]*)[^\w:]*(?:\([^)]*\)\s*)?(?:says|asks|wrote)?:\s", re.I)
_POST = re.compile(
    r"\bpost\s+(?:an?\s+|the\s+)?(?:incident\s+update|update)\b(?:\s+(?:for|on|to|about))?(?:\s+incident)?(?P<rest>.*)",
    re.I | re.S,
)
_INCIDENT = re.compile(r"\bINC-?\d+\b", re.I)
_INCIDENT_STATUS = re.compile(r"\b(investigating|identified|monitoring|resolved)\b", re.I)
_ASSIGNED = re.compile(r"(\w+)\s*=\s*(\"[^\"]*\"|\S+)")


@dataclass(frozen=True, slots=True)
class Wish:
    """An action by its name and what the sentence said about it; what it did not say is absent."""

    action: str
    said: Mapping[str, str] = field(default_factory=dict)


def wishes_in(sentence: str, offered: Collection[str] = ()) -> list[Wish]:
    """The wishes in `sentence`, in order. `offered` are tool names that may be called as `name key=value`."""
    sentence = _plain(sentence)
    found: list[Wish] = []
    post = _POST.search(sentence)
    lead = ""
    for clause in _clauses(sentence[: post.start()] if post else sentence):
        wish = _wish_of(clause, offered)
        if wish is None and lead and _stands_without_verb(clause):
            wish = _wish_of(f"{lead} {clause}", offered)
        if wish is not None:
            found.append(wish)
            verb = _VERB.search(clause)
            lead = verb[0] if verb else lead
    if post:
        found.append(_incident_update(post["rest"]))
    return [_naming(wish, sentence) for wish in _shared(found)]


def durations_in(text: str) -> list[str]:
    """The durations in `text`, short: "48 hours" is "48h"."""
    return [f"{number}{unit[0].lower()}" for number, unit in _DURATION.findall(text)]


def _plain(sentence: str) -> str:
    # Slack escapes these three and nothing else; a mention of the bot in front is no part of the wish.
    for escaped, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        sentence = sentence.replace(escaped, sign)
    return re.sub(r"^\s*<@[UW]\w+(?:\|[^>]*)?>[\s:,]*", "", sentence).replace("`", "").replace("*", "")


def _clauses(sentence: str) -> list[str]:
    quoted = _QUOTED.findall(sentence)
    numbers = iter(range(len(quoted)))
    masked = _QUOTED.sub(lambda _: f'"\x00{next(numbers)}\x00"', sentence)
    parts = _SEPARATOR.split(masked)
    return [re.sub(r"\x00(\d+)\x00", lambda found: quoted[int(found[1])], part) for part in parts]


def _naming(wish: Wish, sentence: str) -> Wish:
    """With "me" as the person: whoever speaks, if the sentence says so ("alice: grant me ..."); otherwise nobody yet."""
    if wish.said.get("user_id") not in ("me", "myself"):
        return wish
    said = {name: value for name, value in wish.said.items() if name != "user_id"}
    speaker = _SPEAKER.match(sentence)
    return Wish(wish.action, {**said, "user_id": speaker["name"].lower()} if speaker else said)


def _wish_of(clause: str, offered: Collection[str]) -> Wish | None:
    for name in offered:
        if match := re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])(.*)", clause, re.S):
            return Wish(name, {key: value.strip('"') for key, value in _ASSIGNED.findall(match[1])})
    matches = [(match, build) for pattern, build in _RULES if (match := pattern.search(clause))]
    # The first words decide: in `apply terraform network: "add 2"` nobody is added to anything.
    first = min(matches, key=lambda found: found[0].start(), default=None)
    return first[1](first[0], clause) if first else None


def _stands_without_verb(clause: str) -> bool:
    words = clause.split()
    return bool(words) and not _NO_NAME.fullmatch(words[0].strip(".!?")) and bool(_VERBLESS.fullmatch(clause))


def _shared(wishes: list[Wish]) -> list[Wish]:
    """Of "grant alice and bob on-call", alice's wish lacks the group: it takes it from the next of the same action."""
    for position in range(len(wishes) - 2, -1, -1):
        wish, following = wishes[position], wishes[position + 1]
        if wish.action == following.action:
            wishes[position] = Wish(wish.action, {**following.said, **wish.said})
    return wishes


def _access(action: str) -> Callable[[re.Match[str], str], Wish]:
    def build(match: re.Match[str], clause: str) -> Wish:
        said = {"user_id": match["mention"] or match["user_id"].lower()}
        if (group := _group_in(clause[match.end() :])) is not None:
            said["group"] = group
        if durations := durations_in(clause[match.end() :]):
            said["duration"] = durations[0]
        return Wish(action, said)

    return build


def _group_in(text: str) -> str | None:
    if match := re.search(r"\b[a-z]\w*(?:-\w+)+\b", text, re.I):
        return match[0].lower()
    if re.search(r"\bokta\s+admins?\b", text, re.I):
        return "okta-prod-admins" if re.search(r"\bprod", text, re.I) else "okta-admins"
    words = re.sub(r"\b(?:for\s+)?\d+\s*\w+|\b(?:temporary|access|to|from|the|group|in|of)\b", " ", text, flags=re.I)
    match = re.search(r"[a-z]\w+", words, re.I)
    return match[0].lower() if match else None


def _deploy(match: re.Match[str], clause: str) -> Wish:
    said = {name: value for name, value in match.groupdict().items() if value}
    return Wish("deploy_service", {**said, **_environment_in(clause[match.end() :])})


def _simple(action: str) -> Callable[[re.Match[str], str], Wish]:
    def build(match: re.Match[str], clause: str) -> Wish:
        said = {name: value.rstrip("?.!") for name, value in match.groupdict().items() if value}
        return Wish(action, {**said, **_environment_in(clause[match.end() :])})

    return build


def _terraform(match: re.Match[str], clause: str) -> Wish:
    tail = clause[match.end() :].strip(" :-–.")
    quoted = _QUOTED.search(tail)
    plan = quoted[1] if quoted else re.sub(r"^(?:with\s+)?plan\s*:?\s*", "", tail, flags=re.I)
    return Wish("terraform_apply", {"workspace": match["workspace"], **({"plan_summary": plan} if plan else {})})


def _rotate(match: re.Match[str], _clause: str) -> Wish:
    named = (match["before"] or match["after"] or "").strip().lower()
    return Wish("rotate_credentials", {"name": re.sub(r"[\s_]+", "-", named)} if named else {})


def _incident_update(rest: str) -> Wish:
    said: dict[str, str] = {}
    if incident := _INCIDENT.search(rest):
        said["incident"] = re.sub(r"(?i)^inc-?", "INC-", incident[0])
        rest = rest[: incident.start()] + rest[incident.end() :]
    head, colon, tail = rest.partition(":")
    if status := _INCIDENT_STATUS.search(head):
        said["status"] = status[0].lower()
        head = head[: status.start()] + head[status.end() :]
    quoted = _QUOTED.search(rest)
    message = quoted[1] if quoted else (tail if colon else head)
    return Wish("post_incident_update", {**said, **({"message": message.strip(" -–")} if message.strip(" -–") else {})})


def _environment_in(text: str) -> dict[str, str]:
    match = _ENVIRONMENT.search(text)
    if match is None:
        return {}
    short = {"prod": "production", "stage": "staging", "dev": "development"}
    return {"environment": short.get(match[1].lower(), match[1].lower())}


def _rules() -> Iterator[tuple[str, Callable[[re.Match[str], str], Wish]]]:
    yield r"\b(?:list|show|which|what)\b[\w\s]*\bservices\b", _simple("list_services")
    named = rf"(?:the\s+)?(?:service\s+)?(?P<service>{_NAME})"
    yield rf"\b(?:status|health|state|version)\s+(?:of|for)\s+{named}", _simple("get_service_status")
    yield rf"\bhow(?:'s|\s+is)\s+{named}", _simple("get_service_status")
    yield rf"\b(?:grant|give|add)\s+(?:{_PERSON})", _access("grant_access")
    yield rf"\b(?:revoke|remove)\s+(?:{_PERSON})(?:'s\b)?", _access("revoke_access")
    yield rf"\b(?:deploy|release|ship)\s+(?:version\s+)?(?P<version>{_VERSION})\s+of\s+(?P<service>{_NAME})", _deploy
    rolled = r"\b(?:deploy|release|ship|roll\s*back|roll\s+out)\s+(?:the\s+)?(?:service\s+)?"
    yield rf"{rolled}(?P<service>{_NAME})(?:\s+(?:version\s+|to\s+)?(?P<version>{_VERSION})(?=[\s,.!?]|$))?", _deploy
    replicas = r"(?:\s+(?:up|down))?(?:\s+to)?\s+(?P<replicas>\d+)"
    yield rf"\bscale\s+(?!up\b|down\b|to\b)(?P<service>{_NAME})(?:{replicas})?", _simple("scale_deployment")
    yield rf"\bsync\s+(?:the\s+)?(?:app(?:lication)?\s+)?(?P<app>{_NAME})", _simple("sync_argocd_app")
    workspace = rf"(?:to\s+)?(?:the\s+)?(?:workspace\s+)?(?P<workspace>{_NAME})"
    yield rf"\b(?:apply\s+terraform|terraform\s+apply)\s+{workspace}", _terraform
    secret = r"(?:credentials?|keys?|secrets?|passwords?)"
    either = rf"{secret}\s+(?:of|for)?\s*(?P<after>{_NAME})|(?P<before>.+?)\s+{secret}\b"
    yield rf"\brotate\s+(?:the\s+)?(?:{either})", _rotate
    yield rf"\brotate\s+(?P<before>)(?P<after>{_NAME})", _rotate
    yield rf"\bscan\s+(?:the\s+)?(?:image\s+)?(?P<image>{_NAME})", _simple("scan_image")


_RULES = tuple((re.compile(pattern, re.I), build) for pattern, build in _rules())
