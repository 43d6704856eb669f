//! The flags of the tour.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::scenes::scene_names;

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
