//! The command line: the ports, and the command to run.

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::soak::{CollectorArguments, SoakFlags};
use crate::tour::scene_names;

/// Runs checkout and inventory, receives their traces and shows them.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
pub struct Cli {
    /// The command; by default the demo runs until Ctrl-C.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Which ports to use.
    #[command(flatten)]
    pub ports: PortFlags,
}

/// The commands other than running the demo.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run every request of the catalogue and every pitfall once, show what came of each and check it
    Tour(TourFlags),
    /// Send orders while the collector fails or the services end, and show what that costs
    Soak(SoakFlags),
    /// Be the collector of the soak.
    #[command(hide = true)]
    SoakCollector(CollectorArguments),
    /// Be one of the services: how the demo starts its child processes.
    #[command(hide = true)]
    Service {
        /// Which one.
        role: Role,
    },
    /// Run the pitfall that needs its own process; the tour starts this.
    #[command(hide = true)]
    UnflushedExit {
        /// The form that loses nothing.
        #[arg(long)]
        fixed: bool,
    },
}

/// The flags of the tour.
#[derive(Clone, Debug, Default, Args)]
pub struct TourFlags {
    /// Only these, such as item-stuck or raw-client [default: all]
    #[arg(value_name = "SCENE", value_parser = PossibleValuesParser::new(scene_names()))]
    pub scenes: Vec<String>,
    /// Wait for Enter after each scene; ignored if standard input is not a terminal
    #[arg(long)]
    pub step: bool,
    /// Keep the trace viewer until Ctrl-C, so that the traces can be opened
    #[arg(long)]
    pub keep: bool,
}

/// A service this binary can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Service A, which takes the orders.
    Checkout,
    /// Service B, which keeps the stock.
    Inventory,
}

impl Role {
    /// The name in logs, traces and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Inventory => "inventory",
        }
    }
}

/// The four flags that move a port; 0 takes any free one.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct PortFlags {
    /// Port of checkout; 0 takes any free one, as the tour does for all four [default: 8080]
    #[arg(long, global = true, value_name = "PORT")]
    pub checkout_port: Option<u16>,
    /// Port of inventory [default: 8081]
    #[arg(long, global = true, value_name = "PORT")]
    pub inventory_port: Option<u16>,
    /// Port that receives OTLP over HTTP [default: 4318]
    #[arg(long, global = true, value_name = "PORT")]
    pub otlp_port: Option<u16>,
    /// Port of the trace viewer [default: 16686]
    #[arg(long, global = true, value_name = "PORT")]
    pub ui_port: Option<u16>,
}

/// Two servers would listen on the same port.
#[derive(Debug, thiserror::Error)]
#[error(
    "{first} and {second} cannot both listen on port {number}; choose another one with {flag} (0 takes any free one)"
)]
pub struct SamePort {
    first: &'static str,
    second: &'static str,
    flag: &'static str,
    number: u16,
}

impl Cli {
    /// Reads the command line, and ends the process if it cannot be used: with exit code 2, before anything is started.
    pub fn read() -> Self {
        let cli = Self::parse();
        if let Err(error) = cli.check() {
            error.exit();
        }
        cli
    }

    /// Checks combinations of flags.
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

impl PortFlags {
    fn is_empty(self) -> bool {
        let Self {
            checkout_port,
            inventory_port,
            otlp_port,
            ui_port,
        } = self;
        [checkout_port, inventory_port, otlp_port, ui_port] == [None; 4]
    }

    /// Returns the ports of the plain demo: the documented ones, unless overridden.
    pub fn or_documented(self) -> Ports {
        self.or([8080, 8081, 4318, 16686])
    }

    /// Returns the ports of the tour: chosen by the system, unless given.
    pub fn or_free(self) -> Ports {
        self.or([0; 4])
    }

    fn or(self, [checkout, inventory, otlp, ui]: [u16; 4]) -> Ports {
        let port = |wanted_by, flag, number| Port {
            wanted_by,
            flag,
            number,
        };
        Ports {
            checkout: port(
                "checkout",
                "--checkout-port",
                self.checkout_port.unwrap_or(checkout),
            ),
            inventory: port(
                "inventory",
                "--inventory-port",
                self.inventory_port.unwrap_or(inventory),
            ),
            otlp: port(
                "the OTLP receiver",
                "--otlp-port",
                self.otlp_port.unwrap_or(otlp),
            ),
            ui: port("the trace viewer", "--ui-port", self.ui_port.unwrap_or(ui)),
        }
    }
}

/// A port, and the details for the error if it is not available.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// Service that listens on the port.
    pub wanted_by: &'static str,
    /// The flag that moves it.
    pub flag: &'static str,
    /// The number; 0 lets the system choose.
    pub number: u16,
}

impl Ports {
    /// Returns an error if two ports are equal.
    ///
    /// # Errors
    ///
    /// Two ports are equal and not 0.
    pub fn check(&self) -> Result<(), SamePort> {
        let ports = [self.checkout, self.inventory, self.otlp, self.ui];
        for (index, second) in ports.iter().enumerate() {
            let same = |first: &&Port| first.number == second.number && second.number != 0;
            if let Some(first) = ports[..index].iter().find(same) {
                return Err(SamePort {
                    first: first.wanted_by,
                    second: second.wanted_by,
                    flag: second.flag,
                    number: second.number,
                });
            }
        }
        Ok(())
    }
}

/// The ports of all servers, all on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Service A.
    pub checkout: Port,
    /// Service B.
    pub inventory: Port,
    /// The OTLP receiver.
    pub otlp: Port,
    /// The trace viewer and its API.
    pub ui: Port,
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
            (&["demo", "soak", "nope"], &["'nope'", "paused", "flood"]),
            (&["demo", "nope"], &["'nope'"]),
            (
                &["demo", "soak", "--lasts=500000000000years"],
                &["1s to 24h"],
            ),
            (&["demo", "soak", "--around=0s"], &["1s to 24h"]),
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
            ["demo", "--ui-port=7", "soak"],
            ["demo", "soak", "--ui-port=7"],
        ] {
            assert_eq!(error(&line).exit_code(), 2);
        }
    }

    #[test]
    fn plain_demo_uses_the_documented_ports() {
        let ports = PortFlags::default().or_documented();
        let numbers = [ports.checkout, ports.inventory, ports.otlp, ports.ui].map(|p| p.number);
        assert_eq!(numbers, [8080, 8081, 4318, 16686]);
    }
}
