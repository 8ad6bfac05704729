"""The testbed's database: the reference's v4 models and one column of our own."""

from flask_security.models import fsqla_v4 as fsqla
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
fsqla.FsModels.set_db_info(db)


class Role(db.Model, fsqla.FsRoleMixin):
    """Table `role`."""


class User(db.Model, fsqla.FsUserMixin):
    """Table `user`; `security_number` is the application's, the library ignores it."""

    security_number = db.Column(db.Integer, unique=True)

    def get_security_payload(self):
        """The JSON that replies carry about a user."""
        return {"email": str(self.email), "last_update": self.update_datetime}


class WebAuthn(db.Model, fsqla.FsWebAuthnMixin):
    """Table `web_authn`."""


class FsRefreshTracker(db.Model, fsqla.FsRefreshTrackerMixin):
    """Table `fs_refresh_tracker`."""
