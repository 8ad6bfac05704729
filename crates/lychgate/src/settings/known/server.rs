//! The listener: bounds of connections, TLS.

use crate::settings::setting::{
    MINUTE, Preset, Section, Setting, choice, duration, flag, int, list, opt_duration, opt_text, section, text,
};

pub(crate) const SETTINGS: &[Setting] = &section(
    Section::Server,
    [
        int("max_connections", 4096).within(1, 1_000_000).means(
            "Most connections at a time; a further one is refused at once. Fewer, where the process may open fewer files.",
        ),
        int("max_connections_per_address", 256)
            .within(1, 1_000_000)
            .means("Most connections of one address (IPv6: one /64). Those of proxies in `proxy.trusted` are not counted."),
        duration("header_timeout", 15).means("How long the head of a request may take, from its first byte to its last."),
        int("header_bytes", 32 * 1024).within(8192, 1 << 20).means(
            "Longest head of a request in bytes; a longer one is refused with 431.",
        ),
        int("header_count", 100).within(10, 1000).means("Most headers of a request; more are refused with 431."),
        duration("keep_alive", 75).means("How long a connection is kept on which nothing is asked."),
        duration("body_timeout", MINUTE).means("How long the body of a request may take; a slower one is refused with 408."),
        duration("body_grace", 10).means("How long it may take to come up to `body_rate`."),
        int("body_rate", 500)
            .within(1, 1 << 30)
            .means("Least bytes a second of the body of a request; a slower one is refused with 408."),
        duration("request_timeout", 2 * MINUTE)
            .means("How long a request may take from its head to the beginning of the reply; then it is given up with 503."),
        opt_duration("reply_timeout")
            .default(Preset::Seconds(600.0))
            .means("How long a reply may take to be sent; off for streams without an end."),
        duration("send_timeout", 30).means("How long a client may take nothing of what is sent."),
        flag("http2", true).means("Whether HTTP/2 is spoken."),
        int("http2_streams", 100).within(1, 10_000).means("Most requests at a time on a connection of HTTP/2."),
        opt_text("tls_certificate").means(
            "File of a certificate in PEM, its chain from its own certificate up; with it, `listen` speaks https. It is \
             read again when it changes and on SIGHUP.",
        ),
        opt_text("tls_key").means("File of the key of that certificate, in PEM."),
        choice("tls_min_version", &["1.2", "1.3"], "1.2").means("Oldest version of TLS."),
        duration("tls_handshake_timeout", 10).means("How long a TLS handshake may take."),
        opt_text("redirect_listen").means(
            "A second address and port, such as 0.0.0.0:80, where http is led to the same path of `base_url`.",
        ),
        list("acme_domains", &[]).means(
            "Host names of a certificate that is ordered by ACME, instead of `tls_certificate`: the authority must reach \
             `listen` as port 443 of each.",
        ),
        flag("acme_terms_agreed", false).means("Whether you agree to the terms of that authority; nothing is ordered otherwise."),
        opt_text("acme_contact").means("Mail address at which the authority may reach you."),
        text("acme_directory", "production").means(
            "The authority: \"production\" and \"staging\" of Let's Encrypt, or the URL of another's directory.",
        ),
        text("acme_cache", "acme").means("Folder where the account and the certificate are kept; only its owner may read it."),
        opt_text("acme_ca").means("File of certificates in PEM that are trusted for that directory, instead of the usual ones."),
        int("hashing_threads", 0).within(0, 256).means(
            "Most passwords that are hashed at a time; each takes the memory that its scheme asks for. 0 for as many as \
             cores, but no more than `hashing_memory` bears.",
        ),
        int("hashing_memory", 128 << 20)
            .within(1 << 20, 1 << 50)
            .means("Bytes that the passwords being hashed may take together, where `hashing_threads` is 0."),
        int("hashing_queue", 256)
            .within(1, 100_000)
            .means("Most passwords that wait to be hashed; beyond it a request is answered with 503."),
    ],
);
