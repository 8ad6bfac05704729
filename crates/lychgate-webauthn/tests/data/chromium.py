"""Writes chromium.json: ceremonies of Chromium with its virtual authenticators.

From the root of the tree: compat/.venv/bin/python crates/lychgate-webauthn/tests/data/chromium.py
"""

import http.server
import json
import shutil
import tempfile
import threading
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

HERE = Path(__file__).parent
OPTIONS = json.loads((HERE / "py_webauthn.json").read_text())["options"]
CASES = {
    "platform": dict(protocol="ctap2", transport="internal", resident=True, verified=True),
    "security key": dict(protocol="ctap2", transport="usb", resident=False, verified=False),
    "older security key": dict(protocol="ctap1/u2f", transport="nfc", resident=False, verified=False),
    "attested": dict(protocol="ctap2", transport="usb", resident=False, verified=True, attestation="direct"),
}
CREATE = """
const [options, done] = arguments;
navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})
  .then(credential => done(JSON.stringify(credential)), error => done("! " + error));
"""
GET = """
const [options, done] = arguments;
navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)})
  .then(credential => done(JSON.stringify(credential)), error => done("! " + error));
"""


class Empty(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>a page</title>")

    def log_message(self, *_):
        pass


def ask(driver, script, options):
    said = driver.execute_async_script(script, options)
    assert not said.startswith("!"), said
    return said


def ceremony(driver, name, case):
    how = VirtualAuthenticatorOptions(
        protocol=case["protocol"], transport=case["transport"], has_resident_key=case["resident"],
        has_user_verification=case["verified"], is_user_verified=case["verified"], is_user_consenting=True)
    driver.add_virtual_authenticator(how)
    options = json.loads(json.dumps(OPTIONS["creation"]))
    options["rp"]["id"] = "localhost"
    options["extensions"] = {"credProps": True}
    options["excludeCredentials"] = []
    options["attestation"] = case.get("attestation", "none")
    options["authenticatorSelection"] = {
        "residentKey": "preferred", "requireResidentKey": False,
        "userVerification": "preferred" if case["verified"] else "discouraged"}
    registration = ask(driver, CREATE, options)
    options = dict(OPTIONS["request"], rpId="localhost", userVerification="preferred")
    options["allowCredentials"] = [] if case["resident"] else [
        {"type": "public-key", "id": json.loads(registration)["id"], "transports": [case["transport"]]}]
    assertion = ask(driver, GET, options)
    driver.remove_virtual_authenticator()
    return {"name": name, "verified": case["verified"], "discoverable": case["resident"],
            "transports": [case["transport"]], "registration": registration, "assertion": assertion}


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://localhost:{server.server_port}"
profile = tempfile.mkdtemp(prefix="chromium-")
options = webdriver.ChromeOptions()
options.binary_location = shutil.which("chromium")
for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking", f"--user-data-dir={profile}"):
    options.add_argument(flag)
driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
try:
    driver.get(origin)
    ceremonies = [ceremony(driver, name, case) for name, case in CASES.items()]
finally:
    driver.quit()
    shutil.rmtree(profile, ignore_errors=True)
data = {"origin": origin, "ceremonies": ceremonies}
(HERE / "chromium.json").write_text(json.dumps(data, indent=1) + "\n")
