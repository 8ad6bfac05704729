"""One story told to both servers, and the comparison of what they answered.

A scenario is a function of a `Side`.  Every reply that the side's client gets is kept; the two lists must be equal
except for what `differences.py` declares.
"""

import atexit
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from . import config as configs
from . import differences, seed, server, sinks
from .client import Client
from .normalise import Normaliser

PEER_ONLY = os.environ.get("COMPAT_PEER_ONLY") == "1"
KEEP = 4


class Side:
    """What a scenario sees of one server."""

    def __init__(self, running, mail, sms):
        self.server, self.mail, self.sms = running, mail, sms
        self.kind, self.config = running.kind, running.config
        self.normal = Normaliser(running.config, running.database)
        self.steps = []
        self.client = self.browser()

    def browser(self, **how):
        """A new client without cookies."""
        client = Client(self.server.port, **how)
        client.observers.append(self._saw)
        return client

    def _saw(self, reply):
        self.steps.append((f"{len(self.steps) + 1} {reply.method} {reply.path}", self.normal.reply(reply)))

    def note(self, name, value):
        """Adds a fact of the scenario's own to what is compared."""
        self.steps.append((f"{len(self.steps) + 1} {name}", value))

    def get(self, path, **how):
        return self.client.get(path, **how)

    def post(self, path, **how):
        return self.client.post(path, **how)

    def send(self, method, path, **how):
        return self.client.send(method, path, **how)

    def login(self, email="joe@lp.com", password="password", *, client=None, path="/login", **fields):
        """Signs in by JSON; the scenario ends here if that fails."""
        client = client or self.client
        reply = client.post(path, json={"email": email, "password": password, **fields})
        assert reply.status == 200, f"{self.kind}: {reply.status} {reply.text}"
        return reply

    def token(self, email="joe@lp.com", password="password", path="/login"):
        """A user's auth token, fetched by a browser of its own."""
        sent = {"email": email, "password": password}
        reply = self.browser().post(f"{path}?include_auth_token", json=sent)
        assert reply.status == 200, f"{self.kind}: {reply.status} {reply.text}"
        return reply.response["user"]["authentication_token"]

    def execute(self, sql, *values):
        """Writes to the database as another process does."""
        link = sqlite3.connect(self.server.database, timeout=10)
        try:
            with link:
                link.execute(sql, values)
        finally:
            link.close()

    def query(self, sql, *values):
        """Rows from the database."""
        return self.normal.query(sql, *values)

    def note_rows(self, name, sql, *values):
        """Compares rows of the two databases."""
        self.note(name, [list(row) for row in self.query(sql, *values)])

    def session(self, client=None):
        """The content of the session cookie."""
        name = self.config.get("session", {}).get("cookie_name", "session")
        value = (client or self.client).cookie(name)
        return self.normal.open_session(value) if value else {}


class Pool:
    """Keeps a few pairs of servers alive, because most scenarios share a configuration."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="compat-"))
        self.mail = {kind: sinks.Mailbox() for kind in ("peer", "lychgate")}
        self.sms = {kind: sinks.SmsBox() for kind in ("peer", "lychgate")}
        self.pairs, self.seeds = {}, {}
        atexit.register(self.close)

    def seed(self, config):
        """The seeded file for a configuration; made once for all that would hash the same way."""
        security = config["security"]
        asked = {key: value for key, value in security.items() if key.startswith(("password", "two_factor", "totp"))}
        # Only with a feature that the seed does not need.
        asked.pop("password_required", None)
        key = _key(asked)
        if key not in self.seeds:
            path = self.folder / f"seed-{key}.db"
            plain = configs.make({"security": asked})
            seed.create(path, plain)
            self.seeds[key] = path
        return self.seeds[key]

    def pair(self, changes):
        """Running servers for a configuration, on databases in the seeded state."""
        config = configs.make(changes)
        key = _key(config)
        source = self.seed(config)
        if key in self.pairs:
            pair = self.pairs.pop(key)
            if all(side.process.poll() is None for side in pair):
                for side in pair:
                    seed.restore(source, side.database)
            else:
                self._stop(pair)
                pair = None
        else:
            pair = None
        if pair is None:
            pair = [self._start(kind, config, source, key) for kind in _kinds()]
            for side in pair:
                side.wait()
        self.pairs[key] = pair
        while len(self.pairs) > KEEP:
            self._stop(self.pairs.pop(next(iter(self.pairs))))
        return [Side(side, self.mail[side.kind], self.sms[side.kind]) for side in pair]

    def shared(self, changes):
        """Both servers on one database in the seeded state: `{kind: Side}`."""
        config = configs.make(changes)
        key = "shared-" + _key(config)
        source = self.seed(config)
        database = self.folder / f"{key}.db"
        pair = self.pairs.pop(key, None)
        if pair is None:
            seed.copy(source, database)
            pair = [server.Server(kind, self.aimed(config, kind), database, self.folder) for kind in _kinds()]
            for side in pair:
                side.wait()
        else:
            seed.restore(source, database)
        self.pairs[key] = pair
        sides = {side.kind: Side(side, self.mail[side.kind], self.sms[side.kind]) for side in pair}
        return sides if len(sides) == 2 else {"peer": sides["peer"], "lychgate": sides["peer"]}

    def start(self, changes):
        """Fresh servers for a configuration that may be refused; the caller waits and nobody stops them."""
        config = configs.make(changes)
        return [self._start(kind, config, self.seed(configs.make()), _key(config)) for kind in _kinds()]

    def _start(self, kind, config, source, key):
        database = self.folder / f"{kind}-{key}.db"
        for suffix in ("", "-wal", "-shm"):
            Path(f"{database}{suffix}").unlink(missing_ok=True)
        seed.copy(source, database)
        return server.Server(kind, self.aimed(config, kind), database, self.folder)

    def aimed(self, config, kind):
        """The configuration with that server's own sinks."""
        config = dict(config)
        config["mail"] = dict(config["mail"], port=self.mail[kind].port)
        config["sms"] = {"webhook_url": self.sms[kind].url}
        return config

    def _stop(self, pair):
        for side in pair:
            side.stop()

    def close(self):
        for pair in self.pairs.values():
            self._stop(pair)
        self.pairs = {}
        shutil.rmtree(self.folder, ignore_errors=True)


def _kinds():
    return ["peer"] if PEER_ONLY else ["peer", "lychgate"]


def _key(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def play(pool, scenario, changes=None):
    """Tells the story on both sides and fails with the list of what differs."""
    sides = pool.pair(changes or {})
    label = getattr(scenario, "label", scenario.__qualname__.partition(".")[0])
    for side in sides:
        side.mail.take()
        side.sms.take()
        try:
            scenario(side)
        except AssertionError as error:
            error.add_note(f"on {side.kind}, after:\n{_last(side)}")
            raise
    if record := os.environ.get("COMPAT_RECORD"):
        for side in sides:
            with open(record, "a", encoding="utf-8") as file:
                for name, seen in side.steps:
                    print(json.dumps([label, side.kind, name, seen], default=str, ensure_ascii=False), file=file)
    if len(sides) == 2:
        found = differences.undeclared(label, sides[0].steps, sides[1].steps)
        assert not found, "the servers differ:\n" + "\n".join(found)


def _last(side):
    return "\n".join(f"{name}: {json.dumps(seen, default=str)[:1500]}" for name, seen in side.steps[-3:])
