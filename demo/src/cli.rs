//! The command line: the ports, and the command to run.

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::ports::PortFlags;
use crate::role::Role;
use crate::tour::TourFlags;

/// Runs checkout and inventory, receives their traces and shows them.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
pub struct Cli {
    /// The command. Without one, the demo runs until Ctrl-C.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The ports to use.
    #[command(flatten)]
    pub ports: PortFlags,
}

/// The other commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run every request of the catalogue and every pitfall once, show what came of each and check it
    Tour(TourFlags),
    /// Runs as one of the services. The demo starts its child processes with this command.
    #[command(hide = true)]
    Service {
        /// The service to run as.
        role: Role,
    },
    /// Run the pitfall that needs its own process; the tour starts this.
    #[command(hide = true)]
    UnflushedExit {
        /// Whether to run the fixed form, which loses nothing.
        #[arg(long)]
        fixed: bool,
    },
}

impl Cli {
    /// Reads the command line. If it is invalid, ends the process with exit code 2 before anything is started.
    pub fn read() -> Self {
        let cli = Self::parse();
        if let Err(error) = cli.check() {
            error.exit();
        }
        cli
    }

    /// Rejects invalid combinations of flags, such as two equal ports.
    fn check(&self) -> Result<(), clap::Error> {
        let error = |kind, text: String| Err(Self::command().error(kind, text));
        let ports = match self.command {
            None => self.ports.or_documented(),
            Some(Command::Tour(_)) => self.ports.or_free(),
            Some(_) if self.ports.is_empty() => return Ok(()),
            Some(_) => {
                let text = "only the demo and its tour use the ports: this command takes free ones";
                return error(ErrorKind::ArgumentConflict, text.to_owned());
            }
        };
        match ports.check() {
            Ok(()) => Ok(()),
            Err(same) => error(ErrorKind::ArgumentConflict, same.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flag_is_accepted_before_and_after_subcommand() {
        for line in [
            ["demo", "--ui-port", "1", "tour"],
            ["demo", "tour", "--ui-port", "1"],
        ] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!(cli.ports.or_free().ui.number, 1, "{line:?}");
            assert_eq!(cli.ports.or_free().otlp.number, 0, "{line:?}");
        }
    }

    #[test]
    fn step_flag_is_off_unless_given() {
        let step = |line: &[&str]| match Cli::try_parse_from(line).unwrap().command {
            Some(Command::Tour(flags)) => (flags.step, flags.scenes),
            other => panic!("{other:?}"),
        };
        assert_eq!(step(&["demo", "tour"]), (false, vec![]));
        assert_eq!(step(&["demo", "tour", "--step"]), (true, vec![]));
        let scenes = vec!["item-123".to_owned()];
        assert_eq!(
            step(&["demo", "tour", "--step", "item-123"]),
            (true, scenes)
        );
    }

    fn error(line: &[&str]) -> clap::Error {
        let checked = Cli::try_parse_from(line).and_then(|cli| cli.check());
        checked.expect_err("the line cannot be used")
    }

    #[test]
    fn equal_ports_are_refused_with_both_names() {
        for (line, names, flag) in [
            (
                &["demo", "--checkout-port", "8081"][..],
                "checkout and inventory",
                "--inventory-port",
            ),
            (
                &["demo", "--otlp-port=7", "--ui-port=7", "tour"],
                "the OTLP receiver and the trace viewer",
                "--ui-port",
            ),
        ] {
            let error = error(line);
            assert_eq!(error.exit_code(), 2);
            for part in [names, flag] {
                assert!(error.to_string().contains(part), "{error}");
            }
        }
        for line in [&["demo"][..], &["demo", "tour"]] {
            Cli::try_parse_from(line).unwrap().check().unwrap();
        }
    }

    #[test]
    fn unusable_values_are_refused_with_what_is_allowed() {
        for (line, parts) in [
            (
                &["demo", "tour", "item-stucked"][..],
                &[
                    "'item-stucked'",
                    "item-123",
                    "inventory-is-down",
                    "raw-client",
                ][..],
            ),
            (&["demo", "nope"], &["'nope'"]),
            (&["demo", "--ui-port", "70000"], &["70000", "65535"]),
        ] {
            let error = error(line);
            assert_eq!(error.exit_code(), 2, "{line:?}");
            for part in parts {
                assert!(error.to_string().contains(part), "{error}");
            }
        }
    }

    #[test]
    fn ports_of_a_command_without_ports_are_refused() {
        for line in [
            ["demo", "--ui-port=7", "unflushed-exit"],
            ["demo", "unflushed-exit", "--ui-port=7"],
        ] {
            assert_eq!(error(&line).exit_code(), 2);
        }
    }
}
