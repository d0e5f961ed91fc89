//! `:excerpt(max,ellipsis)`: the beginning of a text, without its markup.

/// How much of a text is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Excerpt {
    characters_max: usize,
    /// Whether `...` follows a text that was cut.
    ellipsis: bool,
}

impl Excerpt {
    /// Reads `excerpt(max)` or `excerpt(max,ellipsis)`, where `max` is at least 1.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let arguments = text.trim().strip_prefix("excerpt(")?.strip_suffix(')')?;
        let mut arguments = arguments.split(',').map(str::trim);
        let characters_max = arguments.next()?.parse().ok().filter(|max| *max > 0)?;
        let ellipsis = arguments.next().is_some_and(|text| matches!(text, "true" | "1"));
        arguments.next().is_none().then_some(Excerpt { characters_max, ellipsis })
    }

    /// The excerpt of a text: tags are removed, white space is collapsed.
    pub(super) fn of(self, text: &str) -> String {
        let plain = without_tags(text).split_whitespace().collect::<Vec<_>>().join(" ");
        let Some((cut, _)) = plain.char_indices().nth(self.characters_max) else { return plain };
        let mut excerpt = plain.get(..cut).unwrap_or_default().trim_end().to_owned();
        if self.ellipsis {
            excerpt.push_str("...");
        }
        excerpt
    }
}

/// What is between `<` and `>` goes, if the first is followed by what begins a tag.
fn without_tags(html: &str) -> String {
    let mut plain = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        plain.push_str(before);
        let is_tag =
            tag.chars().nth(1).is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!'));
        match tag.split_once('>') {
            Some((_, after)) if is_tag => {
                plain.push(' ');
                rest = after;
            }
            _ => {
                plain.push('<');
                rest = tag.get(1..).unwrap_or_default();
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(modifier: &str, text: &str, expected: &str) {
        assert_eq!(Excerpt::parse(modifier).unwrap().of(text), expected);
    }

    #[test]
    fn a_text_is_cut_after_so_many_characters() {
        check("excerpt(5)", "grün und blau", "grün");
        check("excerpt(6)", "grün und blau", "grün u");
        check("excerpt(6,true)", "grün und blau", "grün u...");
        check("excerpt(6, false)", "grün und blau", "grün u");
        check("excerpt(13,true)", "grün und blau", "grün und blau");
    }

    #[test]
    fn markup_and_white_space_do_not_count() {
        check("excerpt(9)", "<p class=\"x\">one</p>\n\n  <p>two  three</p>", "one two t");
        check("excerpt(99)", "a < b <!-- hidden --> c <", "a < b c <");
    }
}
