//! Files and folders that only their owner may read.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

/// Makes a folder, and those above it, for its owner only; one that exists stays as it is.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The text of a file of at most so many bytes.
pub(crate) fn read_bounded(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too long"));
    }
    Ok(text)
}

/// Writes a file that was not there, for its owner only. Nobody ever sees a part of it.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] if it is there by now.
pub(crate) fn create_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = write_draft(path, text)?;
    // A link, unlike a rename, never replaces; not every file system has it.
    let linked = match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !path.exists() => {
            return std::fs::rename(&draft, path);
        }
        result => result,
    };
    std::fs::remove_file(&draft)?;
    linked
}

/// Writes a file for its owner only, in place of what was there.
pub(crate) fn replace_private(path: &Path, text: &str) -> io::Result<()> {
    let draft = write_draft(path, text)?;
    std::fs::rename(&draft, path).inspect_err(|_| {
        let _ = std::fs::remove_file(&draft);
    })
}

/// A file for its owner only, made anew; nothing that was there is followed or kept.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_draft(path: &Path, text: &str) -> io::Result<std::path::PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:016x}", getrandom::u64().map_err(io::Error::other)?));
    let draft = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file: File| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map(|()| draft.clone()).inspect_err(|_| {
        let _ = std::fs::remove_file(&draft);
    })
}

/// The permissions of a file or folder that others than the owner have, such as `0o044`; `None` if there are none.
#[cfg(unix)]
pub(crate) fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Other systems have no such permissions.
#[cfg(not(unix))]
pub(crate) fn open_to_others(_: &Path) -> Option<u32> {
    None
}
