//! What becomes of settings where another name takes the place of the one that they belong to.

use std::fmt::{self, Display, Formatter};

use qkv_model::Choice;
use toml::{Table, Value};

use super::choices::{Found, MODEL, SCHEDULE, TABLES, TASK, default_name, is_of_all, kind, name_key};
use super::name::name_of;
use super::projections::is_for_each;
use crate::error::TrainError;
use crate::registry::Registry;

/// Settings that belong to a name in whose place another one stands, so that they have no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsLeftOut {
    /// Where the names stand, such as `model.score`.
    pub place: String,
    /// The name that stands there now.
    pub name: String,
    /// Each as in a config file, such as `model.score.d_hidden = 3`.
    pub settings: Vec<String>,
}

impl Display for SettingsLeftOut {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { place, name, settings } = self;
        write!(f, "{}: set for another {} than `{name}`", settings.join(", "), kind(place))
    }
}

/// Gives `base` every name that `over` has, of what the tables name and of what their settings name in turn. Where it is
/// another than in `base`, or else in `under`, the settings of the former go. Those stay that belong to all of the kind,
/// those that the former does not have, and of a task, a model and a schedule those that the new one can have, too.
/// Returns what goes, but for what the former has by itself.
pub(super) fn replace(
    registry: &Registry,
    base: &mut Table,
    over: &Table,
    under: &Table,
) -> Result<Vec<SettingsLeftOut>, TrainError> {
    let mut left_out = Vec::new();
    for table in TABLES {
        let old = name_of(base, table)?.map(str::to_owned);
        if name_of(over, table)?.is_some() && !base.get(table).is_some_and(Value::is_table) {
            let name = old.map(|name| (name_key(table).to_owned(), name.into()));
            base.insert(table.to_owned(), Value::Table(name.into_iter().collect()));
        }
        if let (Some(Value::Table(base)), Some(over)) = (base.get_mut(table), over.get(table)) {
            left_out.extend(replace_in(registry, table, base, over, under.get(table)));
        }
    }
    Ok(left_out)
}

/// The same in one table, such as `model` or `model.score`.
fn replace_in(
    registry: &Registry,
    place: &str,
    base: &mut Table,
    over: &Value,
    under: Option<&Value>,
) -> Vec<SettingsLeftOut> {
    let mut left_out = Vec::new();
    let key = name_key(place);
    if let Some(new) = name_at(over, key) {
        // A part of a user's own may have a table of which only it can tell what belongs to its name.
        if registry.look_up(place, &Choice::new(new)).is_some() {
            let old = base.get(key).and_then(Value::as_str).or(under.and_then(|under| name_at(under, key)));
            let names = [old.or(default_name(place)).unwrap_or_default(), new].map(str::to_owned);
            let settings = settings_that_go(registry, place, base, &names);
            if !settings.is_empty() {
                left_out.push(SettingsLeftOut { place: place.to_owned(), name: new.to_owned(), settings });
            }
        }
        base.insert(key.to_owned(), new.into());
    }
    for (key, over) in over.as_table().into_iter().flatten() {
        let place = format!("{place}.{key}");
        match base.get_mut(key) {
            // Its keys are no settings of a name.
            Some(Value::Table(base)) if is_for_each(&place, base) => {}
            Some(Value::Table(base)) => {
                let under = under.and_then(|under| under.get(key));
                left_out.extend(replace_in(registry, &place, base, over, under));
            }
            _ => {}
        }
    }
    left_out
}

/// Removes the settings that belong to the first of two names and not to the second; returns those that were set.
fn settings_that_go(registry: &Registry, place: &str, base: &mut Table, names: &[String; 2]) -> Vec<String> {
    let replacement = Replacement::new(registry, place, names.each_ref());
    let mut settings = Vec::new();
    base.retain(|key, value| {
        let stays = replacement.keeps(key, value);
        if !stays && !replacement.had_by_itself(key, value) {
            settings.push(format!("{place}.{key} = {value}"));
        }
        stays
    });
    settings
}

/// The name that stands alone, or in a table.
fn name_at<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.as_str().or_else(|| value.get(key)?.as_str())
}

/// A name that takes the place of another.
struct Replacement<'a> {
    registry: &'a Registry,
    place: &'a str,
    old: &'a str,
    new: &'a str,
    /// As far as the registry has them.
    of_old: Option<Found>,
    of_new: Option<Found>,
}

impl<'a> Replacement<'a> {
    fn new(registry: &'a Registry, place: &'a str, [old, new]: [&'a String; 2]) -> Self {
        let [of_old, of_new] = [old, new].map(|name| registry.by_itself(place, name));
        Self { registry, place, old, new, of_old, of_new }
    }

    fn keeps(&self, key: &str, value: &Value) -> bool {
        let Self { place, old, new, .. } = *self;
        let has = |found: &Option<Found>| found.as_ref().map(|found| found.has(key));
        // What neither can have is refused later.
        let is_shared = || {
            [TASK, MODEL, SCHEDULE].contains(&place)
                && has(&self.of_new) == Some(true)
                && (self.can_have(new, key, value) || !self.can_have(old, key, value))
        };
        old == new || is_of_all(place, key) || has(&self.of_old) == Some(false) || is_shared()
    }

    fn can_have(&self, name: &str, key: &str, value: &Value) -> bool {
        let mut choice = self.registry.choice_by_itself(self.place, name);
        choice.settings.insert(key.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self.registry.look_up(self.place, &choice).is_some_and(|found| found.is_ok())
    }

    fn had_by_itself(&self, key: &str, value: &Value) -> bool {
        let by_itself = self.of_old.as_ref().and_then(|old| old.choice.settings.get(key));
        by_itself.is_some_and(|by_itself| serde_json::to_value(value).is_ok_and(|value| value == *by_itself))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_in_which_the_registry_names_nothing_keeps_what_stands_beside_a_new_name()
    -> Result<(), TrainError> {
        let registry = Registry::new();
        for place in ["optimizer.inner", "model.inner", "loss.of.both"] {
            let before = format!("{place} = {{ name = \"old\", y = 3 }}").parse();
            let mut config: Table = before.expect("a table in a table");
            let left_out = registry.set(&mut config, &[format!("{place}.name=new")])?;
            let expected = format!("{place} = {{ name = \"new\", y = 3 }}").parse().expect("the same");
            assert_eq!((left_out, config), (Vec::new(), expected), "{place}");
        }
        // Where it does, the settings go with the name.
        let score = "[model.score]\nname = \"additive\"\nd_hidden = 3".parse();
        let mut config: Table = score.expect("a table");
        let left_out = registry.set(&mut config, &["model.score.name=dot"])?;
        assert_eq!(left_out[0].settings, ["model.score.d_hidden = 3"]);
        Ok(())
    }
}
