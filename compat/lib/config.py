"""Testbed configuration: the base that every scenario starts from, and a writer for the TOML file."""

import copy
import json

from . import messages

SECRET = "compat-secret-key-0001-not-for-production"
BASE = {
    "secret_key": SECRET,
    "csrf": {"enabled": False, "messages": messages.CSRF},
    "mail": {"server": "127.0.0.1", "port": 25, "default_sender": "no-reply@lp.com"},
    "sms": {"webhook_url": "http://127.0.0.1:9/"},
    "limits": {"enabled": False, "lockout": False},
    "proxy": {"x_for": 0},
    "security": {
        "password_salt": "compat-password-salt-0001",
        "password_hash_passlib_options": {
            "argon2__time_cost": 1,
            "argon2__memory_cost": 64,
            "argon2__parallelism": 1,
        },
        "email_validator_args": {"check_deliverability": False},
        "sms_service": "webhook",
    },
    "messages": messages.MESSAGES,
}


def make(changes=None):
    """The base with `changes` laid over it; nested tables are merged."""
    config = copy.deepcopy(BASE)
    _merge(config, changes or {})
    return config


def _merge(into, changes):
    for key, value in changes.items():
        # `messages` and the like are merged, a setting that is itself a map is replaced.
        if isinstance(value, dict) and isinstance(into.get(key), dict) and key != "cache_control":
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def dumps(config):
    """TOML text."""
    lines, tables = [], []
    _table(config, (), lines, tables)
    for path, table in tables:
        lines.append(f"\n[{'.'.join(_key(part) for part in path)}]")
        _table(table, path, lines, None)
    return "\n".join(lines) + "\n"


def _table(table, path, lines, tables):
    for key, value in table.items():
        if isinstance(value, dict) and tables is not None:
            tables.append((path + (key,), value))
        else:
            lines.append(f"{_key(key)} = {_value(value)}")


def _key(key):
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    raise TypeError(f"no TOML for {value!r}")
