//! Databases with users in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use benches::client::PASSWORD;
use lychgate_passwords::{Context, SingleHash};
use rusqlite::Connection;

use crate::{
    Outcome,
    targets::{Target, benches_folder, python},
};

/// What a password check costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// 64 KiB, one pass: so that everything besides the hash shows.
    Least,
    /// 64 MiB, three passes, four lanes: the reference's default.
    Full,
}

impl Cost {
    fn options(self) -> [(&'static str, u32); 3] {
        let (memory, passes, lanes) = if self == Self::Least { (64, 1, 1) } else { (65536, 3, 4) };
        [("argon2__memory_cost", memory), ("argon2__time_cost", passes), ("argon2__parallelism", lanes)]
    }

    /// Everybody's password, hashed.
    pub(crate) fn hash(self) -> Outcome<String> {
        let context = Context::builder().single_hash(SingleHash::All);
        let context = self.options().into_iter().fold(context, |context, (name, value)| context.option(name, value));
        Ok(context.build().map_err(|error| error.message)?.hash(PASSWORD).map_err(|error| error.to_string())?)
    }
}

/// A database for one server, and the settings that name it.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) config: PathBuf,
    pub(crate) database: PathBuf,
}

impl Seed {
    /// Makes a database with users `u0@lp.com`, `u1@lp.com` … in tables made by the server itself.
    pub(crate) fn make(folder: &Path, target: Target, cost: Cost, users: u32) -> Outcome<Self> {
        let folder = folder.join(format!("{target:?}-{cost:?}-{users}"));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let seed = Self { config: folder.join("lychgate.toml"), database: folder.join("app.db") };
        fs::write(&seed.config, settings(target, cost, &seed.database))?;
        match target {
            Target::FlaskSecurity => {
                let app = benches_folder().join("flask_security_app.py");
                let status = Command::new(python()).args(["-W", "ignore"]).arg(app).arg(&seed.config).status()?;
                if !status.success() {
                    return Err("Flask-Security does not make its tables".into());
                }
            }
            Target::Lychgate | Target::Modern => target.start(&seed, &[])?.stop(),
            // The servers without tables of their own use ours.
            _ => {
                let lychgate = Self { config: seed.config.clone(), database: seed.database.clone() };
                Target::Lychgate.start(&lychgate, &[])?.stop();
            }
        }
        seed.fill(users, &cost.hash()?)?;
        Ok(seed)
    }

    fn fill(&self, users: u32, hash: &str) -> Outcome {
        let connection = Connection::open(&self.database)?;
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
             INSERT INTO \"user\" (email, password, active, fs_uniquifier, create_datetime, update_datetime)
             SELECT 'u' || i || '@lp.com', ?2, 1, lower(hex(randomblob(16))), '2026-01-01 00:00:00.000000',
                    '2026-01-01 00:00:00.000000' FROM n",
            (users, hash),
        )?;
        connection.execute_batch("ANALYZE")?;
        Ok(())
    }

    /// Deactivates a user behind the server's back.
    pub(crate) fn deactivate(&self, email: &str) -> Outcome {
        let connection = Connection::open(&self.database)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.execute("UPDATE \"user\" SET active = 0 WHERE email = ?", [email])?;
        Ok(())
    }
}

fn settings(target: Target, cost: Cost, database: &Path) -> String {
    let options: Vec<String> = cost.options().iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!(
        "profile = \"{}\"\n\
         secret_key = \"the key of the load test, 33 bytes\"\n\
         database_url = \"sqlite:///{}\"\n\
         [security]\n\
         password_salt = \"the salt of the load test, 34 bytes\"\n\
         password_single_hash = [\"argon2\"]\n\
         password_hash_passlib_options = {{ {} }}\n\
         email_validator_args = {{ check_deliverability = false }}\n\
         [limits]\n\
         enabled = false\n",
        target.profile(),
        database.display(),
        options.join(", "),
    )
}
