"""What leaves the peer besides replies: the webhook SMS sender and the WebAuthn helper with fixed answers."""

import json
import urllib.request

from flask import current_app
from flask_security import SmsSenderBaseClass, WebauthnUtil
from webauthn.helpers.structs import UserVerificationRequirement


class WebhookSms(SmsSenderBaseClass):
    """Posts each message; an answer other than 2xx raises, so it surfaces as a failure to send."""

    def send_sms(self, from_number, to_number, msg):
        body = json.dumps({"from_number": from_number, "to_number": to_number, "msg": msg}).encode()
        request = urllib.request.Request(
            current_app.config["TESTBED"]["sms"]["webhook_url"],
            data=body,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as reply:
            reply.read()


def webauthn_util(fixed):
    """A helper class that returns what `[webauthn]` fixes and the defaults for the rest."""

    class Fixed(WebauthnUtil):
        def generate_challenge(self, nbytes=None):
            return fixed.get("challenge") or super().generate_challenge(nbytes)

        def origin(self):
            return fixed.get("origin") or super().origin()

        def authenticator_selection(self, user, usage):
            criteria = super().authenticator_selection(user, usage)
            if "user_verification" in fixed:
                criteria.user_verification = UserVerificationRequirement(fixed["user_verification"])
            return criteria

        def user_verification(self, user, usage):
            if "user_verification" in fixed:
                return UserVerificationRequirement(fixed["user_verification"])
            return super().user_verification(user, usage)

    return Fixed
