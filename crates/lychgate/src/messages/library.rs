//! All catalogues: those of the binary, and an application's that add to them or override them.

use std::{
    path::Path,
    sync::{Arc, LazyLock, OnceLock},
};

use super::catalogue::Catalogue;
use crate::settings::Settings;

/// The catalogues of the binary.
pub(super) const EMBEDDED: [(&str, &str); 3] = [
    ("en", include_str!("../../locales/en.toml")),
    ("de", include_str!("../../locales/de.toml")),
    ("es", include_str!("../../locales/es.toml")),
];

/// The name by which `i18n_dirname` speaks of the catalogues of the binary.
const BUILTIN: &str = "builtin";

/// The most files of a folder that are looked at.
const MOST_FILES: usize = 500;

static LOADED: LazyLock<Vec<Arc<Catalogue>>> = LazyLock::new(|| {
    // The files are part of the binary and tests read them: one that cannot be read shows keys instead of texts.
    let [_, others @ ..] = EMBEDDED;
    let read = |(tag, text)| Arc::new(Catalogue::parse(tag, tag, text, Some(english())).unwrap_or_default());
    std::iter::once(Arc::clone(&ENGLISH)).chain(others.map(read)).collect()
});

static ENGLISH: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let [(tag, text), ..] = EMBEDDED;
    Arc::new(Catalogue::parse(tag, tag, text, None).unwrap_or_default())
});

/// English, which every other language falls back to.
pub(super) fn english() -> &'static Catalogue {
    &ENGLISH
}

/// All catalogues, in the order in which a text is looked for; a clone is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    catalogues: Arc<[Arc<Catalogue>]>,
    added: Arc<Added>,
}

/// Catalogues of crates beside this one, looked in last. The list only grows, so that its texts can be lent out.
#[derive(Debug, Default)]
struct Added(OnceLock<Box<(Catalogue, Added)>>);

impl Added {
    fn iter(&self) -> impl Iterator<Item = &Catalogue> {
        std::iter::successors(self.0.get(), |here| here.1.0.get()).map(|here| &here.0)
    }

    fn push(&self, catalogue: Catalogue) {
        let (mut at, mut new) = (self, Box::new((catalogue, Self::default())));
        while let Err(back) = at.0.set(new) {
            new = back;
            let Some(here) = at.0.get() else { return };
            at = &here.1;
        }
    }
}

impl Library {
    /// The catalogues of the binary.
    pub(crate) fn embedded() -> Self {
        Self { catalogues: LOADED.clone().into(), added: Arc::default() }
    }

    /// Those handed in as (tag, text), then those of the folders of `i18n_dirname`, then, if it says so, those of the
    /// binary. English is always there. The error names file and line.
    pub(crate) fn load(settings: &Settings, named: &[(String, String)]) -> Result<Self, String> {
        let mut found = Vec::new();
        for (tag, text) in named {
            let file = format!("the catalogue {tag:?}");
            found.push(Arc::new(Catalogue::parse(check_tag(tag, &file)?, &file, text, Some(english()))?));
        }
        let mut builtin = false;
        for place in settings.list("i18n_dirname") {
            if place == BUILTIN {
                builtin = true;
            } else {
                read_folder(Path::new(place), &mut found)?;
            }
        }
        for warning in found.iter().flat_map(|catalogue| &catalogue.warnings) {
            tracing::warn!("{warning}");
        }
        found.extend(LOADED.iter().filter(|catalogue| builtin || catalogue.tag == "en").cloned());
        Ok(Self { catalogues: found.into(), added: Arc::default() })
    }

    /// Takes up a catalogue of a crate that brings pages; whoever has a handle to this library has it too. Once is enough.
    pub(crate) fn add(&self, tag: &str, text: &str) -> Result<(), String> {
        let file = format!("the added catalogue {tag:?}");
        let new = Catalogue::parse(check_tag(tag, &file)?, &file, text, Some(english()))?;
        if !self.added.iter().any(|known| known.tag == new.tag && known.texts == new.texts) {
            self.added.push(new);
        }
        Ok(())
    }

    /// The catalogues that were added for a tag, then for its language without region.
    pub(super) fn added<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a Catalogue> {
        let language = tag.split('-').next().unwrap_or_default();
        let own = self.added.iter().filter(move |known| known.tag == tag);
        own.chain(self.added.iter().filter(move |known| tag != language && known.tag == language))
    }

    /// The language tags that there are catalogues for, each once.
    pub(crate) fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for catalogue in &*self.catalogues {
            if !tags.contains(&catalogue.tag) {
                tags.push(catalogue.tag.clone());
            }
        }
        tags
    }

    /// Where a text is looked for: the catalogues of the tag, of its language without region, then English.
    pub(super) fn chain(&self, tag: &str) -> Vec<Arc<Catalogue>> {
        let language = tag.split('-').next().unwrap_or_default();
        let mut steps = vec![tag, language, "en"];
        steps.dedup();
        let of = |step: &str| self.catalogues.iter().filter(|known| known.tag == step).cloned().collect::<Vec<_>>();
        steps.into_iter().flat_map(of).collect()
    }
}

/// Where in `tags` a language range leads: the tag itself, else without its last parts (RFC 4647, 3.4), else any region
/// of the language.
pub(crate) fn matching<T: AsRef<str>>(range: &str, tags: &[T]) -> Option<usize> {
    let range = range.replace('_', "-");
    let find = |wanted: &str| tags.iter().position(|tag| tag.as_ref().eq_ignore_ascii_case(wanted));
    let mut rest = range.as_str();
    loop {
        if let Some(at) = find(rest) {
            return Some(at);
        }
        match rest.rsplit_once('-') {
            Some((head, _)) => rest = head,
            None => break,
        }
    }
    let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    tags.iter().position(|tag| !rest.is_empty() && language(tag.as_ref()) == rest.to_ascii_lowercase())
}

fn read_folder(folder: &Path, found: &mut Vec<Arc<Catalogue>>) -> Result<(), String> {
    let shown = folder.display();
    let entries = std::fs::read_dir(folder).map_err(|error| format!("i18n_dirname: {shown}: {error}"))?;
    let mut files: Vec<_> = entries.take(MOST_FILES).filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    if files.is_empty() {
        tracing::warn!("i18n_dirname: {shown} holds no catalogue; they are called as their language, de.toml for one");
    }
    for path in files {
        let file = path.display().to_string();
        let tag = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let tag = check_tag(tag, &file)?;
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
        found.push(Arc::new(Catalogue::parse(tag, &file, &text, Some(english()))?));
    }
    Ok(())
}

/// A language tag as far as its letters go (RFC 5646, 2.1): parts of up to eight letters and digits.
fn check_tag<'a>(tag: &'a str, file: &str) -> Result<&'a str, String> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let language = tag.split('-').next().unwrap_or_default();
    let fits = language.len() >= 2 && language.bytes().all(|b| b.is_ascii_lowercase()) && tag.split('-').all(part);
    if fits { Ok(tag) } else { Err(format!("{file}: {tag:?} is no language tag, such as de or pt-BR")) }
}
