//! The scenes of the tour: all example requests of the catalogue and all pitfalls, or those named on the command line.

use checkout::catalogue::{ROWS, Reach, Row};

use super::lab::Pitfall;

/// Returns the names of all scenes, as accepted on the command line.
pub(super) fn scene_names() -> Vec<String> {
    let rows = ROWS.iter().map(Row::typed);
    let pitfalls = checkout::pitfall_names().map(str::to_owned);
    rows.chain(pitfalls).collect()
}

/// The selected scenes, in display order.
pub(super) struct Scenes<'a> {
    pub(super) with_inventory: Vec<&'static Row>,
    pub(super) pitfalls: Vec<&'a Pitfall>,
    pub(super) without_inventory: Vec<&'static Row>,
}

impl<'a> Scenes<'a> {
    /// Returns the scenes with these names, or all of them if there are no names.
    pub(super) fn named(names: &[String], pitfalls: &'a [Pitfall]) -> Self {
        let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let rows = ROWS.iter().filter(|row| wanted(&row.typed()));
        let (without_inventory, with_inventory) =
            rows.partition(|row| row.reach == Reach::Unavailable);
        Self {
            with_inventory,
            pitfalls: pitfalls
                .iter()
                .filter(|pitfall| wanted(&pitfall.name))
                .collect(),
            without_inventory,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.with_inventory.len() + self.pitfalls.len() + self.without_inventory.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_all() {
        assert_eq!(Scenes::named(&[], &[]).count(), ROWS.len());
    }

    #[test]
    fn only_named_scenes_are_shown() {
        let names = ["inventory-is-down", "item-stuck", "over-16-kib"].map(str::to_owned);
        let scenes = Scenes::named(&names, &[]);
        let shown: Vec<_> = scenes.with_inventory.iter().map(|row| row.name).collect();
        assert_eq!(shown, ["item-stuck", "over 16 KiB"]);
        assert_eq!(scenes.without_inventory.len(), 1);
    }
}
