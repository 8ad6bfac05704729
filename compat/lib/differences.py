"""The intended differences, each with its reason and what Lychgate must answer instead.

This list mirrors docs/COMPATIBILITY.md.  A difference is matched by scenario and by the path of the place inside the
reply; its check sees both values, so that a declared place cannot hide an undeclared change.
"""

import json
import re
from dataclasses import dataclass
from typing import Callable

MISSING = "<missing>"


@dataclass(frozen=True)
class Difference:
    """One declared place; patterns are searched, `check(peer, ours)` must hold."""

    id: str
    reason: str
    where: str
    check: Callable
    scenario: str = ""


@dataclass(frozen=True)
class StepDifference:
    """A whole reply that is meant to differ; `check(peer, ours)` sees both replies."""

    id: str
    reason: str
    where: str
    check: Callable
    scenario: str = ""


STEPS = [
    StepDifference(
        "never-5xx",
        "the reference fails on input that it does not expect; Lychgate refuses it",
        "",
        lambda peer, ours: _status(peer) >= 500 and _status(ours) < 500,
    ),
]
DECLARED = [
    Difference(
        "session-sent",
        "a session cookie is sent when its content changed; what it holds after each reply is compared beside this",
        r"cookies > session$",
        lambda peer, ours: MISSING in (peer, ours),
    ),
    Difference(
        "vary",
        "a reply that does not depend on the session does not vary by cookie",
        r"(GET|POST|HEAD) /(page1|http|http_custom_realm|http_admin_required|token|nothing)\b[^ ]* > vary",
        lambda peer, ours: peer == ["cookie"] and ours == [],
    ),
    Difference(
        "own-form",
        "what the testbed's own form answers when it refuses is each application's own",
        r"POST /form > (json|page|body|text|type|charset)\b",
        lambda peer, ours: True,
    ),
]


def undeclared(scenario, peer, ours):
    """Texts for every difference that nothing declares."""
    found = []
    if len(peer) != len(ours):
        found.append(f"the peer took {len(peer)} steps, Lychgate {len(ours)}")
    for (name, theirs), (_, mine) in zip(peer, ours):
        if theirs == mine or _matches(STEPS, scenario, name, theirs, mine):
            continue
        for path, left, right in _walk(theirs, mine, name):
            if not _matches(DECLARED, scenario, path, left, right):
                found.append(f"{path}\n    peer:     {_show(left)}\n    lychgate: {_show(right)}")
    return found


def _matches(rules, scenario, path, left, right):
    return any(
        re.search(rule.scenario, scenario) and re.search(rule.where, path) and rule.check(left, right)
        for rule in rules
    )


def _status(reply):
    return reply.get("status", 0) if isinstance(reply, dict) else 0


def _walk(left, right, path):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(set(left) | set(right), key=str):
            yield from _walk(left.get(key, MISSING), right.get(key, MISSING), f"{path} > {key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (mine, other) in enumerate(zip(left, right)):
            yield from _walk(mine, other, f"{path} > {index}")
    elif left != right or type(left) is not type(right):
        yield path, left, right


def _show(value):
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) < 600 else text[:600] + "…"
