"""What the account scenarios share: a configuration with known subjects and templates, mails and user rows as facts."""

import re
from datetime import datetime, timezone
from urllib.parse import urlsplit

JSON = "application/json"
SUBJECTS = {
    "email_subject_register": "Welcome here",
    "email_subject_confirm": "Please confirm",
    "email_subject_passwordless": "Your sign-in link",
    "email_subject_password_notice": "Password was reset",
    "email_subject_password_reset": "Reset your password",
    "email_subject_password_change_notice": "Password was changed",
    "change_email_subject": "Your new address",
    "email_subject_username_change_notice": "Username was changed",
    "email_subject_username_recovery": "Your username",
}
TEMPLATES = {
    "email_template_confirm": "security/email/confirmation_instructions_test",
    "email_template_password_reset": "security/email/reset_instructions_test",
    "change_email_email_template": "security/email/change_email_instructions_test",
}
SIGNED = re.compile(r"\.?[\w-]{8,}\.[\w-]{6}\.[\w-]{27}")
FIELD = re.compile(r"^(\w+):(.*)$")
TIMES = ("update_datetime", "confirmed_at", "current_login_at", "last_login_at")
HEX = re.compile("[0-9a-f]{32}")


def on(*features, **more):
    """Changes of the configuration: features by the name of their switch, then further settings."""
    return {"security": {**SUBJECTS, **TEMPLATES, **dict.fromkeys(features, True), **more}}


def unsigned(text):
    """Without the tokens, which no two servers have in common."""
    return SIGNED.sub("<signed>", text)


def links(text):
    """The addresses in a mail that carry a token, in order, each once."""
    found = re.findall(r"https?://[^\s\"'<>]+", text or "")
    return list(dict.fromkeys(found))


def lines(mail):
    """The `Name:value` lines that the testbed's templates begin with."""
    found = {}
    for line in (mail["text"] or "").splitlines():
        match = FIELD.match(line)
        if not match:
            break
        found[match.group(1)] = match.group(2).strip()
    return found


def seen(mail):
    """A mail as both servers must have sent it; prose is free."""
    return {
        "to": mail["to"],
        "from": mail["from"],
        "subject": mail["subject"],
        "parts": [kind for kind in ("text", "html") if mail[kind]],
        "lines": [[name, unsigned(value)] for name, value in lines(mail).items()],
        "links": {
            kind: sorted({unsigned(link) for link in links(mail[kind]) if SIGNED.search(link)})
            for kind in ("text", "html")
            if mail[kind]
        },
    }


def mails(side, *, about=""):
    """Compares the mails since the last look, and returns them."""
    taken = side.mail.take()
    side.note(f"mails {about}".strip(), [seen(mail) for mail in taken])
    return taken


def link(mail):
    """Path and query of the mail's only link with a token."""
    found = [address for address in links(mail["text"] or mail["html"]) if SIGNED.search(address)]
    assert found, mail
    parts = urlsplit(found[0])
    return parts.path + (f"?{parts.query}" if parts.query else "")


def user(side, email):
    """A user's row, with what differs by nature made alike; None if there is none."""
    import sqlite3

    connection = sqlite3.connect(f"file:{side.server.database}?mode=ro", uri=True, timeout=10)
    connection.row_factory = sqlite3.Row
    try:
        row = connection.execute("SELECT * FROM user WHERE email = ?", [email]).fetchone()
    finally:
        connection.close()
    if row is None:
        return None
    shown = dict(row)
    for name in TIMES:
        if shown.get(name):
            shown[name] = _age(shown[name])
    if shown.get("password"):
        # Scheme and parameters; salt and digest are the row's own.
        shown["password"] = shown["password"].split("$")[1:4]
    for name, value in shown.items():
        if isinstance(value, str) and HEX.fullmatch(value):
            shown[name] = "<hex>"
    # factors.py compares what these hold.
    for name in ("us_totp_secrets", "mf_recovery_codes", "create_datetime"):
        shown.pop(name, None)
    return shown


def _age(text):
    seconds = (datetime.now(timezone.utc) - datetime.fromisoformat(text).replace(tzinfo=timezone.utc)).total_seconds()
    return "<now>" if -2 < seconds < 30 else "<before>"


def note_user(side, email, about="row"):
    """Compares a user's row."""
    side.note(f"{about} of {email}", user(side, email))


def secrets(side, email):
    """What a change of credentials must replace: password and uniquifier."""
    rows = side.query("SELECT password, fs_uniquifier FROM user WHERE email = ?", email)
    return rows[0] if rows else None


def forms(body):
    """A JSON body as a form."""
    return {key: "y" if value is True else value for key, value in body.items() if value is not None}


def sent(side, style, path, body, **how):
    """One body as JSON, as a form, or as a form that is answered in JSON."""
    if style == "json":
        return side.post(path, json=body, **how)
    accept = JSON if style == "form for json" else None
    return side.post(path, form=forms(body), accept=accept, **how)
