//! Telling a secret from a sample.

/// The least length of a secret, in bytes: 128 bits.
pub(crate) const SECRET_MIN: usize = 16;
/// Texts that stand for a secret in examples, without case, spaces and signs.
const SAMPLES: &[&str] = &[
    "admin",
    "change",
    "changeit",
    "changeme",
    "changethis",
    "default",
    "dev",
    "development",
    "devkey",
    "devsecret",
    "example",
    "examplekey",
    "fixme",
    "flask",
    "insecure",
    "key",
    "lychgate",
    "mysecret",
    "mysecretkey",
    "notasecret",
    "notsecret",
    "pass",
    "password",
    "placeholder",
    "replaceme",
    "sample",
    "samplekey",
    "secret",
    "secretkey",
    "supersecret",
    "supersecretkey",
    "test",
    "testing",
    "testkey",
    "thisisasecret",
    "thisisnotsecret",
    "todo",
    "topsecret",
    "verysecret",
    "yoursecret",
    "yoursecrethere",
    "yoursecretkey",
    "yoursecretkeyhere",
];

/// What is wrong with a secret, if anything.
pub(crate) fn weakness(secret: &str) -> Option<&'static str> {
    let plain: String = secret.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(40).collect();
    let word = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    if SAMPLES.contains(&word) {
        return Some("is a sample that everybody knows");
    }
    if secret.len() < SECRET_MIN {
        return Some("is too short");
    }
    let mut distinct: Vec<u8> = secret.bytes().take(1_024).collect();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() < 5).then_some("repeats a few characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_and_short_secrets_are_weak() {
        for weak in ["secret", "SECRET_KEY", "change me 2024", "dev", "0123456789abcde", "abababababababababababab", ""]
        {
            assert!(weakness(weak).is_some(), "{weak}");
        }
        for strong in ["0f7e2a91c4b8d653", "correct horse battery staple", "ключ-из-надёжного-источника"]
        {
            assert_eq!(weakness(strong), None, "{strong}");
        }
    }
}
