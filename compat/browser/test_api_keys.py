"""A person makes an API key for a program, sees it once, and takes it back."""

import json
import urllib.error
import urllib.request

import pytest
from conftest import ACCOUNT


@pytest.fixture(scope="session")
def keys(serve):
    """A server whose users can make API keys, which count where nobody names another way in."""
    more = {"account": True, "api_keys": True, "auth_check": True, "api_enabled_methods": ["session", "api_key"]}
    return serve({**ACCOUNT, **more})


def _asks(site, key):
    """What a proxy is told of a program that has this key: a status, and the permissions."""
    request = urllib.request.Request(f"{site.url}/auth/check", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, {name.lower(): value for name, value in reply.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, {}


def test_a_key(person, keys, address):
    name = f"Nightly build of {address}"
    person.sign_in(keys.url, "joe@lp.com")
    person.open(f"{keys.url}/account").look("account-api-keys")
    person.click("#api-keys a.button").at("/account/keys").look("api-keys")
    # Nothing is ticked that was not asked for.
    boxes = person.all("input[name=scopes]")
    assert boxes and not any(box.is_selected() for box in boxes)
    boxes[0].click()
    person.fill(name="x" * 65).send("api_key_form").refused("name").look("api-keys-refused")
    assert [box.is_selected() for box in person.all("input[name=scopes]")].count(True) == 1
    scope = person.one("input[name=scopes]:checked").get_attribute("value")
    person.fill(name=name).send("api_key_form").at("/account/keys").look("api-keys-new")
    key = person.one("#new-api-key code").text
    assert key.startswith("lgk_") and len(key) == 53
    status, told = _asks(keys, key)
    assert status == 200 and scope in json.dumps(told), told
    person.open(f"{keys.url}/account/keys").look("api-keys-listed")
    assert key not in person.body
    row = next(row for row in person.all("li.row") if name in row.text)
    row.find_element("css selector", "summary").click()
    button = row.find_element("css selector", "button")
    assert "Programs that use it stop working" in row.text
    person._leaving(button.click).at("/account/keys")
    assert person.one(".flashes li.success").is_displayed()
    assert _asks(keys, key)[0] == 401
    person.sign_out()
