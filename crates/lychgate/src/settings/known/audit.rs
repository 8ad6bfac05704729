//! The audit log.

use crate::settings::setting::{DAY, Preset, Setting, duration, flag, opt_text};

pub(crate) const SETTINGS: &[Setting] = &[
    flag("audit", false)
        .modern(Preset::Flag(true))
        .means("Whether security events are entered in an audit log, signed and chained so that a change of it shows."),
    duration("audit_within", 2 * 365 * DAY).means("How long its entries are kept; 0 for ever."),
    opt_text("audit_checkpoint_file")
        .means("File to which each signed checkpoint of the log is added, for keeping out of reach of this machine."),
];
