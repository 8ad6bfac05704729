"""The example `examples/documents`: sponsors write, editors edit, an administrator approves and suspends."""

import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import _fresh
from lib import server
from person import Person

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "a long password of mine"


def binary():
    named = os.environ.get("DOCUMENTS_BIN")
    folder = Path(os.environ.get("CARGO_TARGET_DIR", server.ROOT / "target")) / "debug"
    return Path(named) if named else folder / "documents"


class Documents:
    """The running example, with the settings that it comes with and a database of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="documents-")
        (Path(self.folder) / "instance").mkdir()
        command = [
            str(binary()), "--listen", "127.0.0.1:0", "--pictures", "127.0.0.1:0",
            "--config", str(ROOT / "examples/documents/lychgate.toml"),
        ]  # fmt: skip
        # Hashes that cost next to nothing.
        cheap = {"argon2__memory_cost": 64, "argon2__time_cost": 1, "argon2__parallelism": 1}
        environment = {
            "SECRET_KEY": secrets.token_urlsafe(32), "SECURITY_PASSWORD_SALT": secrets.token_urlsafe(32),
            "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": json.dumps(cheap), "LYCHGATE_ENVIRONMENT": "development",
        }  # fmt: skip
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.url = self._said(r"The site is on (http://\S+)")
        self.first_administrator = self._said(r"The first administrator is set up at (\S+)")

    def _said(self, pattern):
        """What the process says after a while, as it is told; the log stands between."""
        heard = []
        for line in self.process.stdout:
            if found := re.search(pattern, line):
                return found.group(1)
            heard.append(line)
        pytest.fail("".join(heard), pytrace=False)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def documents():
    if not binary().exists():
        pytest.fail(f"no documents at {binary()}: run `cargo build -p documents`", pytrace=False)
    running = Documents()
    yield running
    running.stop()


def test_a_document_from_hand_to_hand(documents, drivers):
    wide, narrow = (Person(_fresh(drivers(script), width)) for script, width in ((True, 1280), (False, 360)))
    for person in (wide, narrow):
        Person.resize(person.driver)
    site = documents.url

    # The first administrator, by the link that the site prints.
    wide.open(documents.first_administrator).look("documents-setup")
    wide.fill(email="admin@lp.com", password=PASSWORD)
    if wide.all("#password_confirm"):
        wide.fill(password_confirm=PASSWORD)
    wide.click("form [type=submit]")

    # A sponsor and an editor sign up, and wait.
    for area in ("sponsor", "editor"):
        narrow.open(f"{site}/{area}/login").look(f"documents-{area}-login")
        narrow.open(f"{site}/signup{area}").look(f"documents-signup-{area}")
        narrow.fill(email=f"{area}@lp.com", password=PASSWORD)
        if narrow.all("#password_confirm"):
            narrow.fill(password_confirm=PASSWORD)
        narrow.send("register_user_form")
        narrow.open(f"{site}/{area}/dashboard").at(f"/{area}/login")
        _sign_in(narrow, site, area)
        assert narrow.path != f"/{area}/dashboard", "nobody has approved it"

    # The administrator lets both in.
    _sign_in(wide, site, "admin")
    wide.open(f"{site}/admin/approvals").look("documents-approvals")
    for area in ("sponsor", "editor"):
        wide.open(f"{site}/admin/approvals")
        row = wide.until(lambda: [row for row in wide.all("tr, li") if f"{area}@lp.com" in row.text], "the account listed")
        wide._leaving(row[0].find_element("css selector", "form[action*='approve'] button, button[value=approve]").click)

    # The sponsor writes, and says who edits.
    _sign_in(narrow, site, "sponsor")
    narrow.at("/sponsor/dashboard").look("documents-dashboard")
    narrow.open(f"{site}/sponsor/newdocument").look("documents-new")
    narrow.fill(title="A path across the meadow", body="First draft.").send("document_form")
    written = narrow.path
    assert re.fullmatch(r"/sponsor/documents/\d+", written)
    narrow.look("documents-document").fill(editor="editor@lp.com").send("editor_form")
    narrow.open(f"{site}/sponsor/documents").look("documents-list")
    assert "A path across the meadow" in narrow.body

    # Somebody else of the area sees nothing of it, as if it were not there.
    edited = written.replace("/sponsor/", "/editor/")
    narrow.open(f"{site}{edited}")
    assert "A path across" not in narrow.body and "First draft" not in narrow.body
    narrow.sign_out()
    narrow.open(f"{site}{written}").at("/sponsor/login")

    # The editor, at a desk, edits, and may not say who does.
    _sign_in(wide, site, "editor")
    wide.at("/editor/dashboard").look("documents-editor-dashboard")
    wide.open(f"{site}/editor/documents").look("documents-editor-list")
    wide.click("main .rows a").at(edited).look("documents-editor-document")
    assert not wide.all("#editor") and not wide.all("#picture")
    wide.fill(body="Second draft.").send("document_form")
    assert wide.one("#body").get_attribute("value") == "Second draft."

    # The administrator, at a telephone, suspends the editor, who is out at once.
    _sign_in(narrow, site, "admin")
    narrow.open(f"{site}/admin/users?q=editor").click("tbody th a").look("documents-admin-user")
    narrow.click("form[action$='/suspend'] button")
    wide.open(f"{site}{edited}")
    assert not wide.all("#body")
    wide.look("documents-suspended")
    assert urlsplit(wide.driver.current_url).netloc == urlsplit(site).netloc


def _sign_in(person, site, who):
    """By the area's own page; an administrator by the common one."""
    person.driver.delete_all_cookies()
    page = "/login" if who == "admin" else f"/{who}/login"
    person.open(f"{site}{page}").fill(email=f"{who}@lp.com", password=PASSWORD).press_enter("password")

