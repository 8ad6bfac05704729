"""Somebody chooses a language; long words fit narrow windows; a language from right to left is mirrored."""

import pytest
from conftest import ACCOUNT
from selenium.webdriver.common.by import By

PAGES = ("/login", "/register", "/reset", "/confirm", "/recover-username", "/language", "/nowhere")
HEBREW = """
name = "עברית"
direction = "rtl"
[texts]
"Sign in" = "כניסה"
"Email" = "דוא״ל"
"Password" = "סיסמה"
"Forgot your password?" = "שכחת את הסיסמה?"
"Keep me signed in on this device" = "להשאיר אותי מחובר במכשיר הזה"
"Welcome back." = "ברוך שובך."
"""


@pytest.fixture(scope="session")
def languages(serve):
    return serve(ACCOUNT)


@pytest.fixture(scope="session")
def hebrew(serve, tmp_path_factory):
    folder = tmp_path_factory.mktemp("locales")
    (folder / "he.toml").write_text(HEBREW, encoding="utf-8")
    return serve({**ACCOUNT, "i18n_dirname": [str(folder), "builtin"]}, {"languages": ["he", "en"]})


def choose(person, site, name):
    """Goes from the sign-in page to the list of languages and back."""
    person.open(f"{site.url}/login")
    person.click(".languages a")
    person.at("/language")
    person.driver.find_element(By.XPATH, f"//button[.='{name}']").click()
    person.at("/login")


@pytest.mark.parametrize("name, tag, heading", [("Deutsch", "de", "Anmelden"), ("Español", "es", "Entrar")])
def test_pages_fit(person, languages, name, tag, heading):
    choose(person, languages, name)
    assert person.driver.find_element(By.TAG_NAME, "h1").text == heading
    for path in PAGES:
        person.open(languages.url + path)
        person.look(f"{tag}{path.replace('/', '-')}")
        assert person.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == tag, path
    choose(person, languages, "English")


def test_a_language_from_right_to_left(person, hebrew):
    choose(person, hebrew, "עברית")
    person.look("he-login")

    def left(selector):
        return person.driver.find_element(By.CSS_SELECTOR, selector).rect["x"]

    # Mirrored: the box to tick stands to the right of its text, the quiet link to the left of the label.
    assert left("#remember") > left("#remember-ctr span")
    assert left("#password-ctr .field-extra a") < left("#password-ctr > label")
    if person.driver.with_script:
        assert left("#password-ctr .reveal") < left("#password-ctr input") + 100
