//! Proof that the server is one's own.
//!
//! The file holds a token; the server shows its SHA-256 at a well-known path. Whoever only sees the server does not know
//! the token, and whoever holds the token has a say in what the server shows.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::target::{Ask, Target};
use crate::{exit::Exit, files, output};

/// Where the server shows it.
pub(crate) const PATH: &str = "/.well-known/lychgate-attack";
/// The longest file that is read.
const MOST: u64 = 1024;
/// The shortest token, in characters.
const LEAST: usize = 32;

/// Makes a token file.
pub(super) fn prepare(file: &Path) -> Result<(), Exit> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(Exit::failed)?;
    let token = hex(&random);
    files::create_private(file, &format!("{token}\n"))
        .map_err(|error| Exit::failed(format!("cannot write {}: {error}", file.display())))?;
    let shown = file.display();
    output::done(format_args!("{shown} is written; keep it as you keep a password."));
    output::line(format_args!(
        "`lychgate serve`: set attack_token_file to its path. Any other server: let it answer GET {PATH} with the line"
    ));
    output::line(format_args!("{}", digest(&token)));
    output::line(format_args!("Then: lychgate attack URL --token-file {shown}"));
    Ok(())
}

/// What the server has to show for a token file.
///
/// # Errors
///
/// One line: the file cannot be read, or holds no token.
pub(crate) fn proof(file: &Path) -> Result<String, String> {
    let wrong = |why: &str| format!("{}: {why}", file.display());
    let text = files::read_bounded(file, MOST).map_err(|error| wrong(&error.to_string()))?;
    let token = text.trim();
    if token.len() < LEAST || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(wrong("it holds no token; make one with `lychgate attack --prepare`"));
    }
    Ok(digest(token))
}

/// Refuses a server that does not show what the file asks for.
pub(super) fn demand(target: &Target, file: &Path) -> Result<(), Exit> {
    let expected = proof(file).map_err(Exit::failed)?;
    let refuse = |why: String| {
        Exit::failed(format!(
            "{} does not prove that it is yours: {why}. `lychgate attack --help` says how it does",
            target.origin()
        ))
    };
    let reply =
        target.ask(Ask::get(PATH).header("accept", "text/plain")).map_err(|stop| refuse(format!("{stop:?}")))?;
    if reply.status == 200 && reply.body.trim() == expected {
        Ok(())
    } else {
        Err(refuse(format!("GET {PATH} (status {}) does not show the digest of this token", reply.status)))
    }
}

fn digest(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
