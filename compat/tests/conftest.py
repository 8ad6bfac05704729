"""The pool of servers that all scenarios of one worker share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib import scenario, server  # noqa: E402


# A form that is answered in JSON: what a form is read as, and what JSON says, are told by the other two styles.
MIXED, ENOUGH = "form for json", 3


def pytest_collection_modifyitems(config, items):
    """Of the mixed style, a few cases of each table are enough: the first ones, which both succeed and are refused."""
    seen, kept, left = {}, [], []
    for item in items:
        mixed = getattr(item, "callspec", None) and item.callspec.params.get("style") == MIXED
        seen[item.nodeid.partition("[")[0]] = count = seen.get(item.nodeid.partition("[")[0], 0) + bool(mixed)
        (left if mixed and count > ENOUGH else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session")
def pool():
    """Server pairs by configuration."""
    if not scenario.PEER_ONLY and not server.testbed_binary().exists():
        pytest.fail(f"no testbed at {server.testbed_binary()}: run `cargo build -p testbed`", pytrace=False)
    pool = scenario.Pool()
    yield pool
    pool.close()


@pytest.fixture
def play(pool):
    """`play(scenario, config changes)` on both servers."""
    return lambda story, changes=None: scenario.play(pool, story, changes)


@pytest.fixture
def refused(pool):
    """`refused(changes)`: both servers must end by themselves, before they listen, with a reason."""

    def check(changes):
        for running in pool.start(changes):
            with pytest.raises(server.StartFailed, match="ended with"):
                running.wait()
            assert running.process.returncode != 0
            assert running.said().strip(), "no reason given"

    return check


@pytest.fixture
def shared(pool):
    """`shared(changes)`: both servers on one database, as `{kind: Side}`."""
    return lambda changes=None: pool.shared(changes or {})


@pytest.fixture
def ours(pool):
    """`ours(changes)`: Lychgate's side alone."""
    return lambda changes=None: pool.pair(changes or {})[-1]
