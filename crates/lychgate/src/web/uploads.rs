//! Files that users send: of known kinds by their content, of bounded size, under names of our own.
//!
//! ```
//! use lychgate::uploads::{Folder, Uploads};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let uploads = Uploads::new(Folder::at("instance/uploads")?).most_bytes(5 * 1024 * 1024);
//! let name = uploads.keep("Holiday.JPG", &[0xff, 0xd8, 0xff, 0xe0]).await?;
//! assert!(name.ends_with(".jpg"));
//! # Ok(())
//! # }
//! ```
//!
//! What a browser shows from the origin of the application could act as the application. Serve files with
//! [`Uploads::serve`], which makes them downloads, and from an origin of their own.

use std::{fmt, future::Future, io, path::PathBuf, pin::Pin, sync::Arc};

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use crate::{
    failure::{Error, Failure},
    messages,
};

/// The future of a [`Storage`].
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// Where files are kept: a [`Folder`], or an object store of the application's.
///
/// Names are those that [`Uploads`] makes: lower-case letters and digits, a dot, an ending.
pub trait Storage: Send + Sync + 'static {
    /// Keeps `bytes` under `name`, which is new.
    fn put<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Stored<'a, ()>;

    /// What is kept under `name`; nothing if there is no such file.
    fn get<'a>(&'a self, name: &'a str) -> Stored<'a, Option<Vec<u8>>>;

    /// Forgets what is kept under `name`; no error if there is no such file.
    fn remove<'a>(&'a self, name: &'a str) -> Stored<'a, ()>;
}

/// A folder on this machine.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`, made if it is not there.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn at(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Storage for Folder {
    fn put<'a>(&'a self, name: &'a str, bytes: &'a [u8]) -> Stored<'a, ()> {
        Box::pin(tokio::fs::write(self.0.join(name), bytes))
    }

    fn get<'a>(&'a self, name: &'a str) -> Stored<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            match tokio::fs::read(self.0.join(name)).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> Stored<'a, ()> {
        Box::pin(async move {
            match tokio::fs::remove_file(self.0.join(name)).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        })
    }
}

/// A kind of file: its ending, and how its content begins.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Endings of names, in lower case and without the dot; the first is that of kept files.
    pub endings: &'static [&'static str],
    /// Its media type.
    pub media_type: &'static str,
    /// What its content begins with; one of these.
    pub begins: &'static [&'static [u8]],
}

/// JPEG, PNG and GIF.
pub const IMAGES: &[Kind] = &[
    Kind { endings: &["jpg", "jpeg"], media_type: "image/jpeg", begins: &[b"\xff\xd8\xff"] },
    Kind { endings: &["png"], media_type: "image/png", begins: &[b"\x89PNG\r\n\x1a\n"] },
    Kind { endings: &["gif"], media_type: "image/gif", begins: &[b"GIF87a", b"GIF89a"] },
];

/// Takes files in and gives them out.
#[derive(Clone)]
pub struct Uploads {
    storage: Arc<dyn Storage>,
    kinds: &'static [Kind],
    most_bytes: usize,
}

impl Uploads {
    /// Keeps files in `storage`: images of at most 5 MiB.
    pub fn new(storage: impl Storage) -> Self {
        Self { storage: Arc::new(storage), kinds: IMAGES, most_bytes: 5 * 1024 * 1024 }
    }

    /// Takes these kinds of file only.
    #[must_use]
    pub fn kinds(self, kinds: &'static [Kind]) -> Self {
        Self { kinds, ..self }
    }

    /// Takes at most so many bytes a file.
    #[must_use]
    pub fn most_bytes(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }

    /// Keeps a file that a user calls `file_name`, and gives the name that it is kept under: a new random one, with the
    /// ending of its kind. Nothing of the user's name is used but the ending.
    ///
    /// # Errors
    ///
    /// 413 if it is too large, 400 if its ending is not of a known kind or its content is not what the ending says.
    pub async fn keep(&self, file_name: &str, bytes: &[u8]) -> Result<String, Error> {
        if bytes.len() > self.most_bytes {
            return Err(Error(Failure::bad(StatusCode::PAYLOAD_TOO_LARGE, messages::BODY_TOO_LARGE)));
        }
        let ending = file_name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        let kind = self.kinds.iter().find(|kind| kind.endings.contains(&ending.as_str()));
        let kind = kind.filter(|kind| kind.begins.iter().any(|begin| bytes.starts_with(begin)));
        let kind = kind.ok_or_else(|| Error(Failure::bad(StatusCode::BAD_REQUEST, messages::UPLOAD_KIND)))?;
        let stem = crate::random::hex();
        let name = format!("{stem}.{}", kind.endings.first().copied().unwrap_or_default());
        self.storage.put(&name, bytes).await.map_err(|error| Error(Failure::internal(error)))?;
        Ok(name)
    }

    /// A kept file as a download that no browser shows or runs.
    ///
    /// # Errors
    ///
    /// 404 if there is no such file, or the name is none of ours.
    pub async fn serve(&self, name: &str) -> Result<Response, Error> {
        let kind = self.kind_of(name).ok_or_else(Error::not_found)?;
        let bytes = self.storage.get(name).await.map_err(|error| Error(Failure::internal(error)))?;
        let bytes = bytes.ok_or_else(Error::not_found)?;
        let disposition = format!("attachment; filename=\"{name}\"");
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind.media_type)),
            (header::CONTENT_DISPOSITION, HeaderValue::try_from(disposition).map_err(Error::internal)?),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        ];
        Ok((headers, bytes).into_response())
    }

    /// Forgets a kept file, as when another takes its place; a name that is none of ours is no file.
    ///
    /// # Errors
    ///
    /// If it is kept still.
    pub async fn remove(&self, name: &str) -> Result<(), Error> {
        if self.kind_of(name).is_none() {
            return Ok(());
        }
        self.storage.remove(name).await.map_err(|error| Error(Failure::internal(error)))
    }

    /// The kind of a file by a name that [`keep`](Self::keep) has made.
    fn kind_of(&self, name: &str) -> Option<&'static Kind> {
        let (stem, ending) = name.split_once('.')?;
        let ours =
            stem.len() == STEM && stem.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
        self.kinds.iter().find(|kind| ours && kind.endings.first() == Some(&ending))
    }
}

/// Characters of a name before its dot.
const STEM: usize = 32;

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads").field("most_bytes", &self.most_bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    async fn outcome(uploads: &Uploads, name: &str, bytes: &[u8]) -> Result<String, u16> {
        uploads.keep(name, bytes).await.map_err(|error| error.0.status().as_u16())
    }

    #[tokio::test]
    async fn files_are_kept_by_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("new/uploads");
        let uploads = Uploads::new(Folder::at(&inside).unwrap()).most_bytes(16);
        let png = b"\x89PNG\r\n\x1a\nrest";
        let kept = outcome(&uploads, "../../../etc/Passwd.PNG", png).await.unwrap();
        assert_eq!(std::fs::read(inside.join(&kept)).unwrap(), png);
        for (name, bytes, status) in [
            ("shell.php", png.as_slice(), 400),
            ("shell.png.php", png, 400),
            ("png", png, 400),
            ("a.png", b"<script>", 400),
            ("a.jpg", png, 400),
            ("a.png", b"\x89PNG\r\n\x1a\n 17 bytes", 413),
        ] {
            assert_eq!(outcome(&uploads, name, bytes).await, Err(status), "{name}");
        }
        let served = uploads.serve(&kept).await.unwrap();
        assert_eq!(served.headers()["content-type"], "image/png");
        assert_eq!(served.headers()["content-disposition"], format!("attachment; filename=\"{kept}\""));
        for name in ["../secret.png", "secret.png", "", &kept.replace("png", "php"), &kept.to_uppercase()] {
            assert_eq!(uploads.serve(name).await.unwrap_err().0.status().as_u16(), 404, "{name}");
            uploads.remove(name).await.unwrap();
        }
        assert!(inside.join(&kept).exists());
        for _ in 0..2 {
            uploads.remove(&kept).await.unwrap();
        }
        assert_eq!(std::fs::read_dir(&inside).unwrap().count(), 0);
    }
}
