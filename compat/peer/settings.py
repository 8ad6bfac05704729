"""Turns the testbed's TOML file into the configuration names that Flask and its extensions read."""

from datetime import timedelta

from flask_security import core, uia_email_mapper, uia_phone_mapper, uia_username_mapper

MAPPERS = {
    "uia_email_mapper": uia_email_mapper,
    "uia_phone_mapper": uia_phone_mapper,
    "uia_username_mapper": uia_username_mapper,
    "identity": lambda value: value,
}
TOP = ("secret_key", "secret_key_fallbacks", "server_name", "application_root", "preferred_url_scheme")
CSRF = ("enabled", "check_default", "time_limit", "field_name", "headers", "methods", "ssl_strict", "secret_key")


def flask_config(toml):
    """Every key of the file under its Flask name; what is absent stays absent."""
    config = {"SQLALCHEMY_DATABASE_URI": toml["database_url"]}
    for key in TOP:
        if key in toml:
            config[key.upper()] = toml[key]
    for key, value in toml.get("session", {}).items():
        name = "PERMANENT_SESSION_LIFETIME" if key == "permanent_lifetime" else f"SESSION_{key.upper()}"
        config[name] = _none(value)
    for key, value in toml.get("remember", {}).items():
        name = f"REMEMBER_{key.upper()}"
        config[name] = timedelta(seconds=value) if name == "REMEMBER_COOKIE_DURATION" else _none(value)
    for key, value in toml.get("csrf", {}).items():
        if key in CSRF:
            config[f"WTF_CSRF_{key.upper()}"] = None if value is False and key == "time_limit" else value
    for key, value in toml.get("mail", {}).items():
        config[f"MAIL_{key.upper()}"] = tuple(value) if isinstance(value, list) else value
    for key, value in toml.get("security", {}).items():
        config[f"SECURITY_{key.upper()}"] = _setting(key.upper(), value)
    for key, value in toml.get("messages", {}).items():
        config[f"SECURITY_MSG_{key}"] = tuple(value)
    return config


def _none(value):
    """An empty text stands for None."""
    return None if value == "" else value


def _setting(key, value):
    default = core._default_config.get(key)
    if isinstance(default, timedelta) and isinstance(value, (int, float)):
        return timedelta(seconds=value)
    if key == "USER_IDENTITY_ATTRIBUTES":
        return [
            {name: {**rules, "mapper": MAPPERS[rules["mapper"]]} for name, rules in entry.items()}
            for entry in value
        ]
    if key == "LOGOUT_METHODS" and value == []:
        return None
    if key == "SMS_SERVICE_CONFIG":
        return {name.upper(): text for name, text in value.items()}
    if isinstance(value, list):
        if isinstance(default, set):
            return set(value)
        if isinstance(default, tuple):
            return core.AUTHN_MECHANISMS if set(value) == set(default) else tuple(value)
        if key == "EMAIL_SENDER":
            return tuple(value)
        return value
    return _none(value)
