//! The mail server.

use crate::settings::setting::{Section, Setting, any, flag, int, mailbox, opt_duration, opt_text, section, text};

pub(crate) const SETTINGS: &[Setting] = &section(
    Section::Mail,
    [
        text("server", "localhost").means("Host of the mail server."),
        int("port", 25).within(1, 65_535).means("Port of the mail server."),
        opt_text("username").means("Name for signing in at the mail server."),
        opt_text("password").secret().means("Password for signing in at the mail server."),
        flag("use_tls", false).means("Whether the connection is secured by STARTTLS."),
        flag("use_ssl", false).means("Whether the connection is secured from the start."),
        opt_duration("timeout").means("Longest wait for the mail server; off for 10 seconds."),
        mailbox("default_sender").means("Sender of mails where `email_sender` is not given."),
        opt_text("ssl_cafile")
            .means("File of certificates that vouch for the mail server, beside the public authorities."),
        opt_text("ssl_keyfile").means("File of the client key."),
        opt_text("ssl_certfile").means("File of the client certificate."),
        text("backend", "smtp").means("Where mails go: \"smtp\", \"console\", \"file\", \"locmem\" or \"dummy\"."),
        opt_text("file_path").means("Folder of mails for the \"file\" backend."),
        text("default_charset", "utf-8").without_meaning("mails are UTF-8").means("Character set of mails."),
        flag("use_localtime", false)
            .without_meaning("dates of mails are in UTC")
            .means("Whether dates of mails are in local time."),
        any("send_options").without_meaning("there are no such options").means("Options for each sending."),
    ],
);
