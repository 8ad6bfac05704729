//! What is wrong with the settings, all of it at once.

use std::fmt;

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// Nowhere: the profile's default.
    Default,
    /// In a file, at a line counted from 1.
    File {
        /// The file's name as it was handed in.
        name: String,
        /// The line.
        line: usize,
    },
    /// In the environment variable of this name.
    Environment(String),
    /// By a call of the builder.
    Builder,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Builder => f.write_str("builder"),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub(crate) source: Source,
    pub(crate) text: String,
    /// The setting whose value was not understood.
    pub(crate) setting: Option<String>,
}

impl Problem {
    pub(crate) fn new(source: Source, text: impl Into<String>) -> Self {
        Self { source, text: text.into(), setting: None }
    }

    pub(crate) fn about(self, setting: String) -> Self {
        Self { setting: Some(setting), ..self }
    }

    /// Where it stands; [`Source::Default`] when something is missing.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Default => write!(f, "settings: {}", self.text),
            source => write!(f, "{source}: {}", self.text),
        }
    }
}

/// The settings cannot be used.
///
/// Prints one line for each problem, with file and line where there is one. No line holds the value
/// of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsErrors {
    problems: Vec<Problem>,
}

impl SettingsErrors {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// The problems, those of a file in the order of its lines.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for SettingsErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsErrors {}
