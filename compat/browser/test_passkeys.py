"""Passkeys with Chromium's virtual authenticator: register, sign in by the button and by autofill, prove who one is, remove."""

import pytest
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

WHO = "joe@lp.com"


@pytest.fixture(scope="session")
def passkeys(serve):
    """The address of a server with passkeys. A passkey belongs to a name, so it is one that is this machine."""
    return f"http://localhost:{serve({'webauthn': True}).port}"


@pytest.fixture
def device(request):
    """`device(person)`: gives a browser an authenticator of its own, that verifies its user and does not ask."""
    held = []

    def give(person, **more):
        options = VirtualAuthenticatorOptions()
        options.protocol = VirtualAuthenticatorOptions.Protocol.CTAP2
        options.transport = VirtualAuthenticatorOptions.Transport.INTERNAL
        options.has_resident_key = True
        options.has_user_verification = True
        options.is_user_verified = True
        person.driver.add_virtual_authenticator(options)
        held.append(person.driver)
        return person.driver

    yield give
    for driver in held:
        driver.remove_virtual_authenticator()


def _register(person, site, name):
    person.open(f"{site}/wan-register").fill(name=name)
    person.one("input[name=usage][value=first]").click()
    person.send("wan_register_form")
    person.at("/wan-register")
    person.until(lambda: any(name in row.text for row in person.all(".listed .row")), f"a list with {name}")


def _remove(person, name):
    row = next(row for row in person.all(".listed .row") if name in row.text)
    row.find_element("css selector", "summary").click()
    person.until(lambda: row.find_element("css selector", "form button").is_displayed(), "asked once more")
    assert name in row.find_element("css selector", "form").text
    person.look("wan-register-remove")
    person._leaving(row.find_element("css selector", "form button").click)
    person.at("/wan-register")


def test_the_life_of_a_passkey(person, passkeys, device):
    if not person.driver.with_script:
        pytest.skip("passkeys need JavaScript")
    name = f"laptop {person.driver.wanted_width}"
    person.sign_in(passkeys, WHO)
    driver = device(person)
    person.open(f"{passkeys}/wan-register").look("wan-register-empty")
    _register(person, passkeys, name)
    person.look("wan-register-list")
    assert len(driver.get_credentials()) == 1

    # The same device makes no second one; the page says so and offers another try.
    person.fill(name="twice").send("wan_register_form")
    person.until(lambda: person.one("#wan-errors").is_displayed(), "told what is wrong")
    assert "already" in person.one("#wan-errors").text
    person.look("wan-register-refused")
    assert person.one("button[data-ask]").is_displayed()

    # Sign in by the button of the sign-in page, keeping where to go.
    person.open(f"{passkeys}/account").look("account-with-passkey").sign_out()
    person.open(f"{passkeys}/wan-signin?next=/wan-register").look("wan-signin")
    person.send("wan_signin_form").at("/wan-register").signed_in_as(WHO)

    # Prove it again.
    person.open(f"{passkeys}/verify?next=/wan-register").look("verify-with-passkey")
    person.click("#wan_verify").at("/wan-verify").look("wan-verify")
    person.send("wan_verify_form").at("/wan-register")

    # Remove it; the device still has it, and is refused.
    _remove(person, name)
    assert not person.all(".listed")
    person.open(f"{passkeys}/account").sign_out()
    person.open(f"{passkeys}/wan-signin").send("wan_signin_form")
    person.until(lambda: person.all(".flashes .error"), "refused")
    person.at("/wan-signin")


def test_without_script_pages_say_what_they_need(person, passkeys):
    if person.driver.with_script:
        pytest.skip("for browsers without script")
    person.open(f"{passkeys}/wan-signin")
    assert "JavaScript" in person.body
    person.look("wan-signin-plain").send("wan_signin_form")
    assert "JavaScript" in person.body and not person.one("button[data-ask]").is_displayed()
    person.look("wan-signin-step-plain")
    person.sign_in(passkeys, WHO)
    person.open(f"{passkeys}/wan-register")
    assert "JavaScript" in person.body
    person.look("wan-register-plain")


def test_nobody_there(scripted, passkeys, device):
    """Whoever cancels, or has no passkey for this site, can try again or go another way."""
    device(scripted)
    scripted.open(f"{passkeys}/wan-signin").send("wan_signin_form")
    scripted.until(lambda: scripted.one("#wan-errors").is_displayed(), "told that it did not work")
    scripted.look("wan-signin-refused")
    assert scripted.one("button[data-ask]").is_enabled()
    scripted.click(".aside a[href*='/login']").at("/login")


def test_autofill_signs_in(scripted, passkeys, device):
    """The sign-in page asks for passkeys quietly; Chromium's authenticator answers without being asked to."""
    scripted.sign_in(passkeys, WHO)
    driver = device(scripted)
    _register(scripted, passkeys, "for autofill")
    scripted.open(f"{passkeys}/account").sign_out()
    available = driver.execute_async_script(
        "const done = arguments[0]; PublicKeyCredential.isConditionalMediationAvailable().then(done)"
    )
    scripted.open(f"{passkeys}/login?next=/wan-register")
    if not available:
        pytest.skip("this Chromium has no conditional mediation for virtual authenticators")
    scripted.at("/wan-register").signed_in_as(WHO)
    _remove(scripted, "for autofill")
