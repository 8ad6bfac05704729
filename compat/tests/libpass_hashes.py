"""Hashes of the seeded password under the schemes that the default settings accept, made when the tests start."""

import base64
import hashlib
import hmac
import sys
from pathlib import Path

from passlib.context import CryptContext

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lib import config  # noqa: E402

SCHEMES = {
    "argon2": {"argon2__time_cost": 1, "argon2__memory_cost": 128, "argon2__parallelism": 1},
    "bcrypt": {"bcrypt__rounds": 4},
    "pbkdf2_sha512": {"pbkdf2_sha512__rounds": 1000},
    "pbkdf2_sha256": {"pbkdf2_sha256__rounds": 1000},
    "sha512_crypt": {"sha512_crypt__rounds": 1000},
}


def _prehash(password):
    salt = config.BASE["security"]["password_salt"].encode()
    return base64.b64encode(hmac.new(salt, password.encode(), hashlib.sha512).digest()).decode()


def hashed(password, scheme="argon2"):
    """A stored hash of `password` with tiny parameters."""
    secret = _prehash(password)
    if scheme == "bcrypt":
        secret = secret[:72]
    return CryptContext(schemes=[scheme], **SCHEMES[scheme]).hash(secret)


HASHES = {scheme: hashed("password", scheme) for scheme in SCHEMES}
HASHES["plaintext"] = "password"
