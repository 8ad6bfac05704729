"""Turns a reply into what two servers must agree on: times, tokens and ids become words."""

import hashlib
import hmac
import re
import sqlite3
import time
from urllib.parse import unquote

from flask.json.tag import TaggedJSONSerializer
from itsdangerous import BadData, URLSafeTimedSerializer

from . import page
from .client import seconds_of

# What the reference keeps in its session; other keys are the server's own business.
SESSION_KEYS = {
    "_user_id", "_fresh", "_id", "_flashes", "_permanent", "csrf_token", "fs_cc", "fs_paa", "fs_gexp",
    "fs_oauth_next", "tf_state", "tf_user_id", "tf_primary_method", "tf_totp_secret", "tf_remember_login", "tf_select",
}  # fmt: skip
HTTP_DATE = re.compile(r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
SIGNED = re.compile(r"^\.?[\w-]+\.[\w-]{6}\.[\w-]{27}$")
# A refresh token has no time in it.
UNTIMED = re.compile(r"^\.?[\w-]{40,}\.[\w-]{27}$")
RECOVERY_CODE = re.compile("[0-9a-f]{4}(-[0-9a-f]{4}){2}")
# Members that are random, and what they look like.
KEY, PRETTY = "[A-Z2-7]{32}", "[A-Z2-7]{4}(-[A-Z2-7]{4}){7}"
URI = r"otpauth://totp/(\S+)\?secret=[A-Z2-7]{32}&issuer=\S+"
RANDOM = {
    "tf_authr_key": PRETTY, "tf_authr_b32key": KEY, "tf_authr_uri": URI, "challenge": r"[\w-]{43,}",
    "authr_key": PRETTY, "authr_b32key": KEY, "authr_uri": URI,
}  # fmt: skip
# Lists that the reference takes out of a set, in any order.
SETS = {"active_methods", "setup_methods", "code_methods"}
HEADERS = ("www-authenticate", "allow", "cache-control")


class Normaliser:
    """Knows one server's secret and database, so that it can open cookies and name users."""

    def __init__(self, config, database):
        self.config, self.database = config, database
        self.field = config.get("csrf", {}).get("field_name", "csrf_token")
        self.session_name = config.get("session", {}).get("cookie_name", "session")
        self.secrets = [*config.get("secret_key_fallbacks", []), config["secret_key"]]

    def reply(self, reply):
        """The comparable form of a reply."""
        kind, _, charset = (reply.header("content-type") or "").partition(";")
        seen = {
            "status": reply.status,
            "location": self.location(reply.header("location")),
            "session": self.state(reply),
            "vary": sorted({part.strip().lower() for part in (reply.header("vary") or "").split(",")} & {"cookie"}),
            # Deleting what the client never had says nothing.
            "cookies": {
                name: self.cookie(cookie)
                for name, cookie in reply.cookies.items()
                if name in reply.sent or cookie["attributes"].get("max-age") != "0"
            },
        }
        if not 300 <= reply.status < 400:
            # Nobody reads the page of a redirect.
            seen["type"] = kind.strip()
            seen["charset"] = charset.strip().lower() if kind.startswith("text/") else ""
        for name in HEADERS:
            seen[name] = self.header(name, reply.header(name))
        if 300 <= reply.status < 400:
            pass
        elif reply.method == "HEAD" or not reply.body:
            seen["empty"] = reply.body == b""
        elif kind == "application/json":
            seen["json"] = self.json(reply.json)
            if '"meta":' in reply.text:
                seen["text"] = {"compact": reply.text.count("\n") == 1 and reply.text.endswith("}\n")}
        elif kind == "text/html" and reply.status in (200, 401):
            text = reply.text
            if "<html" in text or "<form" in text:
                seen["page"] = self.page(text)
            else:
                seen["body"] = text.strip()
        return seen

    def header(self, name, value):
        if value is None:
            return None
        if name == "allow":
            return sorted(part.strip() for part in value.split(","))
        if name == "cache-control":
            return sorted(part.strip().replace("=True", "") for part in value.split(","))
        return value

    def location(self, value):
        return None if value is None else re.sub(r"\.?[\w-]{8,}\.[\w-]{6}\.[\w-]{27}", "<signed>", value)

    def json(self, value, key=None):
        if isinstance(value, dict):
            return {name: self.json(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.json(item) for item in (sorted(value, key=str) if key in SETS else value)]
        if isinstance(value, str):
            if key in ("csrf_token", self.field):
                return "<csrf>" if self.csrf(value) else f"<not a csrf token: {value}>"
            if HTTP_DATE.match(value):
                return "<http date>"
            if key == "lastuse" and ISO_DATE.fullmatch(value):
                return "<iso date>"
            if key in RANDOM and value:
                return f"<{RANDOM[key]}>" if re.fullmatch(RANDOM[key], value) else f"<not as expected: {value}>"
            if RECOVERY_CODE.fullmatch(value):
                return "<recovery code>"
            if SIGNED.match(value):
                return "<signed>"
            if key == "refresh_token" and UNTIMED.match(value):
                return "<refresh token>"
        return value

    def page(self, text):
        seen = page.read(text)
        seen["calls"] = [[name, self.json(options)] for name, options in seen.get("calls", [])]
        for form in seen["forms"].values():
            # What is escaped beyond need means the same.
            form["action"] = unquote(form["action"]) if form["action"] else form["action"]
            for name, shown in form["fields"].items():
                if RECOVERY_CODE.fullmatch(str(shown.get("value"))):
                    shown["value"] = "<recovery code>"
                if name and name.endswith(("csrf_token", self.field)) and shown.get("value"):
                    shown["value"] = "<csrf>" if self.csrf(shown["value"]) else "<not a csrf token>"
        return seen

    def state(self, reply):
        """What the client's session holds after the reply, whether it was sent again or not."""
        name = self.session_name
        if name not in reply.cookies:
            return self.session(reply.sent[name]) if name in reply.sent else {}
        cookie = reply.cookies[name]
        return {} if cookie["attributes"].get("max-age") == "0" else self.session(cookie["value"])

    def cookie(self, cookie):
        attributes = dict(cookie["attributes"])
        if cookie["name"] == self.session_name:
            if attributes.get("max-age") == "0":
                attributes.pop("expires", None)
                attributes.pop("max-age")
        if "expires" in attributes:
            left = seconds_of(attributes["expires"]) - time.time()
            attributes["expires"] = "past" if left < 0 else f"in {round(left / 60)} minutes"
        if cookie["name"] == self.session_name:
            return attributes
        gone = attributes.get("max-age") == "0"
        value = "" if gone else self.value(cookie["name"], cookie["value"])
        return {"value": value, **attributes}

    def value(self, name, value):
        if name == self.config.get("remember", {}).get("cookie_name", "remember_token"):
            return self.remember(value)
        if self.csrf(value):
            return "<csrf>"
        if UNTIMED.match(value):
            return "<refresh token>"
        return "<signed>" if SIGNED.match(value) else value

    def session(self, value):
        """The session's content; the keys of the reference only."""
        content = self.open_session(value)
        if content is None:
            return {}
        seen = {key: content[key] for key in content if key in SESSION_KEYS or key == self.field}
        if "_user_id" not in seen:
            # The reference marks every session that it sees, Lychgate those that somebody signed in with.
            seen.pop("_fresh", None)
        for key in ("_user_id", "tf_user_id"):
            if key in seen:
                seen[key] = self.user(seen[key])
        for key in ("fs_paa", "fs_gexp"):
            if key in seen:
                kind = "float" if isinstance(seen[key], float) else "int"
                seen[key] = f"{kind} now{round((seen[key] - time.time()) / 20) * 20:+d}"
        for key in {"csrf_token", self.field} & set(seen):
            seen[key] = "<raw>" if re.fullmatch("[0-9a-f]{40}", str(seen[key])) else seen[key]
        if "_flashes" in seen:
            seen["_flashes"] = [list(item) for item in seen["_flashes"]]
        if "tf_totp_secret" in seen:
            seen["tf_totp_secret"] = "<secret>"
        return seen

    def open_session(self, value):
        serializer = URLSafeTimedSerializer(
            self.secrets,
            salt="cookie-session",
            serializer=TaggedJSONSerializer(),
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
        )
        try:
            return serializer.loads(value)
        except BadData:
            return None

    def remember(self, value):
        uid, _, digest = value.rpartition("|")
        key = self.config["secret_key"].encode("latin-1")
        right = hmac.new(key, uid.encode(), hashlib.sha512).hexdigest()
        return {"user": self.user(uid), "signed": hmac.compare_digest(right, digest)}

    def csrf(self, value):
        key = self.config.get("csrf", {}).get("secret_key") or self.config["secret_key"]
        try:
            return bool(re.fullmatch("[0-9a-f]{40}", URLSafeTimedSerializer(key, salt="wtf-csrf-token").loads(value)))
        except (BadData, TypeError):
            return False

    def user(self, uniquifier):
        """The e-mail address behind a uniquifier."""
        rows = self.query("SELECT email FROM user WHERE fs_uniquifier = ?", uniquifier)
        return f"<{rows[0][0]}>" if rows else "<nobody>"

    def query(self, sql, *values):
        link = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return link.execute(sql, values).fetchall()
        finally:
            link.close()
