//! PostgreSQL over TLS, as each `sslmode` promises.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::url_options;
use lychgate_store::Store;
use lychgate_store::testing::PgServer;

/// Runs the `openssl` program, which Debian installs with PostgreSQL.
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("the program openssl is not installed (Debian: apt-get install openssl)");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {complaint}");
}

/// Makes an authority, and a server's key and certificate by it for this name.
fn certificates(folder: &Path, name: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(folder, &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority"));
    openssl(folder, &format!("req {key} -keyout server.key -out server.csr -subj /CN=server"));
    std::fs::write(folder.join("names"), format!("subjectAltName={name}\n")).unwrap();
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile names",
    );
}

struct Site {
    server: PgServer,
    authority: PathBuf,
    _folder: tempfile::TempDir,
}

impl Site {
    fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path(), name);
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let settings = ["ssl = on", "ssl_cert_file = '../server.pem'", "ssl_key_file = '../server.key'"];
        let files = [("server.pem", read("server.pem")), ("server.key", read("server.key"))];
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, c)| (*n, c.as_slice())).collect();
        Self {
            server: PgServer::start_with(&settings, &files).unwrap(),
            authority: folder.path().join("ca.pem"),
            _folder: folder,
        }
    }

    /// Opens a store; says whether all its connections are encrypted.
    async fn open(&self, mode: &str, authority: Option<&Path>) -> Result<bool, String> {
        let url = self.server.fresh_database().unwrap();
        let mut url = url.replace("sslmode=prefer", &format!("sslmode={mode}"));
        if let Some(authority) = authority {
            url.push_str(&format!("&sslrootcert={}", authority.display()));
        }
        let store = Store::open(url_options(&url)).await.map_err(|error| error.to_string())?;
        let check = |wanted: bool| {
            let sql = format!(
                "DO 'BEGIN IF EXISTS (SELECT 1 FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
                 WHERE a.datname = current_database() AND a.application_name = ''lychgate'' AND s.ssl <> {wanted}) \
                 THEN RAISE EXCEPTION ''not so''; END IF; END'"
            );
            self.server.execute(&url, &sql).is_ok()
        };
        let (encrypted, clear) = (check(true), check(false));
        store.close().await;
        assert_ne!(encrypted, clear);
        Ok(encrypted)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_checks_what_it_promises() {
    let right = Site::start("IP:127.0.0.1");
    let misnamed = Site::start("DNS:db.example");
    let stranger = &misnamed.authority;
    for site in [&right, &misnamed] {
        let own = Some(site.authority.as_path());
        assert_eq!(site.open("disable", None).await, Ok(false));
        assert_eq!(site.open("prefer", None).await, Ok(true));
        assert_eq!(site.open("require", None).await, Ok(true));
        assert_eq!(site.open("verify-ca", own).await, Ok(true));
        assert_eq!(site.open("require", own).await, Ok(true));
    }
    let own = Some(right.authority.as_path());
    assert_eq!(right.open("verify-full", own).await, Ok(true));
    let refusals = [
        right.open("verify-ca", None).await,
        right.open("verify-ca", Some(stranger)).await,
        right.open("require", Some(stranger)).await,
        right.open("verify-full", None).await,
        right.open("verify-full", Some(stranger)).await,
        misnamed.open("verify-full", Some(stranger)).await,
    ];
    for refusal in refusals {
        let text = refusal.unwrap_err();
        assert!(text.contains("certificate") && text.lines().count() == 1, "{text}");
    }
}
