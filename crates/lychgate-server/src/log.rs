//! The log: where it goes, and that nothing in it is taken for another line or for a command to the terminal.

use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The variable that says what is logged, such as `info` or `lychgate=debug`.
const LOG: &str = "LYCHGATE_LOG";

/// Logs to standard error: `default` and what is worse, unless the variable says otherwise.
pub(crate) fn start(default: &str, json: bool) {
    let coloured = !json && io::stderr().is_terminal();
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(discreet(filter))
        // It would tell of a log that cannot be written by writing to the log.
        .log_internal_errors(false)
        .with_ansi(coloured)
        .with_writer(Stderr { coloured });
    if json {
        log.json().init()
    } else {
        log.init()
    }
    std::panic::set_hook(Box::new(report_panic));
}

/// Without what would write down values: the driver of PostgreSQL logs the parameters of each statement.
fn discreet(filter: EnvFilter) -> EnvFilter {
    match "tokio_postgres=info".parse() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    }
}

/// A mistake of ours: where it is. What the code says of it is left out, as it may hold a value.
fn report_panic(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = std::backtrace::Backtrace::capture();
    let status = backtrace.status();
    let backtrace = (status == std::backtrace::BacktraceStatus::Captured).then(|| backtrace.to_string());
    let thread = std::thread::current();
    tracing::error!(
        place,
        thread = thread.name(),
        backtrace,
        "a mistake of the program; what it was doing was given up"
    );
}

#[derive(Clone, Copy, Debug)]
struct Stderr {
    coloured: bool,
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Lines<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines { to: io::stderr(), coloured: self.coloured }
    }
}

/// Writes events, each handed over whole, as one line each.
#[derive(Debug)]
struct Lines<W> {
    to: W,
    coloured: bool,
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        if line.chars().any(|c| is_odd(c, self.coloured)) {
            let mut clean = String::with_capacity(line.len() + 16);
            for c in line.chars() {
                if is_odd(c, self.coloured) {
                    // The form of JSON strings, which people read as well.
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        clean.push_str(&format!("\\u{unit:04x}"));
                    }
                } else {
                    clean.push(c);
                }
            }
            self.to.write_all(format!("{clean}\n").as_bytes())?;
        } else {
            self.to.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Whether a character can forge a line, command a terminal or turn the direction of what follows.
fn is_odd(c: char, coloured: bool) -> bool {
    // Our own colours begin with ESC; that of values is escaped before.
    let ours = coloured && c == '\u{1b}';
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && !ours) || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// T24: nobody gets parameters of statements into the log, whatever they ask for.
    #[test]
    fn parameters_of_statements_are_not_logged() {
        for asked in ["trace", "debug,tokio_postgres=trace", "tokio_postgres=debug"] {
            let sink = Sink::default();
            let to = sink.clone();
            let log = tracing_subscriber::fmt().with_env_filter(discreet(EnvFilter::new(asked)));
            let log = log.with_writer(move || to.clone()).finish();
            tracing::subscriber::with_default(log, || {
                tracing::debug!(target: "tokio_postgres::query", "executing with parameters: canary");
                tracing::info!(target: "tokio_postgres::connection", "a notice");
            });
            let written = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
            assert!(written.contains("a notice") && !written.contains("canary"), "{asked}: {written}");
        }
    }

    const NASTY: &str = "joe\r\n2026-01-01 ERROR forged \u{1b}[31m\u{9b}2J \u{202e}txet \u{2028} \u{0} end";

    /// T142: what clients send stays one line, whether it is a field, part of the message or the text of an error.
    #[test]
    fn what_clients_send_forges_no_line() {
        for json in [false, true] {
            let sink = Sink::default();
            let to = sink.clone();
            let log = tracing_subscriber::fmt()
                .with_ansi(false)
                .with_writer(move || Lines { to: to.clone(), coloured: false });
            let work = || {
                let span = tracing::info_span!("request", path = NASTY);
                let _in = span.enter();
                let error = io::Error::other(NASTY);
                tracing::warn!(name = NASTY, %error, ?error, "of {NASTY}");
            };
            if json {
                tracing::subscriber::with_default(log.json().finish(), work);
            } else {
                tracing::subscriber::with_default(log.finish(), work);
            }
            let written = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
            assert_eq!(written.matches('\n').count(), 1, "{written:?}");
            let line = written.strip_suffix('\n').unwrap();
            assert!(!line.chars().any(|c| is_odd(c, false)), "{line:?}");
            assert!(line.contains("\\u202e") && line.contains("end"), "{line:?}");
            if json {
                let read: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(read["fields"]["name"], NASTY, "what was sent can be read out of it");
            }
        }
    }
}
