//! The ports of the servers, and the flags that set them.

use clap::Args;

use crate::role::Role;

/// The four flags that set a port. 0 selects any free port.
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

/// The error if two servers would listen on the same port.
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
    /// Returns whether none of the port flags is given.
    pub fn is_empty(self) -> bool {
        let Self {
            checkout_port,
            inventory_port,
            otlp_port,
            ui_port,
        } = self;
        [checkout_port, inventory_port, otlp_port, ui_port] == [None; 4]
    }

    /// Returns the ports of the demo without a command: the documented defaults, unless flags override them.
    pub fn or_documented(self) -> Ports {
        self.or([8080, 8081, 4318, 16686])
    }

    /// Returns the ports of the tour: chosen by the operating system, unless flags set them.
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

/// A port, and the details for the error message if the port is not available.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// Name of the server that listens on the port.
    pub wanted_by: &'static str,
    /// The command-line flag that changes the port.
    pub flag: &'static str,
    /// The port number; 0 lets the operating system choose.
    pub number: u16,
}

impl Ports {
    /// Returns the port of a service.
    pub fn of(&mut self, role: Role) -> &mut Port {
        match role {
            Role::Checkout => &mut self.checkout,
            Role::Inventory => &mut self.inventory,
        }
    }

    /// Returns an error if two ports are equal.
    ///
    /// # Errors
    ///
    /// Returns [`SamePort`] if two ports are equal and not 0.
    pub fn check(&self) -> Result<(), SamePort> {
        let Self {
            checkout,
            inventory,
            otlp,
            ui,
        } = *self;
        let ports = [checkout, inventory, otlp, ui];
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

/// The ports of all servers, which listen on 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Port of checkout (service A).
    pub checkout: Port,
    /// Port of inventory (service B).
    pub inventory: Port,
    /// Port of the OTLP receiver.
    pub otlp: Port,
    /// Port of the trace viewer and its API.
    pub ui: Port,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_demo_uses_the_documented_ports() {
        let ports = PortFlags::default().or_documented();
        let numbers = [ports.checkout, ports.inventory, ports.otlp, ports.ui].map(|p| p.number);
        assert_eq!(numbers, [8080, 8081, 4318, 16686]);
    }
}
