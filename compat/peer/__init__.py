"""The reference application: Flask-Security wired up as the testbed."""
