"""What `signoff policy …` does: the file in, sentences out. What the file means is `policy_file`'s and `core/policy.py`'s."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import typer

from bot.clocks import as_shown, clocks_at
from bot.core.policy import Policy
from bot.core.timing import Clocks
from bot.core.values import Verdict
from bot.errors import SignoffError
from bot.policy_file import Example, Loaded, case_of_options, load_policy
from bot.policy_file.explaining import Explained, differences, explained, sentence, stated, who_decides
from bot.settings import read_settings


def check_policy(options: dict[str, Any], arguments: str, as_json: bool) -> None:
    """Validate the file; say what each rule does, or what becomes of the one case that ``options`` are."""
    loaded = load_policy(read_settings().policy_file)
    if "action" not in options:
        for line in _rules(loaded):
            typer.echo(line)
    else:
        example = case_of_options(options | _arguments(arguments), loaded.names)
        found = _explained(loaded.policy, example)
        if as_json:
            return typer.echo(json.dumps(_fields(found), indent=2, ensure_ascii=False))
        typer.echo(sentence(found, loaded.names))
    for warning in loaded.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    return None


def try_examples(as_json: bool) -> None:
    """Run the examples of the file. Raises `SignoffError` where one is not as expected, or there are none."""
    loaded = load_policy(read_settings().policy_file)
    if not loaded.examples:
        raise SignoffError("The policy has no examples; write some under examples: in policy.yml.")
    results = []
    for place, example in loaded.examples:
        found = _explained(loaded.policy, example)
        wrong = list(differences(found, example.expected, loaded.names))
        results.append({"place": place, "says": sentence(found, loaded.names), "wrong": wrong})
    if as_json:
        typer.echo(json.dumps(results, indent=2, ensure_ascii=False))
    failed = [result for result in results if result["wrong"]]
    for result in [] if as_json else results:
        typer.echo(f"{'not so' if result['wrong'] else 'ok':<6}  {result['place']}: {result['says']}")
        for each in result["wrong"]:
            typer.echo(f"        {each}")
    if failed:
        raise SignoffError(f"{len(failed)} of {len(results)} examples are not as expected.")
    if not as_json:
        typer.echo(f"All {len(results)} examples are as expected.")


def _explained(policy: Policy, example: Example) -> Explained:
    return explained(policy, example.case, example.said, _clocks(example))


def _clocks(example: Example) -> Clocks:
    """Where an example names a time, every zone's clocks show that; else the present time."""
    if example.at is None:
        return clocks_at(time.time())
    shown = as_shown(example.at)
    return lambda zone: shown


def _arguments(text: str) -> dict[str, object]:
    if not text:
        return {}
    try:
        return {"arguments": json.loads(text)}
    except ValueError as error:
        raise SignoffError(f"The arguments are not valid JSON: {error}.") from error


def _rules(loaded: Loaded) -> Iterator[str]:
    """What each rule says by itself."""
    policy, width = loaded.policy, max((len(rule.name) for rule in loaded.policy.rules), default=0)
    glass = policy.break_glass.people
    for rule in policy.rules:
        decides = rule.verdict not in (Verdict.ALLOW, Verdict.DENY)
        deciding = f"  decided by {who_decides(stated(policy, rule), loaded.names, glass)}" if decides else ""
        trial = "  (on trial, without effect)" if rule.shadow else ""
        yield f"{rule.name:<{width}}  {rule.verdict or 'as the guard says':<17}{deciding}{trial}".rstrip()
    others = who_decides(stated(policy), loaded.names, glass)
    yield f"{'everything else':<{width}}  reading allow, the rest ask; decided by {others}"


def _fields(found: Explained) -> dict[str, object]:
    terms = asdict(found.terms)
    left_out = ("approval", "expires_at", "rule", "rules", "tainted")
    asked = {name: value for name, value in terms.items() if name not in left_out} | {"expires_in": terms["expires_at"]}
    asking = found.verdict is Verdict.ASK
    closed = found.window[1].written if found.window else None
    return {"verdict": found.verdict, "rules": found.rules, "terms": asked if asking else None, "closed": closed}
