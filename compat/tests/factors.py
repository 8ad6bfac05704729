"""What the scenarios of second factors, codes and passkeys share: configurations, codes from secrets and messages, rows."""

import base64
import hashlib
import hmac
import json
import re
import struct
import time

from letters import on
from passlib.totp import TOTP

JSON = "application/json"
TOTP_SECRETS = {"1": "compat-totp-secret-0001-not-for-production"}
SUBJECTS = {
    "email_subject_two_factor": "Your code",
    "email_subject_two_factor_rescue": "Somebody cannot sign in",
    "us_email_subject": "Your sign-in code",
}
SMS = {"sms_service": "webhook", "sms_service_config": {"phone_number": "+16505550000"}}
STEP = 30
# The seeded users by the second factor that they have.
WHO = {"sms": "gal@lp.com", "authenticator": "gal2@lp.com", "email": "gal3@lp.com"}
PHONE = "650-273-3780"


def factors(*features, **more):
    """Changes of the configuration: these features, with what codes need."""
    return on(*features, **{"totp_secrets": TOTP_SECRETS, "totp_issuer": "compat", **SUBJECTS, **SMS, **more})


def two_factor(**more):
    """Two-factor sign-in with all its methods."""
    return factors("two_factor", two_factor_rescue_mail="help@lp.com", **more)


def totp(b32, counter):
    """One code (RFC 6238: SHA-1, six digits)."""
    key = base64.b32decode(b32 + "=" * (-len(b32) % 8))
    digest = hmac.digest(key, struct.pack(">Q", counter), hashlib.sha1)
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


class App:
    """An authenticator app: every code it gives is a new one, within a step of now."""

    def __init__(self, b32):
        self.b32, self.last = b32, 0

    def code(self):
        self.last = max(self.last + 1, int(time.time()) // STEP - 1)
        return totp(self.b32, self.last)

    def wrong(self):
        """No code of this minute."""
        now = int(time.time()) // STEP
        near = {totp(self.b32, counter) for counter in range(now - 14, now + 15)}
        return next(code for code in ("000000", "111111", "222222", *map(str, range(300000, 300100))) if code not in near)


def b32_of(stored):
    """The key in a stored secret."""
    return TOTP.using(secrets=TOTP_SECRETS).from_json(stored).base32_key


def app_of(side, email, column="tf_totp_secret", method=None):
    """The app of a user whose secret is in the database."""
    stored = side.query(f"SELECT {column} FROM user WHERE email = ?", email)[0][0]
    return App(b32_of(json.loads(stored)[method] if method else stored))


def codes(text):
    """The codes in a text."""
    return re.findall(r"(?<![\w-])\d{6}(?![\w-])", text or "")


def mailed(side, *, to=None):
    """The code of the newest mail; what was mailed is compared."""
    mails = side.mail.take()
    side.note("mails", [seen(mail) for mail in mails])
    assert mails, f"{side.kind} mailed nothing"
    assert to is None or mails[-1]["to"] == [to]
    return codes(mails[-1]["text"] or mails[-1]["html"])[0]


def texted(side):
    """The code of the newest text message; what was sent is compared."""
    messages = side.sms.take()
    side.note("messages", [dict(message, msg=re.sub(r"\d{6}", "<code>", message["msg"])) for message in messages])
    assert messages, f"{side.kind} sent nothing"
    return codes(messages[-1]["msg"])[-1]


def code_for(side, email, method):
    """The code that signs a seeded user in: sent just now, or of the app."""
    if method == "sms":
        return texted(side)
    return mailed(side, to=email) if method == "email" else app_of(side, email).code()


def seen(mail):
    """A mail as both servers must have sent it; codes, tokens and prose are free."""
    from letters import lines, unsigned

    def plain(value):
        return re.sub(r"(?<!\d)\d{6}(?!\d)", "<code>", unsigned(value))

    return {
        "to": mail["to"],
        "from": mail["from"],
        "subject": mail["subject"],
        "parts": [kind for kind in ("text", "html") if mail[kind]],
        "lines": [[name, plain(value)] for name, value in lines(mail).items()],
        "codes": [len(set(codes(mail[kind]))) for kind in ("text", "html") if mail[kind]],
    }


def note_outgoing(side):
    """Compares what was mailed and sent since the last look."""
    side.note("mails", [seen(mail) for mail in side.mail.take()])
    side.note("messages", [dict(m, msg=re.sub(r"\d{6}", "<code>", m["msg"])) for m in side.sms.take()])


def note_factors(side, email):
    """Compares what the database holds of a user's factors."""
    sql = (
        "SELECT tf_primary_method, tf_phone_number, us_phone_number, tf_totp_secret, us_totp_secrets, mf_recovery_codes"
        " FROM user WHERE email = ?"
    )
    tf_method, tf_phone, us_phone, secret, secrets, recovery = side.query(sql, email)[0]
    side.note(
        f"factors of {email}",
        {
            "tf": [tf_method, tf_phone],
            "tf secret": _secret(secret),
            "us phone": us_phone,
            "us": {name: _secret(value) for name, value in json.loads(secrets or "{}").items()},
            "recovery codes": len([code for code in (recovery or "").split(",") if code]),
        },
    )


def _secret(stored):
    return stored and f"{'encrypted' if 'enckey' in stored else 'plain'} {len(b32_of(stored))}"


def begin(side, email, *, style="json", path="/login", client=None, **fields):
    """The first factor of somebody who has a second one."""
    from letters import forms

    body = {"email": email, "password": "password", **fields}
    client = client or side.client
    return client.post(path, json=body) if style == "json" else client.post(path, form=forms(body))


def finish(side, email, method, *, path="/tf-validate", client=None):
    """The second factor."""
    return (client or side.client).post(path, json={"code": code_for(side, email, method)})


def sign_in(side, email, method, *, client=None, **fields):
    """Both factors, by JSON; the scenario ends here if that fails."""
    assert begin(side, email, client=client, **fields).status == 200
    reply = finish(side, email, method, client=client)
    assert reply.status == 200, f"{side.kind}: {reply.status} {reply.text}"
    return reply
