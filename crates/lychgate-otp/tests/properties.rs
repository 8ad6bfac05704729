//! Properties over arbitrary keys, times, codes and stored texts.
#![allow(clippy::unwrap_used)]

use lychgate_otp::{Algorithm, Code, Key, MethodSecrets, Totp, Wallet, recovery};
use proptest::prelude::*;

fn totps() -> impl Strategy<Value = Totp> {
    let algorithm = prop::sample::select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]);
    let name = || prop::option::of("[^:]{0,40}");
    (prop::collection::vec(any::<u8>(), 10..=128), algorithm, 6..=10_u32, 1..=86_400_u64, name(), name()).prop_map(
        |(key, algorithm, digits, period, label, issuer)| {
            let mut totp = Totp::new(Key::new(key).unwrap()).with_algorithm(algorithm);
            totp = totp.with_digits(digits).unwrap().with_period(period).unwrap();
            if let Some(label) = label {
                totp = totp.with_label(label).unwrap();
            }
            if let Some(issuer) = issuer {
                totp = totp.with_issuer(issuer).unwrap();
            }
            totp
        },
    )
}

fn wallet() -> Wallet {
    Wallet::new([("1", "old"), ("2", "new")]).unwrap().with_cost(1).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_stored_is_read(totp in totps()) {
        let plain = totp.to_plain_json();
        prop_assert!(plain.is_ascii());
        let read = Totp::from_plain_json(&plain).unwrap();
        prop_assert_eq!(&*read.to_plain_json(), &*plain);
        let read = wallet().decrypt(&wallet().encrypt(&totp).unwrap()).unwrap();
        prop_assert_eq!(&*read.to_plain_json(), &*plain);
    }

    #[test]
    fn a_code_is_good_in_its_window_only(totp in totps(), now: u64, window in 0..1000_u64, drift in -2000..2000_i64) {
        let at = now.saturating_add_signed(drift);
        let counter = at / totp.period();
        let found = totp.verify(totp.code_at(at).as_str(), now, window, None);
        let inside = now.saturating_sub(window) / totp.period() <= counter
            && counter <= now.saturating_add(window) / totp.period();
        if inside {
            // A later counter may have the same code; it is spent with it.
            prop_assert!(found >= Some(counter));
            prop_assert_eq!(totp.verify(totp.code_at(at).as_str(), now, window, found), None);
        } else if let Some(other) = found {
            let (here, there) = (totp.code_at(at), totp.code_at(other.saturating_mul(totp.period())));
            prop_assert_eq!(here.as_str(), there.as_str());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text: String, digits: u32, now: u64) {
        let totp = Totp::new(Key::new([7; 20]).unwrap());
        let _ = totp.verify(&text, now, u64::MAX, Some(now));
        let _ = Code::parse(&text, digits);
        let _ = Code::from_number(now, digits);
        let _ = Key::from_base32(&text);
        let _ = wallet().decrypt(&text);
        let _ = wallet().needs_recrypt(&text);
        let _ = MethodSecrets::parse(Some(&text));
        let _ = totp.uri(&text, &text);
        let _ = recovery::clean(&text);
        let _ = recovery::find(&[&text], &text);
    }

    #[test]
    fn keys_survive_being_copied(bytes in prop::collection::vec(any::<u8>(), 10..=128)) {
        let key = Key::new(bytes.clone()).unwrap();
        let again = Key::from_base32(&key.pretty().to_lowercase()).unwrap();
        prop_assert_eq!(again.as_bytes(), bytes.as_slice());
    }

    #[test]
    fn keys_by_method_are_read_back(methods in prop::collection::vec((".{0,8}", ".{0,40}"), 0..8)) {
        let mut secrets = MethodSecrets::default();
        for (method, secret) in methods {
            secrets.set(method, secret);
        }
        let column = secrets.to_column();
        prop_assert!(column.as_deref().is_none_or(str::is_ascii));
        prop_assert_eq!(MethodSecrets::parse(column.as_deref()).unwrap(), secrets);
    }
}
