//! How a command ends when it does not succeed.

use std::fmt;

use lychgate::{AccountError, BuildError, settings::SettingsErrors};
use lychgate_store::StoreError;

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Exit {
    /// What was asked for cannot be done as written: code 2, shown with the command's usage.
    Usage(String),
    /// The settings cannot be used: code 2, one line each.
    Settings(String),
    /// It was tried and did not work: code 1.
    Failed(String),
    /// Everything is said already: code 1.
    Reported,
    /// A question was not answered: code 1.
    Aborted,
}

impl Exit {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn failed(what: impl fmt::Display) -> Self {
        Self::Failed(what.to_string())
    }

    /// The exit code of the process.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Settings(_) => 2,
            Self::Failed(_) | Self::Reported | Self::Aborted => 1,
        }
    }
}

impl From<SettingsErrors> for Exit {
    fn from(errors: SettingsErrors) -> Self {
        Self::Settings(errors.to_string())
    }
}

impl From<BuildError> for Exit {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Setting(text) => Self::Settings(text),
            other => Self::failed(other),
        }
    }
}

impl From<StoreError> for Exit {
    fn from(error: StoreError) -> Self {
        Self::failed(error)
    }
}

impl From<AccountError> for Exit {
    fn from(error: AccountError) -> Self {
        Self::failed(error)
    }
}
