//! The command line: which ports, and whether to serve, to tour, or to be one of the two services.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::soak::{CollectorArguments, SoakFlags};

/// Runs checkout and inventory, receives their traces and shows them.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
pub struct Cli {
    /// What to do; serves until Ctrl-C when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Which ports to use.
    #[command(flatten)]
    pub ports: PortFlags,
}

/// What the program can do besides serving.
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
    /// Be the pitfall that takes a process of its own: how the tour shows it.
    #[command(hide = true)]
    UnflushedExit {
        /// The form that loses nothing.
        #[arg(long)]
        fixed: bool,
    },
}

/// What of the tour, and what after it.
#[derive(Clone, Debug, Default, Args)]
pub struct TourFlags {
    /// Only these, such as item-stuck or raw-client; an unknown one is answered with the list
    #[arg(value_name = "SCENE")]
    pub scenes: Vec<String>,
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

/// Two of them would listen on the same port.
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

impl PortFlags {
    /// The ports of the plain demo: the ones the contract names, unless moved.
    pub fn or_documented(self) -> Ports {
        self.or([8080, 8081, 4318, 16686])
    }

    /// The ports of the tour: chosen by the system, unless named.
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

/// A port, and what to say about it when it cannot be had.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// Who listens there.
    pub wanted_by: &'static str,
    /// The flag that moves it.
    pub flag: &'static str,
    /// The number; 0 lets the system choose.
    pub number: u16,
}

impl Ports {
    /// Whether each has a port of its own.
    ///
    /// # Errors
    ///
    /// Two have the same one, and it is not 0.
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

/// Where everything listens, all on 127.0.0.1.
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
    use clap::CommandFactory;

    #[test]
    fn command_line_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_flag_may_stand_before_and_after_the_subcommand() {
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
    fn two_equal_ports_are_refused_with_both_names_and_a_flag() {
        let ports = |line: &[&str]| Cli::try_parse_from(line).unwrap().ports;
        let error = ports(&["demo", "--checkout-port", "8081"]).or_documented();
        let error = error.check().unwrap_err().to_string();
        for part in ["checkout and inventory", "8081", "--inventory-port"] {
            assert!(error.contains(part), "{error}");
        }
        let error = ports(&["demo", "--otlp-port=7", "--ui-port=7", "tour"]).or_free();
        let error = error.check().unwrap_err().to_string();
        assert!(error.contains("--ui-port"), "{error}");
        ports(&["demo"]).or_documented().check().unwrap();
        ports(&["demo", "tour"]).or_free().check().unwrap();
    }

    #[test]
    fn plain_demo_uses_the_documented_ports() {
        let ports = PortFlags::default().or_documented();
        let numbers = [ports.checkout, ports.inventory, ports.otlp, ports.ui].map(|p| p.number);
        assert_eq!(numbers, [8080, 8081, 4318, 16686]);
    }
}
