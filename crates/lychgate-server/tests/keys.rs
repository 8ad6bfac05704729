//! `lychgate keys`: what administrators see of API keys, and taking them back.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::Place;

/// Joe's keys: one good, one expired, one taken back.
fn place() -> Place {
    let place = Place::new();
    for name in ["joe", "ann"] {
        place.user(&[&format!("{name}@lp.com"), "--active"]);
    }
    for (id, end, revoked) in [
        ("-good", "NULL", "NULL"),
        ("expired", "'2020-01-02 00:00:00.000000'", "NULL"),
        ("revoked", "NULL", "'2020-01-02 00:00:00.000000'"),
    ] {
        place.sql(&format!(
            "INSERT INTO lychgate_api_keys (id, user_id, anchor, name, digest, hint, scopes, created_at, expires_at, \
             revoked_at) SELECT '{id}', id, '', 'a ' || char(27) || ' key', 'digest {id}', 'lgk_ab', 'read,write', \
             '2020-01-01 00:00:00.000000', {end}, {revoked} FROM \"user\" WHERE email = 'joe@lp.com'"
        ));
    }
    place
}

fn ids(said: &Value) -> Vec<&str> {
    said.as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap()).collect()
}

#[test]
fn keys_are_listed_and_taken_back() {
    let place = place();
    let listed = place.run(&["keys", "list"]);
    assert_eq!((listed.code, listed.err.as_str()), (0, ""), "{listed:?}");
    for word in ["OWNER", "-good", "joe@lp.com", "lgk_ab", "read, write"] {
        assert!(listed.out.contains(word), "{word}: {listed:?}");
    }
    assert!(!listed.out.contains("expired") && !listed.out.contains("digest") && !listed.out.contains('\u{1b}'));
    let key = &place.run(&["keys", "list", "joe@lp.com", "--json"]).json()[0];
    assert_eq!((&key["owner"], &key["state"]), (&json!("joe@lp.com"), &json!("good")));
    assert_eq!((&key["created_at"], key.get("digest")), (&json!("2020-01-01T00:00:00Z"), None));
    assert_eq!(place.run(&["keys", "list", "ann@lp.com", "--json"]).json(), json!([]));
    let all = place.run(&["keys", "list", "--all", "--json"]).json();
    assert_eq!(ids(&all), ["-good", "expired", "revoked"]);
    place.run(&["keys", "list", "nobody@lp.com"]).refuses("keys list", "User not found.");
    place.run(&["keys", "revoke", "-good"]).succeeds("The API key -good has been taken back.\n");
    for id in ["-good", "revoked", "nothing", ""] {
        let text = "There is no API key of this ID that could be taken back.";
        place.run(&["keys", "revoke", id]).refuses("keys revoke", text);
    }
    assert_eq!(place.run(&["keys", "list", "--json"]).json(), json!([]));
}
