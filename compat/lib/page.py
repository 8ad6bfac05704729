"""Reads an HTML page the way a machine client of the testbed does: flashes, errors, forms, paragraphs, links."""

import json
import re
from html.parser import HTMLParser

VOID = {"input", "meta", "link", "br", "hr", "img"}
LINKS = {"/", "/profile", "/admin", "/admin_or_editor"}
RECOVERY_CODE = re.compile(r"\b[0-9a-f]{4}(?:-[0-9a-f]{4}){2}\b")
# What a page of passkeys asks of the browser: the function, and the options as JSON in single quotes.
CALL = re.compile(r"\b(handleRegister|handleSignin)\(\s*'([^']*)'\s*\)")


class _Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack = []
        self.flashes, self.errors, self.form_errors = [], [], []
        self.forms, self.paragraphs, self.links, self.sign = {}, [], [], []
        self.form, self.qr_code = None, False

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        entry = {"tag": tag, "attrs": attrs, "text": ""}
        if tag == "form":
            name = attrs.get("name") or attrs.get("action")
            self.form = self.forms.setdefault(name, {"action": attrs.get("action"), "fields": {}})
        elif tag == "img" and (attrs.get("src") or "").startswith("data:image/svg+xml;base64,"):
            self.qr_code = True
        elif tag == "input" and self.form is not None:
            self._input(attrs)
        if tag not in VOID:
            self.stack.append(entry)

    def _input(self, attrs):
        kind = attrs.get("type", "text")
        shown = {"type": kind}
        if kind not in ("submit", "password"):
            shown["value"] = attrs.get("value") or ""
        for flag in ("required", "checked"):
            if flag in attrs:
                shown[flag] = True
        for name in ("autocomplete", "formaction"):
            if name in attrs:
                shown[name] = attrs[name]
        key = attrs.get("name")
        self.form["fields"].setdefault(key if kind != "radio" else f"{key}={attrs.get('value')}", shown)

    def handle_data(self, data):
        for entry in self.stack:
            entry["text"] += data

    def handle_endtag(self, tag):
        while self.stack:
            entry = self.stack.pop()
            if entry["tag"] == tag:
                self._closed(entry)
                break
        if tag == "form":
            self.form = None

    def _closed(self, entry):
        classes = (entry["attrs"].get("class") or "").split()
        text = " ".join(entry["text"].split())
        around = [outer["attrs"] for outer in self.stack]
        in_flashes = any("flashes" in (attrs.get("class") or "").split() for attrs in around)
        if in_flashes and entry["tag"] == "li":
            self.flashes.append([classes[0] if classes else "", text])
        elif "fs-error-msg" in classes and text:
            inside = any(attrs.get("id") == "fs-form-errors" for attrs in around)
            (self.form_errors if inside or entry["attrs"].get("id") == "fs-form-errors" else self.errors).append(text)
        elif entry["tag"] == "p":
            self.paragraphs.append(text)
        elif entry["tag"] == "a":
            if text in ("Log in", "Log out"):
                self.sign.append(text)
            self.links.append(entry["attrs"].get("href"))


def read(text):
    """What a client can see in the page."""
    page = _Page()
    page.feed(text)
    seen = {
        "flashes": page.flashes,
        "errors": page.errors,
        "form_errors": page.form_errors,
        "forms": {name: form for name, form in page.forms.items() if name and name != "logout_form"},
    }
    if page.qr_code:
        seen["qr code"] = True
    if found := RECOVERY_CODE.findall(text):
        seen["recovery codes"] = len(set(found))
    if found := calls(text):
        seen["calls"] = found
    if not page.forms:
        seen["paragraphs"] = page.paragraphs
        seen["sign"] = page.sign
    return seen


def calls(text):
    """The calls of the browser's passkey functions: name and options."""
    return [[name, json.loads(options)] for name, options in CALL.findall(text)]
