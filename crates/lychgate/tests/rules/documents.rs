//! What the tables of threats and requirements name has to exist.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{refuse, root};

const DOCUMENTS: &[&str] = &["THREATS.md", "ASVS.md", "NIST-800-63B.md"];
/// The last number of a threat.
const LAST_THREAT: u16 = 151;

fn document(name: &str) -> String {
    std::fs::read_to_string(root().join("../../docs").join(name)).unwrap()
}

/// What stands between back-quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The functions of every file below `folder`, by the file's own name; those of files of one name together.
fn functions(folder: &Path, into: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                functions(&path, into);
            }
        } else if name.ends_with(".rs") || name.ends_with(".py") {
            let text = std::fs::read_to_string(&path).unwrap();
            let word = if name.ends_with(".rs") { "fn " } else { "def " };
            let found = text.split(word).skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            into.entry(name).or_default().extend(found.map(str::to_owned));
        }
    }
}

#[test]
fn every_test_that_a_table_names_exists() {
    let mut known = BTreeMap::new();
    for folder in ["crates", "compat", "examples"] {
        functions(&root().join("../..").join(folder), &mut known);
    }
    assert!(known["rules.rs"].contains("a_feature_imports_no_other") && known.contains_key("test_login.py"));
    let checks = root().join("../lychgate-server/src/commands/attack");
    let checks: String = std::fs::read_dir(checks)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let (mut missing, mut named) = (Vec::new(), 0);
    for name in DOCUMENTS {
        let text = document(name);
        for reference in quoted(&text) {
            let exists = match (reference.split_once("::"), reference.strip_prefix("attack:")) {
                (Some((file, test)), _) if file.ends_with(".rs") || file.ends_with(".py") => {
                    known.get(file).is_some_and(|tests| tests.contains(test))
                }
                (_, Some(id)) => checks.contains(&format!("id: \"{id}\"")),
                _ => continue,
            };
            named += 1;
            if !exists {
                missing.push(format!("{name}: {reference}"));
            }
        }
    }
    assert!(named > 200, "{named}");
    refuse("a table names tests that exist", missing);
}

#[test]
fn every_threat_has_its_line() {
    let text = document("THREATS.md");
    let mut seen = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("| T")) {
        let numbers = line.split(" |").next().unwrap();
        let (first, last) = numbers.split_once("–T").unwrap_or((numbers, numbers));
        let (first, last): (u16, u16) = (first.parse().unwrap(), last.parse().unwrap());
        assert!((first..=last).all(|number| seen.insert(number)), "T{numbers} is there twice");
    }
    assert_eq!(seen, (1..=LAST_THREAT).collect());
}
