//! Which scenes are shown: all, or those that were named.

use super::TourError;
use super::lab::Pitfall;
use super::scenario::{SCENARIOS, Scenario};

/// What the tour shows, in the order of the list.
pub(super) struct Scenes<'a> {
    pub(super) with_inventory: Vec<&'static Scenario>,
    pub(super) pitfalls: Vec<&'a Pitfall>,
    pub(super) without_inventory: Vec<&'static Scenario>,
}

impl<'a> Scenes<'a> {
    /// Those of these names; all, where there are none.
    pub(super) fn named(names: &[String], pitfalls: &'a [Pitfall]) -> Result<Self, TourError> {
        let all = || {
            let scenarios = SCENARIOS.iter().map(|scenario| typed(scenario.name));
            scenarios.chain(pitfalls.iter().map(|pitfall| pitfall.name.clone()))
        };
        if let Some(unknown) = names
            .iter()
            .find(|name| !all().any(|known| known == **name))
        {
            return Err(TourError::UnknownScene {
                name: unknown.clone(),
                known: all().collect::<Vec<_>>().join(", "),
            });
        }
        let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
        let scenarios = SCENARIOS
            .iter()
            .filter(|scenario| wanted(&typed(scenario.name)));
        let (without_inventory, with_inventory) =
            scenarios.partition(|scenario| scenario.without_inventory);
        Ok(Self {
            with_inventory,
            pitfalls: pitfalls
                .iter()
                .filter(|pitfall| wanted(&pitfall.name))
                .collect(),
            without_inventory,
        })
    }

    pub(super) fn count(&self) -> usize {
        self.with_inventory.len() + self.pitfalls.len() + self.without_inventory.len()
    }
}

/// The name as it is typed on a command line.
fn typed(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn no_name_means_all() {
        assert_eq!(Scenes::named(&[], &[]).unwrap().count(), SCENARIOS.len());
    }

    #[test]
    fn named_scenes_are_shown_and_no_others() {
        let scenes = names(&["inventory-is-down", "item-stuck", "over-16-kib"]);
        let scenes = Scenes::named(&scenes, &[]).unwrap();
        let shown: Vec<_> = scenes.with_inventory.iter().map(|s| s.name).collect();
        assert_eq!(shown, ["item-stuck", "over 16 KiB"]);
        assert_eq!(scenes.without_inventory.len(), 1);
    }

    #[test]
    fn unknown_scene_is_answered_with_the_list() {
        let error = Scenes::named(&names(&["item-stuck", "item-stucked"]), &[]);
        let error = error.err().unwrap().to_string();
        for part in ["`item-stucked`", "item-123, item-sold-out", "bad-json"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
