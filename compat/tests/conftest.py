"""The pool of servers that all scenarios of one worker share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib import scenario, server  # noqa: E402


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
