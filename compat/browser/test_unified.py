"""Signing in with a code instead of a password: set it up, ask for it, follow its link, take it away."""

import base64
import hashlib
import hmac
import re
import struct
import time

import pytest

WHO = "joe@lp.com"
ON = {
    "unified_signin": True,
    "totp_issuer": "lychgate",
    "totp_secrets": {"1": "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B"},
    "us_enabled_methods": ["password", "email", "authenticator"],
}


@pytest.fixture(scope="session")
def codes(serve):
    """A server with unified sign-in."""
    return serve(ON)


def _mailed(codes, seen):
    """The newest mailed code that is not among `seen`."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for letter in codes.letters(WHO):
            for code in re.findall(r"^\s*([0-9]{6})\s*$", str(letter.get("text") or ""), re.M):
                if code not in seen:
                    seen.add(code)
                    return code
        time.sleep(0.05)
    pytest.fail(f"no new code was mailed: {[sorted(letter) for letter in codes.letters(WHO)]}", pytrace=False)


def _known(codes):
    found = [re.findall(r"^\s*([0-9]{6})\s*$", str(letter.get("text") or ""), re.M) for letter in codes.letters(WHO)]
    return {code for one in found for code in one}


def _shown(key):
    """The code that an app shows now which was given this key."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(key.replace("-", "")), counter, hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


def _type(person, code, form):
    """Types a code; where script runs the form is sent by itself."""
    if person.driver.with_script:
        person._leaving(lambda: person.one("#passcode").send_keys(code))
    else:
        person.fill(passcode=code).send(form)


def test_codes_from_the_first_to_the_last(person, codes):
    seen = _known(codes)
    person.open(f"{codes.url}/us-signin").look("us-signin")
    person.fill(identity=WHO, passcode="wrong").send("us_signin_form").at("/us-signin").look("us-signin-refused")
    person.fill(identity=WHO, passcode="password").send("us_signin_form").at("/").signed_in_as(WHO)

    # By mail.
    person.open(f"{codes.url}/us-setup").look("us-setup")
    person.send("us_setup_form").at("/us-setup").look("us-setup-refused")
    person.one("input[name=chosen_method][value=email]").click()
    person.send("us_setup_form").look("us-setup-email")
    _type(person, "000000", "us_setup_validate_form")
    person.look("us-setup-email-wrong")
    _type(person, _mailed(codes, seen), "us_setup_validate_form")
    person.at("/us-setup").look("us-setup-with-email")
    assert person.all("input[name=delete_method][value=email]")

    # By an app.
    person.one("input[name=chosen_method][value=authenticator]").click()
    person.send("us_setup_form").look("us-setup-app")
    _type(person, _shown(person.one("#authr-key").text), "us_setup_validate_form")
    person.at("/us-setup").open(f"{codes.url}/account").look("account-with-codes").sign_out()

    # Sign in by the code, and by the link.
    person.open(f"{codes.url}/us-signin?next=/us-verify").fill(identity=WHO).click("[name=submit_send_code]").look("us-signin-sent")
    person.fill(passcode=_mailed(codes, seen)).send("us_signin_form").at("/us-verify").signed_in_as(WHO)
    person.look("us-verify").click("[name=submit_send_code]").look("us-verify-sent")
    person.fill(passcode=_mailed(codes, seen)).send("us_verify_form").open(f"{codes.url}/").sign_out()
    person.open(f"{codes.url}/us-signin").fill(identity=WHO).click("[name=submit_send_code]")
    _mailed(codes, seen)
    person.open(codes.link(WHO, "us-verify-link")).look("us-link").send("relay_form").at("/").signed_in_as(WHO)

    # Take them away.
    person.open(f"{codes.url}/us-setup")
    for box in person.all("input[name=delete_method]"):
        box.click()
    person.send("us_setup_form").at("/us-setup").look("us-setup-removed")
    assert not person.all("input[name=delete_method]")
    person.sign_out()
