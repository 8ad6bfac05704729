"""A person looks at their account, ends sessions, takes their data along, leaves, and comes back."""

import json
import urllib.error
import urllib.request

PASSWORD = "correct horse battery"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/19.0 Mobile/15E148 Safari/604.1"
)


class Phone:
    """A program that signs in as a telephone would, and keeps its cookies."""

    def __init__(self, site):
        self.site = site
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def _ask(self, path, fields=None):
        headers = {"Accept": "application/json", "User-Agent": PHONE, "Origin": self.site.url}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(fields).encode()
        request = urllib.request.Request(self.site.url + path, body, headers)
        with self.opener.open(request, timeout=10) as reply:
            return json.load(reply)["response"]

    def sign_in(self, email):
        token = self._ask("/login")["csrf_token"]
        self._ask("/login", {"email": email, "password": PASSWORD, "csrf_token": token})
        return self

    def is_in(self):
        try:
            self._ask("/account")
        except urllib.error.HTTPError as error:
            assert error.code == 401
            return False
        return True


def _open_account(person, site, address):
    """Somebody with an account, signed in."""
    name = address.partition("@")[0].replace("-", "")
    person.open(f"{site.url}/register").fill(email=address, username=name, password=PASSWORD, password_confirm=PASSWORD)
    person.send("register_user_form")
    person.until(lambda: person.path != "/register", "registered")
    return person.sign_in(site.url, address, PASSWORD)


def _rows(person, section):
    return [row.text for row in person.all(f"#{section} li.row")]


def test_sessions(person, account, address):
    _open_account(person, account, address)
    first, second = Phone(account).sign_in(address), Phone(account).sign_in(address)
    # The name in the head of every page leads here.
    person.open(f"{account.url}/verify").click(".menu a.menu-who").at("/account").look("account")
    assert [section.text for section in person.all("main h2")][:1] == ["Sign-in"]
    for section in person.all("main section"):
        heading = section.find_element("css selector", "h2")
        assert section.get_attribute("aria-labelledby") == heading.get_attribute("id")
    rows = _rows(person, "sessions")
    assert len(rows) == 3 and "This device" in rows[0], rows
    assert all("Safari on iPhone" in row for row in rows[1:]), rows
    assert any("Signed in with the password" in row for row in _rows(person, "activity"))
    # Each button says to people who hear it what it is for.
    names = [button.get_attribute("textContent") for button in person.all("form[name=end_session_form] button")]
    assert all("Safari on iPhone" in name for name in names), names

    person.send("end_session_form").at("/account")
    assert person.one(".flashes li.success").is_displayed()
    assert len(_rows(person, "sessions")) == 2
    assert [first.is_in(), second.is_in()].count(True) == 1
    person.send("end_others_form").at("/account").look("account-alone")
    assert len(_rows(person, "sessions")) == 1 and not person.all("form[name=end_others_form]")
    assert not first.is_in() and not second.is_in()


def test_each_button_leads_to_its_page(desk, account, address):
    _open_account(desk, account, address)
    for row, path in [("email", "/change-email"), ("password", "/change"), ("username", "/change-username")]:
        desk.open(f"{account.url}/account").click(f"#sign-in-{row} a.button[href='{path}']").at(path)
    desk.open(f"{account.url}/account").click("#sign-in-email a.button[href*='/confirm']").at("/confirm")
    assert desk.one("#email").get_attribute("value") == address


def test_the_data(desk, account, address):
    _open_account(desk, account, address).open(f"{account.url}/account")
    link = desk.one("#data a[download]").get_attribute("href")
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in desk.driver.get_cookies())
    agent = desk.driver.execute_cdp_cmd("Browser.getVersion", {})["userAgent"]
    request = urllib.request.Request(link, headers={"Cookie": cookies, "User-Agent": agent})
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert reply.headers["content-disposition"].startswith("attachment;")
        assert json.load(reply)["account"]["email"] == address


def test_leave_and_come_back(person, account, address):
    _open_account(person, account, address)
    phone = Phone(account).sign_in(address)
    person.open(f"{account.url}/account").click("#data a.danger").at("/account/delete").look("account-delete")
    person.fill(password="not the password").send("delete_account_form")
    person.at("/account/delete").refused("password").look("account-delete-refused")
    person.fill(password=PASSWORD).send("delete_account_form")
    person.until(lambda: person.path != "/account/delete", "signed out")
    assert not phone.is_in()
    person.sign_in(account.url, address, PASSWORD)
    person.open(f"{account.url}/account").look("account-leaving")
    assert person.one("[role=alert]").is_displayed() and not person.all("#data a.danger")
    person.send("keep_account_form").at("/account")
    assert not person.all("[role=alert]") and person.all("#data a.danger")

    # By the mailed link, without signing in.
    person.open(f"{account.url}/account/delete").fill(password=PASSWORD).send("delete_account_form")
    person.open(account.link(address, "/account/keep/")).look("account-keep").send("relay_form").at("/login")
    assert person.one(".flashes li.success").is_displayed()
    person.sign_in(account.url, address, PASSWORD).open(f"{account.url}/account")
    assert not person.all("[role=alert]")
