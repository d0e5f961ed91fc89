//! Lists of keys and values in environment variables: `key1=value1,key2=value2`, the values percent-encoded.

/// Reads a list; none if it is no such list.
pub(crate) fn parse(text: &str) -> Option<Vec<(String, String)>> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items
        .map(|item| {
            let (key, value) = item.split_once('=')?;
            let key = key.trim();
            (!key.is_empty()).then(|| Some((key.to_owned(), decoded(value.trim())?)))?
        })
        .collect()
}

/// Percent-decodes; none if that is no text.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&[(&str, &str)]>) {
        let parsed = parse(text);
        let parsed: Option<Vec<_>> =
            parsed.as_ref().map(|list| list.iter().map(|(key, value)| (&**key, &**value)).collect());
        assert_eq!(parsed.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_list_has_keys_and_values() {
        check("", Some(&[]));
        check("a=b", Some(&[("a", "b")]));
        check(" a = b , c=d=e,", Some(&[("a", "b"), ("c", "d=e")]));
        check("authorization=Basic%20YTpi%3D", Some(&[("authorization", "Basic YTpi=")]));
        check("a=", Some(&[("a", "")]));
        for wrong in ["a", "=b", "a=%", "a=%4", "a=%zz", "a=%ff"] {
            check(wrong, None);
        }
    }
}
