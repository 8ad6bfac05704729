"""Somebody at a browser: opens pages, fills in forms, and looks at each page with a critical eye.

`BROWSER_SHOTS=folder` keeps a picture of each page that was looked at.
"""

import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# Text that is harder to read than WCAG 2 AA allows: what it says, the contrast it has and the one it needs.
CONTRAST = """
const numbers = (colour) => {
  const found = colour.match(/[\\d.]+/g).map(Number);
  return colour.startsWith("color(srgb") ? [found[0] * 255, found[1] * 255, found[2] * 255, found[3]] : found;
};
const luminance = ([r, g, b]) => {
  const linear = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const over = (top, below) => {
  const alpha = top[3] ?? 1;
  return [0, 1, 2].map((i) => top[i] * alpha + below[i] * (1 - alpha));
};
const ground = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.push(numbers(getComputedStyle(at).backgroundColor));
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return layers.reverse().reduce((below, top) => over(top, below), dark ? [18, 18, 18] : [255, 255, 255]);
};
const bad = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim();
  const element = walker.currentNode.parentElement;
  if (!text || !element.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
  const style = getComputedStyle(element);
  const behind = ground(element);
  const [a, b] = [luminance(over(numbers(style.color), behind)), luminance(behind)];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) bad.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)} of ${large ? 3 : 4.5}`);
}
return bad;
"""
# Controls whose accessible name, label or description is missing.
LABELS = """
const bad = [];
for (const input of document.querySelectorAll("input:not([type=hidden]):not([type=submit]), select, textarea")) {
  if (!input.checkVisibility()) continue;
  const name = input.name || input.id;
  if (!input.labels.length || ![...input.labels].some((label) => label.textContent.trim())) bad.push(`${name}: no label`);
  for (const id of (input.getAttribute("aria-describedby") || "").split(" ").filter(Boolean)) {
    if (!document.getElementById(id)?.textContent.trim()) bad.push(`${name}: described by ${id}, which says nothing`);
  }
}
for (const twin of document.querySelectorAll("[id]")) {
  if (document.querySelectorAll(`[id="${CSS.escape(twin.id)}"]`).length > 1) bad.push(`${twin.id}: an id given twice`);
}
return bad;
"""
# Numbers what Tab must reach, and forgets where the focus was.
CONTROLS = """
const all = document.querySelectorAll("a[href], button, input:not([type=hidden]):not([type=radio]), select, textarea, summary");
const seen = [...all].filter((control) => control.checkVisibility() && !control.disabled);
seen.forEach((control, index) => { control.dataset.control = index; });
document.activeElement?.blur();
getSelection().removeAllRanges();
scrollTo(0, 0);
return seen.map((control) => control.outerHTML.slice(0, 120));
"""
# Which control has the focus, and whether that shows. What has it inside a frame is the frame's own.
FOCUS = """
const element = document.activeElement;
if (!element || element === document.body || element.tagName === "IFRAME") return null;
const style = getComputedStyle(element);
const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
return [element.dataset.control ?? null, ring || style.boxShadow !== "none", element.outerHTML.slice(0, 120)];
"""
LOADED = "return document.readyState === 'complete' && performance.timeOrigin"


class Person:
    """Wraps a driver; pages are looked at by `look`."""

    def __init__(self, driver):
        self.driver = driver

    @staticmethod
    def resize(driver):
        """Emulates the wanted width: the window has a least width of its own, the emulated screen has not."""
        size = {"width": driver.wanted_width, "height": 800, "deviceScaleFactor": 1, "mobile": driver.wanted_width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def until(self, condition, what):
        """Waits for a condition; `what` names it in the failure."""
        deadline = time.monotonic() + 30
        while True:
            try:
                if found := condition():
                    return found
            except StaleElementReferenceException:
                pass
            assert time.monotonic() < deadline, f"not {what}, but at {self.driver.current_url}:\n{self.body[:1500]}"
            time.sleep(0.02)

    def open(self, url):
        self.driver.get(url)
        return self

    def new_tab(self):
        """Opens a tab and goes there; returns the handle of the one left."""
        left = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        self.resize(self.driver)
        return left

    def tab(self, handle):
        self.driver.switch_to.window(handle)
        return self

    @property
    def path(self):
        return urlsplit(self.driver.current_url).path

    @property
    def body(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.until(lambda: self.all(css), f"a page with {css}")[0]

    def fill(self, **fields):
        """Types into fields by their id; True and False tick boxes."""
        for name, value in fields.items():
            field = self.one(f"#{name}")
            if isinstance(value, bool):
                if field.is_selected() != value:
                    field.click()
            else:
                field.clear()
                field.send_keys(value)
        return self

    def click(self, css):
        """Clicks and waits for the next page."""
        return self._leaving(self.one(css).click)

    def send(self, form):
        """Presses the button of a form of that name and waits for the next page."""
        return self.click(f"form[name={form}] [type=submit]")

    def press_enter(self, field):
        """Sends the form from a field."""
        return self._leaving(lambda: self.one(f"#{field}").send_keys(Keys.ENTER))

    def _leaving(self, act):
        before = self.driver.execute_script(LOADED)
        act()

        def arrived():
            try:
                now = self.driver.execute_script(LOADED)
            except WebDriverException:
                return False
            return now and now != before

        self.until(arrived, "on a new page")
        return self

    def at(self, *paths):
        """Waits until the address is one of these paths."""
        self.until(lambda: self.path in paths, f"at {' or '.join(paths)}")
        return self

    def signed_in_as(self, who):
        """The page's menu names the user."""
        assert self.one(".menu-who").get_attribute("title").endswith(who)
        return self

    def sign_in(self, url, email, password="password", **fields):
        """Signs in at the page of the site `url`."""
        self.open(f"{url}/login").fill(email=email, password=password, **fields).send("login_user_form")
        self.until(lambda: self.path != "/login", "signed in")
        return self

    def drop_cookie(self, name, url):
        """Deletes a cookie of a site once no request is under way that could bring it back."""
        self.open("about:blank").driver.execute_cdp_cmd("Network.deleteCookies", {"name": name, "url": url})
        return self

    def sign_out(self):
        return self.send("logout_form")

    def refused(self, field=None):
        """The page says what is wrong: a summary that is announced, and an error tied to the field, which has the focus."""
        summary = self.one("[role=alert]")
        assert summary.is_displayed() and summary.text.strip()
        if field:
            wrong = self.one(f"#{field}")
            assert wrong.get_attribute("aria-invalid") == "true"
            errors = f"{field}-errors"
            assert errors in wrong.get_attribute("aria-describedby").split()
            assert self.one(f"#{errors} .fs-error-msg").text.strip()
            assert summary.find_elements(By.CSS_SELECTOR, f"a[href='#{field}']"), "the summary leads to the field"
            assert self.driver.switch_to.active_element.get_attribute("id") == field
        return self

    def look(self, name):
        """What every page must be: it fits, is labelled, readable in light and dark, and says nothing on the console."""
        driver, problems = self.driver, []
        for scheme in ("light", "dark"):
            self._scheme(scheme)
            wide, inner = driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
            if wide > driver.wanted_width or inner != driver.wanted_width:
                problems.append(f"scrolls sideways in {scheme}: {wide} (inner {inner}) of {driver.wanted_width}")
            problems += [f"hard to read in {scheme}: {what}" for what in driver.execute_script(CONTRAST)]
            self._shoot(f"{name}-{scheme}")
        self._scheme("light")
        problems += driver.execute_script(LABELS)
        if len(self.all("h1")) != 1:
            problems.append("not one h1")
        root = driver.find_element(By.TAG_NAME, "html")
        if not root.get_attribute("lang") or not driver.title.strip():
            problems.append("no language or no title")
        said = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
        # A form that is refused answers 4xx, which the browser's console reports as a failed load.
        problems += [text for text in said if "status of 4" not in text]
        # The way of the Tab key depends on the width no more than on the script; half of the cases are enough.
        if driver.with_script == (driver.wanted_width < 600):
            problems += self._keyboard()
        assert not problems, f"{name} at {driver.current_url}:\n" + "\n".join(problems)
        return self

    def _scheme(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def _keyboard(self):
        """Every control is reached by Tab, and shows that it has the focus."""
        driver, problems, reached = self.driver, [], set()
        before = driver.switch_to.active_element
        controls = driver.execute_script(CONTROLS)
        tab = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        # Some more than there are: a frame holds links of its own.
        for _ in range(len(controls) + 12):
            driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "rawKeyDown", **tab})
            driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **tab})
            if focus := driver.execute_script(FOCUS):
                reached.add(focus[0])
                if not focus[1]:
                    problems.append(f"focus does not show: {focus[2]}")
            if len(reached - {None}) == len(controls):
                break
        problems += [f"not reached by Tab: {text}" for index, text in enumerate(controls) if str(index) not in reached]
        if before.tag_name != "body":
            driver.execute_script("arguments[0].focus()", before)
        return problems

    def _shoot(self, name):
        if folder := os.environ.get("BROWSER_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            script = "js" if self.driver.with_script else "plain"
            self.driver.save_screenshot(str(Path(folder) / f"{name}-{self.driver.wanted_width}-{script}.png"))
