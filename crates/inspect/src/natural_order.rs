//! The order in which people count: `blocks.2` before `blocks.10`.

/// A name's parts, numbers compared as numbers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NaturalKey(Vec<Part>);

/// The text keeps `0` and `00` apart.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64, String),
    Text(String),
}

impl NaturalKey {
    /// Of a name with dots between its parts.
    pub(crate) fn of(name: &str) -> Self {
        let parts = name.split('.').map(|part| match part.parse() {
            Ok(number) => Part::Number(number, part.to_owned()),
            Err(_) => Part::Text(part.to_owned()),
        });
        Self(parts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::NaturalKey;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let mut names = ["blocks.10.a", "blocks.2", "blocks.x", "blocks.02", "", "blocks.2.a"];
        names.sort_by_key(|name| NaturalKey::of(name));
        assert_eq!(names, ["", "blocks.02", "blocks.2", "blocks.2.a", "blocks.10.a", "blocks.x"]);
    }
}
