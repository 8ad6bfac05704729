//! The servers, and how each is started.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use benches::process::Server;

use crate::{Outcome, seed::Seed};

/// One of the servers that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Lychgate,
    /// Lychgate with the defaults of a new installation.
    Modern,
    Bare,
    Select,
    AxumLogin,
    FlaskSecurity,
}

impl Target {
    pub(crate) const ALL: [Self; 6] =
        [Self::Lychgate, Self::Modern, Self::Bare, Self::Select, Self::AxumLogin, Self::FlaskSecurity];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lychgate => "Lychgate",
            Self::Modern => "Lychgate, modern",
            Self::Bare => "bare axum",
            Self::Select => "axum + SELECT",
            Self::AxumLogin => "axum-login",
            Self::FlaskSecurity => "Flask-Security",
        }
    }

    /// Whether there are users and a sign-in.
    pub(crate) fn has_sign_in(self) -> bool {
        self != Self::Bare
    }

    pub(crate) fn profile(self) -> &'static str {
        if self == Self::Modern { "modern" } else { "flask" }
    }

    fn program(self) -> Option<PathBuf> {
        let beside = |name: &str| std::env::current_exe().ok().map(|program| program.with_file_name(name));
        let path = match self {
            Self::Lychgate | Self::Modern => beside("gate"),
            Self::Bare => beside("bare"),
            Self::Select => beside("select"),
            Self::AxumLogin => Some(
                std::env::var_os("BENCH_AXUM_LOGIN")
                    .map_or_else(|| benches_folder().join("axum-login/target/release/bench-axum-login"), PathBuf::from),
            ),
            Self::FlaskSecurity => Some(python()),
        };
        path.filter(|path| path.exists())
    }

    /// Whether the server has been set up on this machine.
    pub(crate) fn is_here(self) -> bool {
        self.program().is_some()
    }

    /// Starts the server on a database; `under` is a program to run it with.
    pub(crate) fn start(self, seed: &Seed, under: &[&str]) -> Outcome<Server> {
        let program = self.program().ok_or_else(|| format!("{} is not set up", self.name()))?;
        if self == Self::FlaskSecurity {
            let mut command = Command::new(program);
            command.current_dir(benches_folder()).env("BENCH_CONFIG", &seed.config).args([
                "-W",
                "ignore",
                "-m",
                "gunicorn",
                "--log-level",
                "error",
                "--worker-class",
                "gthread",
                "--workers",
                "2",
                "--threads",
                "4",
                "--keep-alive",
                "60",
                "flask_security_app:serve()",
            ]);
            return Ok(Server::start(command, |command, address| {
                command.arg("--bind").arg(address.to_string());
            })?);
        }
        let mut command = match under.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.arg("--config");
        match self {
            Self::Lychgate | Self::Modern => command.arg(&seed.config),
            _ => command.arg(&seed.database),
        };
        Ok(Server::start(command, |command, address| {
            command.arg("--listen").arg(address.to_string());
        })?)
    }
}

/// Where this package is.
pub(crate) fn benches_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The interpreter that has Flask-Security.
pub(crate) fn python() -> PathBuf {
    benches_folder().join("../compat/.venv/bin/python")
}
