//! COSE keys: which are read, and which are not.
#![allow(clippy::unwrap_used)]

mod site;

use lychgate_webauthn::{Algorithm, BadKey, PublicKey, testing::Authenticator};
use serde_json::Value;
use site::{ORIGIN, creation};

/// A key of each algorithm, from the other implementation.
fn known(algorithm: Algorithm) -> Vec<u8> {
    let data: Value = serde_json::from_str(include_str!("data/py_webauthn.json")).unwrap();
    let ceremonies = data["ceremonies"].as_array().unwrap();
    let ceremony = ceremonies.iter().find(|ceremony| ceremony["algorithm"] == algorithm.id()).unwrap();
    let hex = ceremony["public_key"].as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn replaced(key: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = key.windows(old.len()).position(|part| part == old).expect("the part is there");
    [&key[..at], new, &key[at + old.len()..]].concat()
}

fn is_bad(key: &[u8]) -> bool {
    PublicKey::from_cose(key).is_err_and(|bad| matches!(bad, BadKey { .. }))
}

/// An RSA key with that modulus and exponent, RS256.
fn rsa(n: &[u8], e: &[u8]) -> Vec<u8> {
    let length = u16::try_from(n.len()).unwrap().to_be_bytes();
    let short = u8::try_from(e.len()).unwrap();
    [b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59", &length[..], n, b"\x21", &[0x40 | short], e].concat()
}

#[test]
fn every_algorithm_is_read() {
    for algorithm in Algorithm::ALL.iter().copied() {
        let key = PublicKey::from_cose(&known(algorithm)).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(Algorithm::from_id(algorithm.id()), Some(algorithm));
        assert!(key.verify(b"message", b"").is_err());
    }
    assert_eq!(Algorithm::from_id(-65535), None);
    assert_eq!(Algorithm::from_id(0), None);
}

#[test]
fn members() {
    let key = known(Algorithm::Es256);
    assert!(key.starts_with(b"\xa5\x01\x02\x03\x26\x20\x01"));
    let with = |old: &[u8], new: &[u8]| replaced(&key, old, new);
    // Key type, algorithm and curve belong together.
    for (old, new) in [
        (&b"\x01\x02\x03\x26"[..], &b"\x01\x01\x03\x26"[..]),
        (b"\x01\x02\x03\x26", b"\x01\x03\x03\x26"),
        (b"\x03\x26", b"\x03\x27"),
        (b"\x03\x26", b"\x03\x38\x23"),
        (b"\x03\x26", b"\x03\x39\xff\xfe"),
        (b"\x20\x01", b"\x20\x02"),
        (b"\x20\x01", b"\x20\x08"),
        (b"\x20\x01", b"\x20\x41\x01"),
        // A label that is text, one twice, one missing, too few and too many.
        (b"\xa5\x01\x02", b"\xa5\x63kty\x02"),
        (b"\xa5\x01\x02", b"\xa6\x01\x02\x01\x02"),
        (b"\xa5\x01\x02\x03\x26", b"\xa4\x01\x02"),
        (b"\xa5\x01\x02", b"\xa4\x01\x02"),
        (b"\xa5\x01\x02", b"\xa6\x01\x02"),
        (b"\xa5\x01\x02", b"\xbf\x01\x02"),
        (b"\xa5\x01\x02", b"\xd8\x00\xa5\x01\x02"),
    ] {
        assert!(is_bad(&with(old, new)), "{new:x?}");
    }
    assert!(is_bad(&[&key[..], b"\0"].concat()));
    assert!(is_bad(&key[..key.len() - 1]));
    assert!(is_bad(b""));
    // A key id does no harm, nor does an integer that takes more room than needed.
    assert!(!is_bad(&with(b"\xa5\x01\x02", b"\xa6\x02\x42id\x01\x02")));
    assert!(!is_bad(&with(b"\x01\x02\x03\x26", b"\x18\x01\x19\x00\x02\x03\x38\x06")));
}

#[test]
fn points_off_the_curve() {
    for (algorithm, length) in [(Algorithm::Es256, 32), (Algorithm::Es384, 48), (Algorithm::Es512, 66)] {
        let key = known(algorithm);
        let mut flipped = key.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(is_bad(&flipped), "{algorithm:?}");
        let mut zero = key.clone();
        let x = key.len() - 3 - 2 * length;
        zero[x..x + length].fill(0);
        zero[key.len() - length..].fill(0);
        assert!(is_bad(&zero), "{algorithm:?}");
        let mut beyond = key.clone();
        beyond[x..x + length].fill(0xff);
        assert!(is_bad(&beyond), "{algorithm:?}");
    }
    // Compressed, with a sign for y; and coordinates of another length.
    let key = known(Algorithm::Es256);
    assert!(is_bad(&[&key[..key.len() - 34], b"\xf5"].concat()));
    assert!(is_bad(&[&key[..key.len() - 34], b"\x58\x1f", &key[key.len() - 31..]].concat()));
    assert!(is_bad(&[&key[..key.len() - 34], b"\x58\x21\x00", &key[key.len() - 32..]].concat()));
    let edwards = known(Algorithm::EdDsa);
    assert!(is_bad(&[&edwards[..edwards.len() - 34], b"\x58\x1f", &edwards[edwards.len() - 31..]].concat()));
}

#[test]
fn sizes_of_rsa() {
    let modulus = |bytes: usize| {
        let mut n = vec![0xb5; bytes];
        n[bytes - 1] |= 1;
        n
    };
    let e = [1, 0, 1];
    assert!(!is_bad(&rsa(&modulus(256), &e)));
    assert!(!is_bad(&rsa(&modulus(1024), &e)));
    assert!(!is_bad(&rsa(&modulus(256), &[3])));
    assert!(is_bad(&rsa(&modulus(1025), &e)));
    assert!(is_bad(&rsa(&modulus(255), &e)));
    assert!(is_bad(&rsa(&[&[0x7f], &modulus(255)[..]].concat(), &e)));
    assert!(is_bad(&rsa(&[&[0], &modulus(256)[..]].concat(), &e)));
    assert!(is_bad(&rsa(&[&modulus(255)[..], &[0xb4]].concat(), &e)));
    for e in [&[][..], &[1], &[2], &[0, 3], &[1, 0, 0], &[1, 0, 0, 0, 1], &[0; 4]] {
        assert!(is_bad(&rsa(&modulus(256), e)), "{e:?}");
    }
}

#[test]
fn signatures() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        let mut authenticator = Authenticator { algorithm, ..Authenticator::default() };
        authenticator.create(&creation(), ORIGIN).unwrap();
        let key = PublicKey::from_cose(&authenticator.keys[0].cose()).unwrap();
        let signature = authenticator.keys[0].sign(b"message");
        key.verify(b"message", &signature).unwrap();
        assert!(key.verify(b"massage", &signature).is_err());
        assert!(key.verify(b"message", &[&signature[..], b"\0"].concat()).is_err());
        assert!(key.verify(b"message", &signature[..signature.len() - 1]).is_err());
    }
}
