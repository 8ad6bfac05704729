//! Who may import whom, and what belongs to a feature: read from the source.
#![allow(clippy::unwrap_used)]

#[path = "rules/documents.rs"]
mod documents;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every source file below `folder`, as its path there and its text without comments.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((name, without_comments(&std::fs::read_to_string(path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

fn without_comments(text: &str) -> String {
    let code = text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    let code = code.map(|line| line.split(" // ").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}

/// Every path that a file names: its `use` trees written out, and paths within the code.
fn paths(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let compact: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    for statement in compact.split(';') {
        let start = statement.rfind("use ").filter(|at| {
            let before = statement.get(..*at).unwrap_or_default().trim_end();
            before.is_empty() || before.ends_with(['}', '{', ')', ']']) || before.ends_with("pub")
        });
        if let Some(start) = start {
            let tree: String = statement.get(start + 4..).unwrap().split_whitespace().collect();
            expand("", &tree, &mut found);
        }
    }
    // Any other path: a word, and what follows it after `::`.
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    found.extend(compact.split(|c| !is_path(c)).filter(|word| word.contains("::")).map(str::to_owned));
    found
}

/// Writes out a tree such as `crate::{a, b::{c, d}}`.
fn expand(prefix: &str, tree: &str, found: &mut BTreeSet<String>) {
    let Some((head, rest)) = tree.split_once('{') else {
        found.insert(format!("{prefix}{tree}"));
        return;
    };
    let prefix = format!("{prefix}{head}");
    let inner = rest.strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut start) = (0_i32, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, inner.get(start..at).unwrap(), found);
                start = at + 1;
            }
            _ => {}
        }
    }
}

fn begins_with(path: &str, names: &[&str]) -> bool {
    names.iter().any(|name| path == *name || path.starts_with(&format!("{name}::")))
}

/// Names every file that breaks a rule, and how.
fn refuse(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_them_all() {
    let code = without_comments(
        "//! use crate::hidden;\nuse std::fmt;\nuse crate::{\n    a::{self, b}, // why\n    c,\n};\n\
         pub(crate) use super::d;\nfn f() { use crate::e::f; let _ = crate::g::h(axum::i); }",
    );
    let found = paths(&code);
    for path in
        ["std::fmt", "crate::a::self", "crate::a::b", "crate::c", "super::d", "crate::e::f", "crate::g::h", "axum::i"]
    {
        assert!(found.contains(path), "{path}: {found:?}");
    }
    assert!(!found.iter().any(|path| path.contains("hidden")));
}

#[test]
fn a_feature_imports_no_other() {
    let (names, mut broken) = (features(), Vec::new());
    for (file, code) in sources(&root().join("src/features")) {
        let Some((own, _)) = file.split_once('/') else { continue };
        for path in paths(&code) {
            let mut parts = path.split("::").skip_while(|part| matches!(*part, "crate" | "super"));
            let named = if path.starts_with("crate::") { parts.nth(1) } else { parts.next() };
            let of_features = path.starts_with("crate::features::") || path.starts_with("super::");
            if of_features && named.is_some_and(|named| named != own && names.iter().any(|name| name == named)) {
                broken.push(format!("features/{file}: {path}"));
            }
        }
    }
    refuse("features meet in `flow` or by an event", broken);
}

/// Whoever has proved one factor must not be signed in past the second.
#[test]
fn features_sign_in_by_way_of_the_second_factor() {
    // Somebody signed in already; a passkey that is two factors by itself; codes that the settings take for enough.
    let allowed =
        ["change_password/mod.rs", "passkeys/signin.rs", "unified_signin/link.rs", "unified_signin/signin.rs"];
    let past = sources(&root().join("src/features")).into_iter().filter(|(_, code)| code.contains(".sign_in("));
    let broken = past.map(|(file, _)| file).filter(|file| !allowed.contains(&file.as_str())).collect();
    refuse("a feature calls first_factor or second_factor_done", broken);
}

#[test]
fn only_the_gate_knows_the_features() {
    let allowed = ["features/", "gate.rs", "builder.rs", "lib.rs", "openapi/"];
    let mut broken = Vec::new();
    for (file, code) in sources(&root().join("src")) {
        if allowed.iter().any(|place| file.starts_with(place)) {
            continue;
        }
        let named = paths(&code).into_iter().filter(|path| path.starts_with("crate::features"));
        broken.extend(named.map(|path| format!("{file}: {path}")));
    }
    // The table of settings collects those of the features.
    broken.retain(|line| !line.starts_with("settings/known/mod.rs: "));
    refuse("what features need lies below them", broken);
}

#[test]
fn principal_knows_neither_users_nor_http() {
    let mut broken = Vec::new();
    for (file, code) in sources(&root().join("src/principal")) {
        for path in paths(&code) {
            let inside = begins_with(&path, &["std", "super", "self", "crate::principal", "core", "alloc"]);
            let ours = path.starts_with("crate::")
                || path.starts_with("lychgate_store")
                || begins_with(&path, &["axum", "http", "tower"]);
            if ours && !inside {
                broken.push(format!("principal/{file}: {path}"));
            }
        }
    }
    refuse("principal stands on leaves alone", broken);
}

#[test]
fn axum_is_named_only_at_the_edge() {
    let edge = ["web/", "features/", "gate.rs", "builder.rs", "serve/", "failure.rs"];
    let mut broken = Vec::new();
    for (file, code) in sources(&root().join("src")) {
        if edge.iter().any(|place| file.starts_with(place)) {
            continue;
        }
        let named = paths(&code).into_iter().filter(|path| begins_with(path, &["axum", "tower", "hyper"]));
        broken.extend(named.map(|path| format!("{file}: {path}")));
    }
    refuse("axum's types stay in web, features, gate, builder, serve and failure", broken);
}

#[test]
fn databases_are_named_only_in_the_store() {
    let drivers = ["rusqlite", "tokio_postgres", "tokio-postgres", "deadpool", "sqlx", "postgres_types"];
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut broken: Vec<String> = drivers
        .iter()
        .filter(|driver| manifest.contains(*driver))
        .map(|driver| format!("Cargo.toml: {driver}"))
        .collect();
    for (file, code) in sources(&root().join("src")) {
        broken.extend(drivers.iter().filter(|driver| code.contains(*driver)).map(|driver| format!("{file}: {driver}")));
    }
    refuse("SQL drivers stay inside lychgate-store", broken);
}

/// The features in the list of `features/mod.rs`.
fn features() -> Vec<String> {
    let list = std::fs::read_to_string(root().join("src/features/mod.rs")).unwrap();
    let names = list.split("name: \"").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

#[test]
fn every_feature_has_all_that_belongs_to_one() {
    let names = features();
    assert!(["login", "logout", "verify"].iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");
    let mut missing = Vec::new();
    for name in &names {
        let docs = format!("../../docs/features/{name}.md");
        for place in [format!("src/features/{name}/mod.rs"), format!("tests/{name}.rs"), docs] {
            if !root().join(&place).is_file() {
                missing.push(format!("{name}: {place}"));
            }
        }
    }
    refuse("a feature has a folder, a test and a page of documentation", missing);
}

#[test]
fn every_folder_of_a_feature_is_listed() {
    let names = features();
    let folders = std::fs::read_dir(root().join("src/features")).unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|entry| entry.path().is_dir());
    let unlisted = folders.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| !names.contains(name));
    refuse("a folder that the list leaves out is a feature that nobody can switch on", unlisted.collect());
}
