//! Errors about how a command was called, laid out as the reference's command line does.

use std::ffi::OsString;

use clap::{ArgMatches, Command, error::ErrorKind};

use crate::output;

/// The names of the subcommands that were called, outermost first.
pub(crate) fn path(matches: &ArgMatches) -> Vec<String> {
    let mut path = Vec::new();
    let mut at = matches.subcommand();
    while let Some((name, below)) = at {
        path.push(name.to_owned());
        at = below.subcommand();
    }
    path
}

/// Prints the usage of the command at `path`, and the error.
pub(crate) fn complain(command: &mut Command, path: &[String], error: &str) {
    command.build();
    let mut at = command;
    for name in path {
        match at.find_subcommand(name) {
            Some(_) => {}
            None => break,
        }
        let Some(below) = at.find_subcommand_mut(name) else { return };
        at = below;
    }
    let usage = at.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let called = at.get_bin_name().unwrap_or("lychgate").to_owned();
    layout(usage, &called, error);
}

fn layout(usage: &str, called: &str, error: &str) {
    output::complain(format_args!("Usage: {usage}\nTry '{called} --help' for help.\n\nError: {error}"));
}

/// Prints what the parser says: help and versions as they are, errors in the common layout. Returns the exit code.
pub(crate) fn refuse(error: &clap::Error) -> u8 {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand) {
        let _ = error.print();
        return u8::try_from(error.exit_code()).unwrap_or(2);
    }
    let text = error.render().to_string();
    let text = text.trim_start_matches("error: ");
    let (what, rest) = text.split_once("\n\nUsage: ").unwrap_or((text, ""));
    let what = what.split("\n\nFor more information").next().unwrap_or(what).trim_end();
    match rest.lines().next() {
        Some(usage) => layout(usage, &called(usage), what),
        None => output::complain(format_args!("Error: {what}")),
    }
    2
}

/// The words of a usage before its first placeholder: what was called.
fn called(usage: &str) -> String {
    let words: Vec<&str> = usage.split(' ').take_while(|word| !word.starts_with(['[', '<', '-', '{'])).collect();
    words.join(" ")
}

/// The value of `--config` before the arguments are parsed for good.
pub(crate) fn value_of(name: &str, args: &[OsString]) -> Option<OsString> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let text = arg.to_str().unwrap_or_default();
        if text == "--" {
            return None;
        }
        if text == name {
            return args.next().cloned();
        }
        if let Some(value) = text.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_called_ends_at_the_first_placeholder() {
        assert_eq!(called("lychgate users create [OPTIONS] [ATTRIBUTES]..."), "lychgate users create");
        assert_eq!(called("lychgate <COMMAND>"), "lychgate");
    }

    #[test]
    fn an_option_is_found_before_parsing() {
        let args = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(value_of("--config", &args(&["x", "--config", "a"])), Some("a".into()));
        assert_eq!(value_of("--config", &args(&["x", "--config=b=c"])), Some("b=c".into()));
        assert_eq!(value_of("--config", &args(&["x", "--", "--config=b"])), None);
        assert_eq!(value_of("--config", &args(&["x", "--configure"])), None);
    }
}
