"""A person sets up a second step, signs in with it, and is helped without it."""

import base64
import hashlib
import hmac
import sqlite3
import struct
import time

import pytest
from conftest import ACCOUNT

PASSWORD = "correct horse battery"
CODES = {
    "two_factor": True, "totp_issuer": "Browser tests", "two_factor_rescue_email": True, "webauthn": True,
    "totp_secrets": {"1": "a key of the browser tests, 39 characters"},
}  # fmt: skip


@pytest.fixture(scope="session")
def codes(serve):
    """A server with second factors."""
    return serve({**ACCOUNT, **CODES})


def code(key, ahead=0):
    """What an authenticator app shows for a key (RFC 6238), so many steps from now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + ahead)
    digest = hmac.new(base64.b32decode(key.replace("-", "")), counter, hashlib.sha1).digest()
    number = struct.unpack_from(">I", digest, digest[-1] & 15)[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def type_code(person, text):
    """The script sends a complete code by itself; without it there is the button."""
    if person.driver.with_script:
        return person._leaving(lambda: person.one("#code").send_keys(text))
    return person.fill(code=text).send("two_factor_verify_code_form")


def set_up(person, codes, address):
    """A new account, signed in, with an app as its second step; gives the app's key."""
    name = address.partition("@")[0].replace("-", "")
    person.open(f"{codes.url}/register")
    person.fill(email=address, username=name, password=PASSWORD, password_confirm=PASSWORD).send("register_user_form")
    person.until(lambda: person.path != "/register", "registered")
    person.sign_in(codes.url, address, PASSWORD)
    person.open(f"{codes.url}/tf-setup").look("second-step")
    person.one("input[value=authenticator]").click()
    person.send("two_factor_setup_form").look("second-step-app")
    assert person.one("#qrcode").size["width"] >= 180
    return person.one("#authr-key").text


def test_the_second_step(person, codes, address):
    key = set_up(person, codes, address)
    # The same page and the same key after a wrong code.
    type_code(person, "000000").refused("code").look("second-step-app-refused")
    assert person.one("#authr-key").text == key
    type_code(person, code(key)).at("/tf-setup")
    assert person.one(".flashes li.success").is_displayed()
    person.look("second-step-on")
    person.sign_out().sign_in(codes.url, address, PASSWORD).at("/tf-validate").look("one-more-step")
    assert person.driver.switch_to.active_element.get_attribute("id") == "code"
    assert address not in person.driver.page_source
    person.open(f"{codes.url}/").one("body")
    assert not person.all(".menu-who"), "not signed in by the password alone"
    person.open(f"{codes.url}/tf-validate")
    type_code(person, "000000").at("/tf-validate").refused("code").look("one-more-step-refused")
    type_code(person, code(key, 1))
    person.until(lambda: person.path != "/tf-validate", "signed in")
    person.open(f"{codes.url}/").signed_in_as(address)


def test_without_a_code(person, codes, address):
    key = set_up(person, codes, address)
    type_code(person, code(key))
    person.sign_out().sign_in(codes.url, address, PASSWORD).at("/tf-validate")
    person.one("summary").click()
    person.look("no-code")
    person.one("input[value=email]").click()
    person.send("two_factor_rescue_form").look("no-code-mailed")
    letter = person.until(lambda: [one for one in codes.letters(address) if "code" in one["subject"].lower()
                                   or "factor" in one["subject"].lower()], "a mailed code")[0]
    mailed = next(word for word in letter["text"].split() if len(word) == 6 and word.isdigit())
    type_code(person, mailed)
    person.until(lambda: person.path not in ("/tf-validate", "/tf-rescue"), "signed in")
    person.open(f"{codes.url}/").signed_in_as(address)


def test_the_choice(person, codes, address):
    key = set_up(person, codes, address)
    type_code(person, code(key))
    with sqlite3.connect(codes.database) as database:
        user = database.execute("SELECT id FROM user WHERE email = ?", [address]).fetchone()[0]
        columns = "credential_id, public_key, sign_count, backup_state, device_type, lastuse_datetime, name, usage, user_id"
        row = [address.encode(), b"key", 0, 0, "single_device", "2026-01-01 00:00:00", "key", "secondary", user]
        marks = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO web_authn ({columns}) VALUES ({marks})", row)
    person.sign_out().sign_in(codes.url, address, PASSWORD).at("/tf-select").look("choice")
    person.one("input[value=authenticator]").click()
    person.send("tf_select").at("/tf-validate")
    type_code(person, code(key, 1))
    person.until(lambda: person.path != "/tf-validate", "signed in")
    person.open(f"{codes.url}/").signed_in_as(address)
