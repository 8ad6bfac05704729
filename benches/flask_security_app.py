"""Flask-Security for the load test, from the settings file that Lychgate reads.

`python flask_security_app.py CONFIG` makes the tables; gunicorn serves `flask_security_app:serve()`.
"""

import os
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "compat"))

from flask import Flask  # noqa: E402
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, current_user  # noqa: E402
from peer import models, settings  # noqa: E402


def make(path):
    """The application of one settings file."""
    app = Flask(__name__)
    app.config.update(settings.flask_config(tomllib.loads(Path(path).read_text(encoding="utf-8"))))
    models.db.init_app(app)
    Security(app, SQLAlchemyUserDatastore(models.db, models.User, models.Role))

    @app.get("/profile")
    @auth_required()
    def profile():
        return current_user.email

    return app


def serve():
    """For gunicorn: the settings file is named by the environment."""
    return make(os.environ["BENCH_CONFIG"])


if __name__ == "__main__":
    with make(sys.argv[1]).app_context():
        models.db.create_all()
