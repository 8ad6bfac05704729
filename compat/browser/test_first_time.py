"""The whole way of somebody new: a password, an app, recovery codes, a passkey; then in again without typing anything."""

from types import SimpleNamespace
from urllib.parse import unquote

import pytest
from conftest import ACCOUNT, _fresh
from person import Person
from test_passkeys import _register, device  # noqa: F401
from test_two_factor import CODES, PASSWORD, code, set_up, type_code


@pytest.fixture(scope="session")
def everything(serve):
    """A server with second factors, recovery codes and passkeys; by a name, as passkeys belong to one."""
    server = serve({**ACCOUNT, **CODES, "multi_factor_recovery_codes": True, "account": True})
    return SimpleNamespace(url=f"http://localhost:{server.port}")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_first_time(drivers, everything, address, device, width):  # noqa: F811
    person = Person(_fresh(drivers(True), width))
    person.resize(person.driver)
    site = everything.url

    # A password, then an app beside it.
    key = set_up(person, everything, address)
    type_code(person, code(key)).at("/tf-setup")
    assert person.one(".flashes li.success").is_displayed()

    # Recovery codes: shown, and the same ones as a file.
    person.open(f"{site}/mf-recovery-codes").click("#generate_new_codes").look("first-time-codes")
    shown = [row.text for row in person.all("#recovery-codes code")]
    file = person.one("a[download]")
    assert len(shown) >= 5 and file.get_attribute("download") == "recovery-codes.txt"
    assert all(one in unquote(file.get_attribute("href")) for one in shown)

    # A passkey that signs in by itself.
    authenticator = device(person)
    _register(person, site, "laptop")
    assert len(authenticator.get_credentials()) == 1
    person.open(f"{site}/account").look("first-time-account")
    assert "laptop" in person.body

    # Out, and in again: the sign-in page finds the passkey, and asks for neither password nor code.
    person.sign_out()
    person.open(f"{site}/login?next=/account").at("/account").signed_in_as(address)

    # The password still needs the app, and a recovery code stands in for it, once.
    authenticator.remove_all_credentials()
    _with_recovery_code(person, site, address, shown[0])
    person.until(lambda: person.path != "/mf-recovery", "signed in")
    person.open(f"{site}/account").signed_in_as(address)
    _with_recovery_code(person, site, address, shown[0])
    person.at("/mf-recovery").refused("code")


def _with_recovery_code(person, site, address, text):
    person.sign_out().sign_in(site, address, PASSWORD).at("/tf-validate")
    person.open(f"{site}/mf-recovery").fill(code=text).send("mf_recovery_form")
