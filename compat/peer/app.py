"""Flask-Security as the testbed application: `python -m peer.app --config FILE --listen 127.0.0.1:PORT`."""

import argparse
import tomllib

import waitress
from flask import Flask
from flask_mail import Mail
from flask_security import Security, SmsSenderFactory, SQLAlchemyUserDatastore
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from . import models, outgoing, routes, settings, tokens


def create_app(toml):
    """The application that one configuration file describes."""
    app = Flask(__name__, subdomain_matching=toml.get("subdomain_matching", False))
    app.config.update(settings.flask_config(toml), TESTBED=toml)
    models.db.init_app(app)
    Mail(app)
    if toml.get("csrf", {}).get("protect"):
        CSRFProtect(app)
    SmsSenderFactory.senders["webhook"] = outgoing.WebhookSms
    Security(
        app,
        SQLAlchemyUserDatastore(models.db, models.User, models.Role, models.WebAuthn, models.FsRefreshTracker),
        webauthn_util_cls=outgoing.webauthn_util(toml.get("webauthn", {})),
    )
    routes.install(app)
    if toml.get("jwt", {}).get("enabled"):
        tokens.install(app, toml["jwt"])
    return app


def wsgi(toml):
    """The application behind its mount point and the trusted proxy hops."""
    app = create_app(toml)
    root = toml.get("application_root", "/").rstrip("/")
    if root:
        app = DispatcherMiddleware(NotFound(), {root: app})
    return ProxyFix(app, x_for=toml.get("proxy", {}).get("x_for", 0), x_proto=1, x_host=0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--listen", required=True)
    args = parser.parse_args()
    with open(args.config, "rb") as file:
        toml = tomllib.load(file)
    waitress.serve(
        wsgi(toml),
        listen=args.listen,
        threads=4,
        clear_untrusted_proxy_headers=False,
        ident=None,
        _quiet=True,
    )


if __name__ == "__main__":
    main()
