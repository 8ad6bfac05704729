"""A passkey authenticator in software, and the part of the browser that talks to it.

    authenticator = Authenticator()
    credential = authenticator.create(reply["credential_options"], "http://localhost")
    client.post("/wan-register/" + state, json={"credential": credential})

Credentials are written as the script of Flask-Security writes them. Flags and counter are attributes and may be changed
between uses; what a browser would say wrong is given to `create` and `get`.
"""

import datetime
import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

ES256, EDDSA, ES384, ES512 = -7, -8, -35, -36
PS256, PS384, PS512 = -37, -38, -39
RS256, RS384, RS512 = -257, -258, -259

HASHES = {
    ES256: hashes.SHA256, ES384: hashes.SHA384, ES512: hashes.SHA512,
    PS256: hashes.SHA256, PS384: hashes.SHA384, PS512: hashes.SHA512,
    RS256: hashes.SHA256, RS384: hashes.SHA384, RS512: hashes.SHA512,
}
CURVES = {ES256: (1, ec.SECP256R1), ES384: (2, ec.SECP384R1), ES512: (3, ec.SECP521R1)}
AAGUID_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
KEEP = object()


def b64url(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class NotAllowed(Exception):
    """What a browser raises: no credential fits, or one exists already."""


@dataclass
class Key:
    """A credential of the authenticator."""

    id: bytes
    rp_id: str
    user_handle: bytes
    algorithm: int
    private: object
    resident: bool
    sign_count: int = 0

    @classmethod
    def make(cls, algorithm, rp_id="", user_handle=b"", resident=True, id=None):
        if algorithm == EDDSA:
            private = ed25519.Ed25519PrivateKey.generate()
        elif algorithm in CURVES:
            private = ec.generate_private_key(CURVES[algorithm][1]())
        else:
            private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(id or os.urandom(32), rp_id, user_handle, algorithm, private, resident)

    def cose(self):
        public = self.private.public_key()
        if self.algorithm == EDDSA:
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            return cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: raw})
        numbers = public.public_numbers()
        if self.algorithm in CURVES:
            length = (public.curve.key_size + 7) // 8
            x, y = (number.to_bytes(length, "big") for number in (numbers.x, numbers.y))
            return cbor2.dumps({1: 2, 3: self.algorithm, -1: CURVES[self.algorithm][0], -2: x, -3: y})
        n, e = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (numbers.n, numbers.e))
        return cbor2.dumps({1: 3, 3: self.algorithm, -1: n, -2: e})

    def sign(self, data):
        if self.algorithm == EDDSA:
            return self.private.sign(data)
        digest = HASHES[self.algorithm]()
        if self.algorithm in CURVES:
            return self.private.sign(data, ec.ECDSA(digest))
        if self.algorithm in (PS256, PS384, PS512):
            return self.private.sign(data, padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH), digest)
        return self.private.sign(data, padding.PKCS1v15(), digest)


@dataclass
class Authenticator:
    algorithm: int | None = None  # the first that is offered and known
    user_present: bool = True
    user_verified: bool = True
    backup_eligible: bool = False
    backed_up: bool = False
    resident: bool = True
    counts: bool = True
    attestation: str = "none"  # or "packed", or "certificate"
    aaguid: bytes = bytes(16)
    transports: tuple | None = ("internal",)
    name: str = ""  # ids follow from it, so that two servers see the same ones; random without
    keys: list = field(default_factory=list)

    def create(self, options, origin, *, rp_id=None, kind="webauthn.create", challenge=None, cross_origin=False,
               certificate=None):
        """A new credential, as JSON text."""
        for excluded in options.get("excludeCredentials", ()):
            if any(key.id == unb64url(excluded["id"]) for key in self.keys):
                raise NotAllowed("a credential of this authenticator is excluded")
        offered = [parameter["alg"] for parameter in options["pubKeyCredParams"]]
        algorithm = self.algorithm or next(alg for alg in offered if alg == EDDSA or alg in HASHES)
        rp_id = rp_id or options["rp"]["id"]
        id = hashlib.sha256(f"{self.name} {len(self.keys)}".encode()).digest() if self.name else None
        key = Key.make(algorithm, rp_id, unb64url(options["user"]["id"]), self.resident, id)
        attested = self.aaguid + len(key.id).to_bytes(2, "big") + key.id + key.cose()
        auth_data = self._auth_data(rp_id, key, attested)
        client_data = self._client_data(kind, challenge or options["challenge"], origin, cross_origin)
        signed = auth_data + hashlib.sha256(client_data).digest()
        statement = {}
        if self.attestation == "packed":
            statement = {"alg": algorithm, "sig": key.sign(signed)}
        elif self.attestation == "certificate":
            maker = Key.make(ES256)
            der = make_certificate(maker.private, self.aaguid, **(certificate or {}))
            statement = {"alg": ES256, "sig": maker.sign(signed), "x5c": [der]}
        form = "none" if self.attestation == "none" else "packed"
        self.keys.append(key)
        response = {
            "attestationObject": b64url(cbor2.dumps({"fmt": form, "attStmt": statement, "authData": auth_data})),
            "clientDataJSON": b64url(client_data),
            "transports": self.transports and list(self.transports),
        }
        extensions = json.dumps({"credProps": {"rk": self.resident}})
        return json.dumps({"id": b64url(key.id), "rawId": b64url(key.id), "type": "public-key",
                           "response": response, "extensions": extensions})

    def get(self, options, origin, *, key=None, rp_id=None, kind="webauthn.get", challenge=None, cross_origin=False,
            user_handle=KEEP, sign_count=None):
        """An assertion by the first credential that fits, or by `key`, as JSON text."""
        rp_id = rp_id or options["rpId"]
        key = key or self._find(options, rp_id)
        if sign_count is not None:
            key.sign_count = sign_count
        elif self.counts:
            key.sign_count += 1
        auth_data = self._auth_data(rp_id, key)
        client_data = self._client_data(kind, challenge or options["challenge"], origin, cross_origin)
        handle = key.user_handle if user_handle is KEEP else user_handle
        response = {
            "authenticatorData": b64url(auth_data),
            "clientDataJSON": b64url(client_data),
            "signature": b64url(key.sign(auth_data + hashlib.sha256(client_data).digest())),
            "userHandle": b64url(handle or b""),
        }
        return json.dumps({"id": b64url(key.id), "rawId": b64url(key.id), "type": "public-key",
                           "response": response, "assertionClientExtensions": "{}"})

    def _find(self, options, rp_id):
        allowed = [unb64url(credential["id"]) for credential in options.get("allowCredentials", ())]
        for key in self.keys:
            if key.rp_id == rp_id and (key.id in allowed if allowed else key.resident):
                return key
        raise NotAllowed("no credential fits")

    def _auth_data(self, rp_id, key, attested=b""):
        flags = (self.user_present | self.user_verified << 2 | self.backup_eligible << 3 | self.backed_up << 4
                 | bool(attested) << 6)
        head = hashlib.sha256(rp_id.encode()).digest() + bytes([flags])
        return head + key.sign_count.to_bytes(4, "big") + attested

    @staticmethod
    def _client_data(kind, challenge, origin, cross_origin):
        said = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": cross_origin}
        return json.dumps(said, separators=(",", ":")).encode()


def make_certificate(private, aaguid, unit="Authenticator Attestation", ca=False, country="SE"):
    """An attestation certificate, signed by itself."""
    name = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, country),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Keys of Wax"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        x509.NameAttribute(NameOID.COMMON_NAME, "Seal 1"),
    ])
    start = datetime.datetime(2025, 1, 1)
    builder = x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number(), start,
                                      start + datetime.timedelta(days=3650))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    builder = builder.add_extension(x509.UnrecognizedExtension(AAGUID_EXTENSION, b"\x04\x10" + aaguid), critical=False)
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
