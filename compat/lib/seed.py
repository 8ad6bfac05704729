"""The seeded database, written by Flask-SQLAlchemy through the reference's own models."""

import shutil
import sqlite3
from pathlib import Path

from peer.app import create_app
from peer.models import Role, User, db

ROLES = {
    "admin": ["full-read", "full-write", "super"],
    "editor": ["full-read", "full-write"],
    "author": ["full-read", "my-write"],
    "simple": None,
}
# e-mail, roles, and what differs from an active user with the password "password"
USERS = [
    ("matt@lp.com", ["admin"], {}),
    ("joe@lp.com", ["editor"], {}),
    ("dave@lp.com", ["admin", "editor"], {}),
    ("jill@lp.com", ["author"], {}),
    ("tiya@lp.com", [], {"active": False}),
    ("gene@lp.com", ["simple"], {}),
    ("jess@lp.com", [], {"password": None}),
    ("gal@lp.com", ["admin"], {"tf": "sms", "phone": "650-277-7098"}),
    ("gal2@lp.com", ["admin"], {"tf": "authenticator"}),
    ("gal3@lp.com", ["admin"], {"tf": "email"}),
]


def create(path, config, extra_users=()):
    """Creates the file at `path` and fills it as `config` says."""
    path = Path(path)
    config = dict(config, database_url=f"sqlite:///{path}")
    app = create_app(config)
    with app.app_context():
        db.create_all()
        store = app.extensions["security"].datastore
        for name, permissions in ROLES.items():
            store.create_role(name=name, permissions=permissions)
        store.commit()
        for number, (email, roles, notes) in enumerate([*USERS, *extra_users], start=1):
            _user(app, store, number, email, roles, dict(notes))
        store.commit()
        db.engine.dispose()


def _user(app, store, number, email, roles, notes):
    from flask_security import hash_password

    password = notes.pop("password", "password")
    method, phone = notes.pop("tf", None), notes.pop("phone", None)
    user = store.create_user(
        email=email,
        username=email.partition("@")[0],
        password=hash_password(password) if password else None,
        active=notes.pop("active", True),
        roles=[Role.query.filter_by(name=role).one() for role in roles],
        security_number=1000 + number,
        **notes,
    )
    if method and app.config["SECURITY_TWO_FACTOR"]:
        secret = app.extensions["security"]._totp_factory.generate_totp_secret()
        store.tf_set(user, method, secret, phone)


def copy(seed, target):
    """A fresh copy for one server."""
    shutil.copyfile(seed, target)


def restore(seed, target):
    """Puts the rows of `seed` back into a database that servers have open, in one transaction.

    Side tables that the seed does not know are emptied.
    """
    link = sqlite3.connect(target, timeout=10, isolation_level=None)
    try:
        link.execute("ATTACH ? AS seed", (str(seed),))
        names = "SELECT name FROM {}.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        known = {name for (name,) in link.execute(names.format("seed"))}
        present = [name for (name,) in link.execute(names.format("main"))]
        link.execute("BEGIN IMMEDIATE")
        for name in present:
            if name in known or not name.endswith(("migrations", "migration", "schema", "meta")):
                link.execute(f'DELETE FROM main."{name}"')
            if name in known:
                columns = ", ".join(f'"{row[1]}"' for row in link.execute(f'PRAGMA seed.table_info("{name}")'))
                link.execute(f'INSERT INTO main."{name}" ({columns}) SELECT {columns} FROM seed."{name}"')
        link.execute("COMMIT")
    finally:
        link.close()


__all__ = ["USERS", "ROLES", "User", "create", "copy", "restore"]
