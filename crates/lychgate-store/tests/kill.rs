//! Kills a process in the middle of its writes, a hundred times, and looks for what it had been told was written.
//!
//! The parent starts this program again as the writer, reads the acknowledgements that it prints, and kills it.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{now, open_file};
use lychgate_store::{NewSession, NewUser, UserPatch};
use time::Duration;

const WRITER: &str = "--write-until-killed";
const ROUNDS: usize = 100;
const TASKS: usize = 16;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, mode, file, round] if mode == WRITER => write(Path::new(file), round),
        _ => parent(),
    }
}

#[tokio::main(flavor = "multi_thread")]
async fn write(file: &Path, round: &str) {
    let store = open_file(file).await;
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let store = store.clone();
        let round = round.to_owned();
        tasks.push(tokio::spawn(async move {
            for number in 0.. {
                let name = format!("r{round}-t{task}-n{number}");
                let mut user = NewUser::new(format!("{name}@lp.com"), name.as_str());
                user.roles = vec!["editor".to_owned()];
                let session = NewSession {
                    sid: name.clone(),
                    user_id: 0,
                    created_at: now(),
                    expires_at: now() + Duration::DAY,
                    address: None,
                    user_agent: None,
                    via: "register".to_owned(),
                    remembered: false,
                };
                let mut batch = store.batch();
                let _ = batch.create_user(&user, now()).open_session_of(&name, &session).redeem_once(
                    "invite",
                    &name,
                    now() + Duration::DAY,
                    now(),
                );
                let id = store.commit(batch).await.unwrap().id(0).unwrap();
                // A secret that is used once to change the account: both, or neither.
                let patch = UserPatch { username: Some(Some(name.clone())), ..UserPatch::default() };
                let mut batch = store.batch();
                let _ = batch.redeem_once("rotate", &name, now() + Duration::DAY, now()).update_user(id, &patch, now());
                store.commit(batch).await.unwrap();
                // One call is one write to the pipe, so lines of several tasks do not mix.
                std::io::stdout().write_all(format!("{id} {name}\n").as_bytes()).unwrap();
                std::io::stdout().flush().unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

fn parent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open_file(&file).await;
        store.create_role("editor", None, None, now()).await.unwrap();
        store.close().await;
    });
    let mut acknowledged: HashSet<(i64, String)> = HashSet::new();
    for round in 0..ROUNDS {
        let told = kill_after(&file, round, 3 + 7 * round % 41);
        assert!(told.len() >= 3, "only {} acknowledgements", told.len());
        acknowledged.extend(told);
        check(&file, &acknowledged);
    }
    runtime.block_on(async {
        let store = open_file(&file).await;
        for (id, name) in &acknowledged {
            let user = store.user_by_uniquifier(name).await.unwrap().unwrap();
            assert_eq!(user.id, *id);
            assert!(user.has_role("editor"));
            assert!(store.session(name).await.unwrap().is_some());
            let again = store.redeem_once("invite", name, now(), now()).await;
            assert!(!again.unwrap());
        }
        store.close().await;
    });
}

/// Starts a writer, kills it after so many acknowledgements, and returns all that it has given.
fn kill_after(file: &Path, round: usize, count: usize) -> Vec<(i64, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(WRITER)
        .arg(file)
        .arg(round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut told = Vec::new();
    loop {
        let mut line = String::new();
        // Whatever was printed before the end counts, but for a line that was cut off.
        if lines.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            break;
        }
        let (id, name) = line.trim_end().split_once(' ').unwrap();
        told.push((id.parse().unwrap(), name.to_owned()));
        if told.len() == count {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success(), "the writer ended by itself");
    told
}

/// The file is sound, what was acknowledged is there, and nothing is there by halves.
fn check(file: &Path, acknowledged: &HashSet<(i64, String)>) {
    let connection = rusqlite::Connection::open(file).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let mut statement = connection.prepare("SELECT id, fs_uniquifier FROM user").unwrap();
    let stored: HashSet<(i64, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged, but gone: {lost:?}");
    let halves: i64 = connection
        .query_row(
            "SELECT COUNT(*) FROM user u WHERE NOT EXISTS (SELECT 1 FROM roles_users x WHERE x.user_id = u.id) \
             OR NOT EXISTS (SELECT 1 FROM lychgate_sessions s WHERE s.user_id = u.id) \
             OR NOT EXISTS (SELECT 1 FROM lychgate_redemptions r WHERE r.key = u.fs_uniquifier AND r.kind = 'invite') \
             OR (u.username IS NULL) = EXISTS (SELECT 1 FROM lychgate_redemptions r WHERE r.key = u.fs_uniquifier \
             AND r.kind = 'rotate')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(halves, 0, "batches that were written in part");
}
