//! A chain of an audit log: whatever is done to it is found.
#![allow(clippy::unwrap_used)]

use lychgate_signing::{
    KeyRing,
    audit::{AuditSigner, Checkpoint, Content, Finding, Linked, Origin, Purpose, Verifier, commitment, link},
};
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    seq: i64,
    place: i64,
    link: String,
    id: String,
    at: i64,
    kind: String,
    actor: String,
    actor_id: Option<i64>,
    user_id: Option<i64>,
    request_id: Option<String>,
    details: Option<(String, String)>,
    commitment: String,
    mac: String,
}

impl Entry {
    fn content(&self) -> Content<'_> {
        Content {
            id: &self.id,
            at: self.at,
            kind: &self.kind,
            actor: &self.actor,
            actor_id: self.actor_id,
            user_id: self.user_id,
            request_id: self.request_id.as_deref(),
            commitment: &self.commitment,
        }
    }
}

fn signer(key: &str) -> AuditSigner {
    AuditSigner::new(&KeyRing::new(key).unwrap())
}

/// A log of so many entries and its end.
fn log(signer: &AuditSigner, length: i64) -> (Vec<Entry>, Checkpoint) {
    let mut before = Origin::default().link().to_owned();
    let mut entries = Vec::new();
    for place in 1..=length {
        let (salt, text) = (format!("salt {place}"), format!("{{\"address\":\"192.0.2.{place}\"}}"));
        let mut entry = Entry {
            seq: place * 2,
            place,
            link: String::new(),
            id: format!("id {place}"),
            at: 1_750_000_000_000_000 + place,
            kind: ["sign-in", "sign-in-failed"][usize::from(place % 3 == 0)].to_owned(),
            actor: "user".to_owned(),
            actor_id: (place % 2 == 0).then_some(place),
            user_id: Some(place % 4),
            request_id: (place % 5 != 0).then(|| format!("request {place}")),
            commitment: commitment(&salt, &text),
            details: Some((salt, text)),
            mac: String::new(),
        };
        entry.mac = signer.sign_entry(&entry.content());
        entry.link = link(&before, place, entry.seq, &entry.content(), &entry.mac);
        before.clone_from(&entry.link);
        entries.push(entry);
    }
    let end = signer.sign_checkpoint(Purpose::Reached, length, &before, 1_750_000_001_000_000);
    (entries, end)
}

fn verify(signer: &AuditSigner, origin: Origin, entries: &[Entry], end: &Checkpoint) -> Vec<Finding> {
    let mut verifier = Verifier::new(signer, origin);
    let mut found = Vec::new();
    for entry in entries {
        found.extend(verifier.entry(&Linked {
            seq: entry.seq,
            place: entry.place,
            link: &entry.link,
            content: entry.content(),
            mac: &entry.mac,
            details: entry.details.as_ref().map(|(salt, text)| (salt.as_str(), text.as_str())),
        }));
    }
    found.extend(verifier.checkpoint(end));
    found
}

/// Chains the entries anew from `from` on, as somebody does who can compute hashes but has no key.
fn chain_anew(entries: &mut [Entry], from: usize) {
    let mut before = match from.checked_sub(1) {
        Some(at) => entries[at].link.clone(),
        None => Origin::default().link().to_owned(),
    };
    for (at, entry) in entries.iter_mut().enumerate().skip(from) {
        entry.place = i64::try_from(at).unwrap() + 1;
        entry.link = link(&before, entry.place, entry.seq, &entry.content(), &entry.mac);
        before.clone_from(&entry.link);
    }
}

/// Changes one field of an entry.
fn change(entry: &mut Entry, field: usize) {
    let flip = |id: &mut Option<i64>| *id = if id.is_some() { None } else { Some(0) };
    match field {
        0 => entry.seq += 1,
        1 => entry.place += 1,
        2 => entry.link = "0".repeat(64),
        3 => entry.id.push('x'),
        4 => entry.at -= 1,
        5 => entry.kind = "sign-out".to_owned(),
        6 => entry.actor = "system".to_owned(),
        7 => flip(&mut entry.actor_id),
        8 => flip(&mut entry.user_id),
        9 => entry.request_id = if entry.request_id.is_some() { None } else { Some(String::new()) },
        10 => entry.details.as_mut().unwrap().1.push(' '),
        11 => entry.details.as_mut().unwrap().0.push(' '),
        12 => entry.commitment = commitment("other", "{}"),
        _ => entry.mac.push('0'),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_whole_log_is_found_whole(length in 0_i64..40) {
        let signer = signer("key");
        let (entries, end) = log(&signer, length);
        prop_assert_eq!(verify(&signer, Origin::default(), &entries, &end), vec![]);
    }

    #[test]
    fn every_change_is_found(length in 1_i64..30, which in any::<prop::sample::Index>(), field in 0_usize..14) {
        let signer = signer("key");
        let (mut entries, end) = log(&signer, length);
        let at = which.index(entries.len());
        change(&mut entries[at], field);
        prop_assert!(!verify(&signer, Origin::default(), &entries, &end).is_empty());
        // Not even chaining it all anew hides it; an entry that is only linked wrongly is as it was then.
        chain_anew(&mut entries, 0);
        let whole = field == 1 || field == 2;
        prop_assert_eq!(verify(&signer, Origin::default(), &entries, &end).is_empty(), whole);
    }

    #[test]
    fn every_removal_is_found(length in 2_i64..30, from in any::<prop::sample::Index>(), count in 1_usize..5) {
        let signer = signer("key");
        let (mut entries, end) = log(&signer, length);
        let from = from.index(entries.len());
        let to = (from + count).min(entries.len());
        entries.drain(from..to);
        prop_assert!(!verify(&signer, Origin::default(), &entries, &end).is_empty());
        chain_anew(&mut entries, 0);
        prop_assert!(!verify(&signer, Origin::default(), &entries, &end).is_empty());
    }

    #[test]
    fn every_swap_is_found(length in 2_i64..30, a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let signer = signer("key");
        let (mut entries, end) = log(&signer, length);
        let (a, b) = (a.index(entries.len()), b.index(entries.len()));
        prop_assume!(a != b);
        entries.swap(a, b);
        prop_assert!(!verify(&signer, Origin::default(), &entries, &end).is_empty());
        // With each other's place and link, and with the whole chain made anew.
        let (place, link) = (entries[a].place, entries[a].link.clone());
        (entries[a].place, entries[a].link) = (entries[b].place, entries[b].link.clone());
        (entries[b].place, entries[b].link) = (place, link);
        prop_assert!(!verify(&signer, Origin::default(), &entries, &end).is_empty());
        chain_anew(&mut entries, 0);
        prop_assert!(!verify(&signer, Origin::default(), &entries, &end).is_empty());
    }

    #[test]
    fn every_insertion_is_found(length in 1_i64..30, at in any::<prop::sample::Index>(), copy in any::<bool>()) {
        let signer = signer("key");
        let (mut entries, end) = log(&signer, length);
        let at = at.index(entries.len());
        let mut put = entries[at].clone();
        if !copy {
            put.user_id = Some(99);
        }
        entries.insert(at, put);
        prop_assert!(!verify(&signer, Origin::default(), &entries, &end).is_empty());
        chain_anew(&mut entries, 0);
        prop_assert!(!verify(&signer, Origin::default(), &entries, &end).is_empty());
    }

    #[test]
    fn reading_a_checkpoint_never_panics(text in ".{0,80}") {
        let _ = Checkpoint::from_text(&text);
    }
}

#[test]
fn a_change_is_found_where_it_is() {
    let signer = signer("key");
    let (whole, end) = log(&signer, 9);
    let mut entries = whole.clone();
    entries[3].user_id = Some(99);
    let found = verify(&signer, Origin::default(), &entries, &end);
    assert_eq!(found, [Finding::Changed { place: 4 }, Finding::Forged { place: Some(4), seq: 8 }]);
    let mut entries = whole.clone();
    entries.drain(2..4);
    assert_eq!(verify(&signer, Origin::default(), &entries, &end), [Finding::Missing { from: 3, to: 4 }]);
    let cut = verify(&signer, Origin::default(), &whole[..7], &end);
    assert_eq!(cut, [Finding::CheckpointMissed { place: 9 }]);
}

#[test]
fn erased_details_leave_the_chain_whole() {
    let signer = signer("key");
    let (mut entries, end) = log(&signer, 5);
    entries[2].details = None;
    assert_eq!(verify(&signer, Origin::default(), &entries, &end), []);
}

#[test]
fn what_is_old_can_be_forgotten() {
    let signer = signer("key");
    let (entries, end) = log(&signer, 9);
    let begins = signer.sign_checkpoint(Purpose::Begins, 4, &entries[3].link, 0);
    let origin = signer.origin(&begins).unwrap();
    assert_eq!(verify(&signer, origin.clone(), &entries[4..], &end), []);
    assert_eq!(verify(&signer, origin, &entries[5..], &end), [Finding::Missing { from: 5, to: 5 }]);
    // A checkpoint on the way is no beginning.
    let on_the_way = signer.sign_checkpoint(Purpose::Reached, 4, &entries[3].link, 0);
    assert_eq!(signer.origin(&on_the_way), None);
    assert_eq!(signer.origin(&Checkpoint { place: 5, ..begins }), None);
}

#[test]
fn an_old_key_verifies_and_a_foreign_one_does_not() {
    let old = signer("old");
    let (entries, end) = log(&old, 4);
    let rotated = AuditSigner::new(&KeyRing::new("new").unwrap().with_fallbacks(["old"]).unwrap());
    assert_eq!(verify(&rotated, Origin::default(), &entries, &end), []);
    let found = verify(&signer("new"), Origin::default(), &entries, &end);
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn checkpoints_survive_as_text() {
    let signed = signer("key").sign_checkpoint(Purpose::Reached, 7, &"a".repeat(64), -5);
    assert_eq!(Checkpoint::from_text(&format!(" {}\n", signed.to_text())), Some(signed));
    for text in ["", "7", "7:1:a", "x:1:a:b", "-1:1:a:b", "1:1::b", "1:1:a:b c"] {
        assert_eq!(Checkpoint::from_text(text), None, "{text}");
    }
}

/// The bytes that are hashed must never change: logs that were written would break.
#[test]
fn the_format_stays() {
    let committed = commitment("salt", "{}");
    let content = Content {
        id: "id",
        at: 1,
        kind: "sign-in",
        actor: "user",
        actor_id: None,
        user_id: Some(-1),
        request_id: Some("r"),
        commitment: &committed,
    };
    let mac = signer("key").sign_entry(&content);
    let all = [committed.clone(), mac.clone(), link("before", 1, 2, &content, &mac)];
    assert_eq!(all, KNOWN);
}

/// Computed by another program.
const KNOWN: [&str; 3] = [
    "a0a27b406ada13f650b8be4aa2be035d99fbb990f937988b05c0156dc8da8c70",
    "1.c113e8237f9d10d9bb808939e7a05ef1bb8ef40e7a7910654a7e15fc61447504",
    "c494ddd808d5ad10b2350199d5d2f1c19fa1e00d4556cac24064e4238b909e6a",
];
