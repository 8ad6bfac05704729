//! Whether the mail server is there: it has to greet (RFC 5321 section 4.3.1).

use std::{io, time::Duration};

use lychgate::Settings;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::Report;

const PATIENCE: Duration = Duration::from_secs(3);
/// RFC 5321 section 4.5.3.1.5: the longest line of a reply.
const LINE_MAX: usize = 512;

pub(super) async fn check(report: &mut Report, settings: &Settings) {
    let section = "mail";
    if !settings.given("mail.server") {
        return report.ok(section, "no mail server is named (mail.server)");
    }
    let backend = settings.text("mail.backend");
    if backend != "smtp" {
        return report.ok(section, format!("mails go to \"{backend}\", not to a server"));
    }
    let address = format!("{}:{}", settings.text("mail.server"), settings.int("mail.port"));
    let from_tls = settings.flag("mail.use_ssl");
    let advice = "see that mail.server and mail.port are right and that no firewall stands between";
    match timeout(PATIENCE, greeting(&address, from_tls)).await {
        Ok(Ok(None)) => report.ok(section, format!("{address} can be reached")),
        Ok(Ok(Some(line))) if line.starts_with("220") => report.ok(section, format!("{address} greets: {line}")),
        Ok(Ok(Some(line))) => {
            report.problem(section, format!("{address} does not greet as a mail server: {line}"), advice);
        }
        Ok(Err(error)) => report.problem(section, format!("{address} cannot be reached: {error}"), advice),
        Err(_) => report.problem(section, format!("{address} did not answer within {} s", PATIENCE.as_secs()), advice),
    }
}

/// The first line that the server says; nothing is read of one that expects TLS first.
async fn greeting(address: &str, from_tls: bool) -> io::Result<Option<String>> {
    let mut stream = TcpStream::connect(address).await?;
    if from_tls {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    while !bytes.contains(&b'\n') && bytes.len() < LINE_MAX {
        if (&mut stream).take((LINE_MAX - bytes.len()) as u64).read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    let _ = stream.write_all(b"QUIT\r\n").await;
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(text.lines().next().unwrap_or_default().trim().to_owned()))
}
