"""Starts and stops the two servers: the peer and Lychgate's testbed."""

import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

from . import config as configs

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent


def testbed_binary():
    """Where Lychgate's testbed is: `LYCHGATE_TESTBED`, or what cargo built."""
    named = os.environ.get("LYCHGATE_TESTBED")
    if named:
        return Path(named)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "testbed"


def free_port():
    """A port that was free a moment ago.

    It lies below those that the system gives out, so that no connection and no other test takes it in the meantime.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class StartFailed(Exception):
    """The process ended or did not listen in time; the text is what it said."""


class Server:
    """One running process on one database."""

    def __init__(self, kind, config, database, folder):
        self.kind = kind
        self.config = dict(config, database_url=f"sqlite:///{database}")
        self.database = Path(database)
        self.port = free_port()
        self.log = Path(folder) / f"{kind}-{self.port}.log"
        file = Path(folder) / f"{kind}-{self.port}.toml"
        file.write_text(configs.dumps(self.config), encoding="utf-8")
        if kind == "peer":
            command, cwd = [sys.executable, "-W", "ignore", "-m", "peer.app"], HERE
        else:
            command, cwd = [str(testbed_binary())], ROOT
        command += ["--config", str(file), "--listen", f"127.0.0.1:{self.port}"]
        env = dict(os.environ, TZ="UTC", PYTHONDONTWRITEBYTECODE="1")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, cwd=cwd, env=env, stdout=log, stderr=log)

    def wait(self, seconds=120):
        """Returns when the port accepts; raises `StartFailed` with the log otherwise."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise StartFailed(f"{self.kind} ended with {self.process.returncode}: {self.said()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise StartFailed(f"{self.kind} did not listen: {self.said()}")

    def said(self):
        """The end of the process's output."""
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self):
        """SIGTERM, then SIGKILL."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
