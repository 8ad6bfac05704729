//! Mailers that need no mail server.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{MailError, Mailer, Message};

/// Writes letters to the log instead of sending them.
///
/// Bodies hold links that sign people in, so they are shown only where that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct LogMailer {
    bodies: bool,
}

impl LogMailer {
    /// With `bodies`, which is for development, the text part is shown as well.
    #[must_use]
    pub fn new(bodies: bool) -> Self {
        Self { bodies }
    }
}

impl Mailer for LogMailer {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let text = if self.bodies { message.text.as_deref() } else { None };
        tracing::info!(
            to = message.to,
            subject = message.subject,
            text,
            "a mail is written here instead of being sent"
        );
        Ok(())
    }

    async fn try_out(&self, message: &Message) -> Result<String, MailError> {
        self.send(message).await?;
        self.check().await
    }

    async fn check(&self) -> Result<String, MailError> {
        Ok("mails are written to the log, not sent".to_owned())
    }
}

/// Writes each letter to a file of its own, `<id>.eml`, which mail programs open and only its owner can read.
#[derive(Clone, Debug)]
pub struct FileMailer {
    folder: PathBuf,
}

impl FileMailer {
    /// Into `folder`, which has to exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

/// For its owner only: a letter may hold a link that signs somebody in.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

impl Mailer for FileMailer {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let bytes = message.to_mime()?;
        let plain =
            !message.id.is_empty() && message.id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !plain {
            return Err(MailError::permanent("the id cannot be the name of a file"));
        }
        let path = self.folder.join(format!("{}.eml", message.id));
        let written = tokio::task::spawn_blocking(move || write_private(&path, &bytes)).await;
        written.map_err(MailError::temporary)?.map_err(MailError::temporary)
    }

    async fn try_out(&self, message: &Message) -> Result<String, MailError> {
        self.send(message).await?;
        Ok(format!("written to {}, not sent", self.folder.join(format!("{}.eml", message.id)).display()))
    }

    async fn check(&self) -> Result<String, MailError> {
        if self.folder.is_dir() {
            Ok(format!("mails are written to the folder {}", self.folder.display()))
        } else {
            Err(MailError::temporary(format_args!("{} is not a folder", self.folder.display())))
        }
    }
}
