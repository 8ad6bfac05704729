"""A small HTTP client: cookie jar, JSON and forms, redirects never followed, every reply kept as it came."""

import base64
import http.client
import json as jsonlib
import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

HOST = "localhost"


@dataclass
class Reply:
    """What came back."""

    method: str
    path: str
    status: int
    headers: list
    body: bytes
    cookies: dict = field(default_factory=dict)
    sent: dict = field(default_factory=dict)

    def header(self, name):
        """All values of a header, joined as HTTP joins them."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return jsonlib.loads(self.body)

    @property
    def response(self):
        """The `response` member of the envelope."""
        return self.json["response"]

    def csrf(self):
        """The token of the page's first form, or of the envelope."""
        if "json" in (self.header("content-type") or ""):
            return self.response["csrf_token"]
        tag = re.search(r'<input[^>]*name="csrf_token"[^>]*>', self.text)
        return re.search(r'value="([^"]*)"', tag.group(0)).group(1) if tag else None


class Client:
    """One browser; `host` is what it believes to have connected to."""

    def __init__(self, port, host=HOST):
        self.port, self.host, self.jar = port, host, {}
        self.agent = "compat/1.0"
        self.observers = []

    def get(self, path, **how):
        return self.send("GET", path, **how)

    def post(self, path, **how):
        return self.send("POST", path, **how)

    def send(self, method, path, *, json=None, form=None, body=None, headers=None, accept=None, token=None,
             basic=None, cookies=None, content_type=None):
        """One request. `json` also asks for JSON by its content type; `body` goes out as it is."""
        lines = {"Host": self.host}
        if self.agent:
            lines["User-Agent"] = self.agent
        if json is not None:
            body, lines["Content-Type"] = jsonlib.dumps(json).encode(), "application/json"
        elif form is not None:
            body, lines["Content-Type"] = urlencode(form, doseq=True).encode(), "application/x-www-form-urlencoded"
        if content_type:
            lines["Content-Type"] = content_type
        if accept:
            lines["Accept"] = accept
        if token:
            lines["Authentication-Token"] = token
        if basic:
            lines["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        sent = self._cookies(path) if cookies is None else cookies
        if sent:
            lines["Cookie"] = "; ".join(f"{name}={value}" for name, value in sent.items())
        lines.update(headers or {})
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        try:
            link.request(method, path, body=body, headers=lines)
            answer = link.getresponse()
            reply = Reply(method, path, answer.status, answer.getheaders(), answer.read(), sent=sent)
        finally:
            link.close()
        for key, value in reply.headers:
            if key.lower() == "set-cookie":
                self._keep(parse_cookie(value), reply)
        for observer in self.observers:
            observer(reply)
        return reply

    def _cookies(self, path):
        return {name: value for (name, at), value in self.jar.items() if path.startswith(at)}

    def _keep(self, cookie, reply):
        reply.cookies[cookie["name"]] = cookie
        key = (cookie["name"], cookie["attributes"].get("path", "/"))
        if cookie["attributes"].get("max-age") == "0":
            self.jar.pop(key, None)
        else:
            self.jar[key] = cookie["value"]

    def cookie(self, name):
        """The value of a kept cookie."""
        return next((value for (known, _), value in self.jar.items() if known == name), None)

    def drop(self, name):
        """Forgets a cookie."""
        self.jar = {key: value for key, value in self.jar.items() if key[0] != name}


def parse_cookie(line):
    """Name, value and attributes (lower-case names) of one Set-Cookie line."""
    first, *rest = line.split(";")
    name, _, value = first.strip().partition("=")
    attributes = {}
    for part in rest:
        key, _, text = part.strip().partition("=")
        attributes[key.lower()] = text
    return {"name": name, "value": value.strip('"'), "attributes": attributes}


def seconds_of(date):
    """Unix time of an HTTP date."""
    return parsedate_to_datetime(date).timestamp()
