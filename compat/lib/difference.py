"""What a declared difference is, and what declarations share."""

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


def same(peer, ours, but):
    """The replies agree in everything except the named members."""
    return all(peer.get(key) == ours.get(key) for key in (set(peer) | set(ours)) - set(but))


def status(reply):
    return reply.get("status", 0) if isinstance(reply, dict) else 0


def unsigned(text):
    """Without the tokens, which no two servers have in common."""
    return re.sub(r"\.?[\w-]{8,}\.[\w-]{6}\.[\w-]{27}", "<signed>", text) if isinstance(text, str) else text
