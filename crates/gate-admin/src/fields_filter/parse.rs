//! Reads the list of wanted fields.

use super::excerpt::Excerpt;

/// The wanted fields: paths of member names, each perhaps with an excerpt of the text found there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldsFilter(pub(super) Vec<Wanted>);

/// One wanted field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    /// `a.b` is `["a", "b"]`; `*` stands for every member at its level.
    pub(super) path: Vec<String>,
    pub(super) excerpt: Option<Excerpt>,
}

impl FieldsFilter {
    /// Reads the value of `fields`. An empty one wants everything.
    ///
    /// # Errors
    /// What is after a colon is no excerpt.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, InvalidModifier> {
        let wanted: Vec<_> = split_outside_parentheses(text)
            .map(str::trim)
            .filter(|field| !field.is_empty())
            .map(Wanted::parse)
            .collect::<Result<_, _>>()?;
        Ok((!wanted.is_empty()).then_some(FieldsFilter(wanted)))
    }
}

/// A modifier that is not `:excerpt(max,ellipsis)`.
#[derive(Debug, PartialEq)]
pub(crate) struct InvalidModifier;

impl Wanted {
    fn parse(field: &str) -> Result<Self, InvalidModifier> {
        let (path, modifier) =
            field.split_once(':').map_or((field, None), |(path, after)| (path, Some(after)));
        let excerpt = modifier.map(|modifier| Excerpt::parse(modifier).ok_or(InvalidModifier)).transpose()?;
        Ok(Wanted { path: path.trim().split('.').map(str::to_owned).collect(), excerpt })
    }
}

/// The arguments of a modifier are separated by commas as well.
fn split_outside_parentheses(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_wants_everything() {
        for text in ["", " ", ",", " , "] {
            assert_eq!(FieldsFilter::parse(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn an_unknown_modifier_is_an_error() {
        for text in [
            "a:b",
            "a:excerpt",
            "a:excerpt()",
            "a:excerpt(0)",
            "a:excerpt(x)",
            "a:excerpt(1",
            "a:excerpt(1,2,3)",
        ] {
            assert_eq!(FieldsFilter::parse(text), Err(InvalidModifier), "{text}");
        }
    }
}
