"""Writes py_webauthn.json with compat/lib/authenticator.py, and has py_webauthn judge it too.

From the root of the tree: compat/.venv/bin/python crates/lychgate-webauthn/tests/data/generate.py
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "compat"))

import webauthn  # noqa: E402
from webauthn.helpers.cose import COSEAlgorithmIdentifier  # noqa: E402
from webauthn.helpers.structs import (  # noqa: E402
    AuthenticatorAttachment, AuthenticatorSelectionCriteria, AuthenticatorTransport, PublicKeyCredentialDescriptor,
    ResidentKeyRequirement, UserVerificationRequirement)

from lib import authenticator as soft  # noqa: E402

RP, ORIGIN, USER = "example.com", "https://example.com", b"a" * 32
CHALLENGE = "smCCiy_k2CqQydSQ_kPEjV5a2d0ApfatcpQ1aXDmQPo"
KNOWN = [PublicKeyCredentialDescriptor(id=b"\1" * 16, transports=[AuthenticatorTransport.USB]),
         PublicKeyCredentialDescriptor(id=b"\2" * 16)]
# py_webauthn knows no ES384, and wants a longer salt in PSS than RFC 8230 has.
NOT_THEIRS = (soft.ES384, soft.PS256, soft.PS384, soft.PS512)
NAMES = {name: getattr(soft, name) for name in (
    "ES256", "EDDSA", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")}


def creation():
    options = webauthn.generate_registration_options(
        rp_id=RP, rp_name="Example", user_name="matt@example.com", user_id=USER, challenge=CHALLENGE.encode(),
        exclude_credentials=KNOWN, authenticator_selection=AuthenticatorSelectionCriteria(
            authenticator_attachment=AuthenticatorAttachment.CROSS_PLATFORM,
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.DISCOURAGED))
    return json.loads(webauthn.options_to_json(options))


def request():
    options = webauthn.generate_authentication_options(rp_id=RP, challenge=CHALLENGE.encode(), allow_credentials=KNOWN)
    return json.loads(webauthn.options_to_json(options))


def theirs(registration, assertion, algorithm):
    expected = dict(expected_challenge=CHALLENGE.encode(), expected_rp_id=RP, expected_origin=ORIGIN)
    registered = webauthn.verify_registration_response(
        credential=registration, supported_pub_key_algs=list(COSEAlgorithmIdentifier), **expected)
    webauthn.verify_authentication_response(
        credential=assertion, credential_public_key=registered.credential_public_key,
        credential_current_sign_count=registered.sign_count, **expected)
    return registered.credential_public_key.hex()


def ceremonies():
    for name, algorithm in NAMES.items():
        for attestation in ("none", "packed", "certificate"):
            if attestation == "certificate" and algorithm != soft.ES256:
                continue
            key = soft.Authenticator(algorithm, attestation=attestation, backup_eligible=True, backed_up=True,
                                     aaguid=bytes(range(16)), transports=("internal", "hybrid"))
            registration = key.create(creation(), ORIGIN)
            assertion = key.get(request(), ORIGIN, key=key.keys[0])
            public_key = key.keys[0].cose().hex()
            if algorithm not in NOT_THEIRS:
                assert theirs(registration, assertion, algorithm) == public_key
            yield {"name": f"{name} {attestation}", "algorithm": algorithm, "public_key": public_key,
                   "registration": registration, "assertion": assertion}


def attestations():
    """Certificates that section 8.2.1 does not allow."""
    for name, certificate in {
        "unit": {"unit": "Something Else"}, "authority": {"ca": True},
        "model": {"aaguid": bytes(16)}, "country": {"country": "XX"},
    }.items():
        key = soft.Authenticator(soft.ES256, attestation="certificate", aaguid=bytes(range(16)))
        make = soft.make_certificate
        if name == "model":
            soft.make_certificate = lambda private, aaguid, **other: make(private, bytes(16), **other)
            certificate = {}
        yield {"name": name, "right": name == "country",
               "registration": key.create(creation(), ORIGIN, certificate=certificate)}
        soft.make_certificate = make


given = {"rp_id": RP, "origin": ORIGIN, "challenge": CHALLENGE, "user_handle": USER.decode()}
options = {"creation": creation(), "request": request()}
data = {"given": given, "options": options, "ceremonies": list(ceremonies()), "attestations": list(attestations())}
(HERE / "py_webauthn.json").write_text(json.dumps(data, indent=1) + "\n")
