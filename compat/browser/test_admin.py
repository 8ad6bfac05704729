"""An administrator works with the panel: by keyboard, on a narrow screen, with and without script."""

import pytest

PASSWORD = "correct horse battery"
PAGES = [
    "", "/users", "/users/new", "/users/import", "/approvals", "/roles", "/rights?permission=full-read", "/sessions", "/audit", "/outbox", "/settings?all=yes",
]  # fmt: skip


@pytest.fixture
def administrator(person, account):
    """Signed in with a session that may change things."""
    return person.sign_in(account.url, "matt@lp.com", "password")


def test_every_page_holds_at_any_width(administrator, account):
    for page in PAGES:
        administrator.open(f"{account.url}/admin{page}").look(page.strip("/").partition("?")[0].replace("/", "-") or "overview")


def test_a_user_is_found_switched_off_and_on(administrator, account):
    person = administrator.open(f"{account.url}/admin/users?q=jill")
    person.look("users")
    person.one("tbody th a").click()
    person.until(lambda: person.path.startswith("/admin/users/"), "the user's page")
    person.look("user")
    where = person.path
    person.one("form[action$='/deactivate'] button").click()
    person.until(lambda: "cannot be used" in person.one("body").text, "told that it is off")
    assert person.path == where
    person.one("form[action$='/activate'] button").click()
    person.until(lambda: "can be used" in person.one("body").text, "told that it is on")


def test_an_administrator_acts_as_somebody_and_is_themself_again(administrator, account):
    person = administrator.open(f"{account.url}/admin/users?q=joe")
    person.one("tbody th a").click()
    person.until(lambda: person.path.startswith("/admin/users/"), "the user's page")
    where = person.path
    person.fill(**{"support-reason": "looks at what they see"})
    person.one("form[action$='/impersonate'] button").click()
    person.until(lambda: person.all(".impersonation") and not person.path.startswith("/admin"), "away, under the banner")
    # Every page of ours says so, and none of them opens.
    person.open(f"{account.url}/account").look("closed-to-support")
    assert person.all(".impersonation"), "the banner"
    person.one(".impersonation button").click()
    person.until(lambda: person.path == where, "back on the user's page")
    assert not person.all(".impersonation")
