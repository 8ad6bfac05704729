"""The server, asked everything that its OpenAPI document allows and much that it does not: no 5xx, no reply that the
document leaves out.

`LYCHGATE_BIN` names the program; without it, what cargo built is run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct horse battery"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance"
# All that people can do about an account, and what programs need. Hashes that cost next to nothing.
SETTINGS = """
environment = "development"
delivery = "outbox"

[security]
registerable = true
confirmable = true
login_without_confirmation = true
recoverable = true
changeable = true
change_email = true
username_enable = true
username_recovery = true
change_username = true
unified_signin = true
two_factor = true
multi_factor_recovery_codes = true
webauthn = true
auth_check = true
refresh_token = true
api_keys = true
users_api = true
totp_issuer = "Sample"
totp_secrets = { 1 = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
password_hash_passlib_options = { argon2__memory_cost = 64, argon2__time_cost = 1, argon2__parallelism = 1 }
email_validator_args = { check_deliverability = false }

[jwt]
enabled = true
authenticate_reply = "json"

# It asks more often in a minute than people do in a day.
[limits]
enabled = false
"""
# What programs ask. Without signing out, which would end the tokens of all that comes after.
PROGRAMS = r"^/(account/keys|api/users|auth/check|authenticate|jwt/(tokens|refresh)|refresh-token|\.well-known)"


def binary():
    named = os.environ.get("LYCHGATE_BIN")
    return Path(named) if named else Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "lychgate"


class Serving:
    """A server on a database of its own with one user, and an auth token of theirs."""

    def __init__(self, settings):
        self.folder = Path(tempfile.mkdtemp(prefix="openapi-"))
        (self.folder / "lychgate.toml").write_text(settings, encoding="utf-8")
        self.create("joe@lp.com")
        self.log = open(self.folder / "log", "wb")
        command = [binary(), "serve", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=self.log, text=True)
        said = self.process.stdout.readline()
        found = re.search(r"is ready on (http://\S+)$", said.strip())
        assert found, said + (self.folder / "log").read_text()
        self.url = found.group(1)

    def create(self, email):
        command = [binary(), "users", "create", "--admin", "--password-stdin", email]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, input=f"{PASSWORD}\n".encode())

    def sign_in(self, email="joe@lp.com"):
        """An auth token of a user, and the cookie of the session that it belongs to."""
        jar = CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        token = self.ask("/login", opener=opener)["response"].get("csrf_token")
        fields = {"email": email, "password": PASSWORD, "csrf_token": token}
        user = self.ask("/login?include_auth_token", fields, opener)["response"]["user"]
        (session,) = [cookie.value for cookie in jar if cookie.name == "session"]
        return user["authentication_token"], session

    def ask(self, path, fields=None, opener=None):
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        body = json.dumps(fields).encode() if fields else None
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        with (opener or urllib.request.build_opener()).open(request, timeout=30) as reply:
            return json.load(reply)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def serving():
    """`serving(more)`: a server with these settings beside the usual ones."""
    if not binary().exists():
        pytest.fail(f"no lychgate at {binary()}: run `cargo build -p lychgate-server`", pytrace=False)
    started = []

    def start(more=""):
        started.append(Serving(SETTINGS + more))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def attack(serving, *options, least=60):
    """Runs schemathesis on at least so many operations; fails with what it found."""
    command = [str(Path(sys.executable).with_name("st")), "run", f"{serving.url}/openapi.json"]
    command += ["--checks", CHECKS, "--phases", "coverage,fuzzing", "--seed", "1", "--no-shrink", "--no-color"]
    command += ["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", *options]
    command += ["--max-examples", "3", "--workers", "2"]
    said = subprocess.run(command, cwd=serving.folder, capture_output=True, text=True, timeout=900)
    if said.returncode:
        pytest.fail(said.stdout[-20_000:] + said.stderr[-4_000:], pytrace=False)
    tested = re.search(r"Tested: (\d+)", said.stdout)
    assert tested and int(tested.group(1)) > least, said.stdout


def test_a_stranger(serving):
    attack(serving())


def test_the_bearer_of_a_token(serving):
    # Without CSRF tokens, which nobody can guess, requests get as far as the handlers.
    site = serving("\n[csrf]\nenabled = false\n")
    attack(site, "-H", f"Authentication-Token: {site.sign_in()[0]}")


def test_an_administrator(serving):
    """The panel by a session, which may change things: whatever is asked happens."""
    site = serving("\n[csrf]\nenabled = false\n")
    site.create("ann@lp.com")
    _, session = site.sign_in("ann@lp.com")
    # What would end the session of whoever asks, if it came upon them.
    own = "/(end-sessions|reset-access)$"
    headers = ["-H", f"Cookie: session={session}"]
    attack(site, "--include-path-regex", "^/admin/api", "--exclude-path-regex", own, *headers, least=40)
    still = urllib.request.Request(f"{site.url}/admin/api", headers={"Cookie": f"session={session}"})
    with urllib.request.urlopen(still, timeout=30) as reply:
        assert json.load(reply)["response"]["users"] >= 1


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_the_bearer_of_a_json_web_token(serving, kind):
    site = serving("\n[csrf]\nenabled = false\n")
    _, session = site.sign_in()
    tokens = site.ask("/authenticate", {"uid": "joe@lp.com", "password": PASSWORD})
    headers = ["-H", f"Authorization: Bearer {tokens[kind]}", "-H", f"Cookie: session={session}"]
    attack(site, "--include-path-regex", PROGRAMS, *headers, least=12)
