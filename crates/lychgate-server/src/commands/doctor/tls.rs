//! What is looked at of the certificate.

use std::path::Path;

use lychgate::{Settings, tls::Certificate};
use time::{Duration, OffsetDateTime, macros::format_description};

use super::Report;
use crate::files;

const SECTION: &str = "https";
/// Who renews by hand needs this long.
const SOON: Duration = Duration::days(14);

pub(super) fn check(report: &mut Report, settings: &Settings, now: OffsetDateTime) {
    let files = settings.text_opt("server.tls_certificate").zip(settings.text_opt("server.tls_key"));
    let domains = settings.list("server.acme_domains");
    let host = settings.text_opt("base_url").and_then(host_of);
    match files {
        Some((certificate, key)) => {
            let key = Path::new(key);
            if let Some(mode) = files::open_to_others(key) {
                let path = key.display();
                report.problem(
                    SECTION,
                    format!("{path} can be read by others (mode {mode:03o})"),
                    format!("chmod 600 {path}"),
                );
            }
            match Certificate::read(Path::new(certificate), key) {
                Ok(read) => certificate_of(report, certificate, &read, host, now),
                Err(problem) => report.problem(
                    SECTION,
                    problem.to_string(),
                    "name the files of one certificate, with its chain, and of its key, both in PEM",
                ),
            }
        }
        None if !domains.is_empty() => {
            report.ok(SECTION, format!("certificate of {} by ACME", domains.join(", ")));
            if let Some(host) = host.filter(|host| !domains.iter().any(|domain| domain.eq_ignore_ascii_case(host))) {
                report.problem(
                    SECTION,
                    format!("base_url names {host}, which is not in server.acme_domains"),
                    "add it there",
                );
            }
        }
        None => report.ok(SECTION, "no certificate: https is the affair of a proxy"),
    }
}

fn certificate_of(report: &mut Report, path: &str, certificate: &Certificate, host: Option<&str>, now: OffsetDateTime) {
    let day = |moment: OffsetDateTime| moment.format(format_description!("[year]-[month]-[day]")).unwrap_or_default();
    let (from, until) = (day(certificate.not_before), day(certificate.not_after));
    let renew = "renew it; the server reads the files again by itself";
    if now < certificate.not_before {
        report.problem(SECTION, format!("{path} is good from {from} only"), "look at the clock, or order another one");
    } else if now >= certificate.not_after {
        report.problem(SECTION, format!("{path} has expired on {until}"), renew);
    } else if certificate.not_after - now < SOON {
        report.warn(SECTION, format!("{path} expires on {until}"), Some(renew));
    } else {
        report.ok(SECTION, format!("{path} for {}, until {until}", certificate.names.join(", ")));
    }
    match host {
        Some(host) if !certificate.is_for(host) => report.problem(
            SECTION,
            format!("{path} is for {}, but base_url names {host}", certificate.names.join(", ")),
            "order a certificate for that name, or put base_url right",
        ),
        Some(_) => {}
        None => report.warn(SECTION, "there is no base_url to compare the certificate with", None),
    }
}

/// The host of an origin.
fn host_of(origin: &str) -> Option<&str> {
    let (_, rest) = origin.split_once("://")?;
    let authority = rest.split('/').next()?;
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    }
}
