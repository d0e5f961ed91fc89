//! Who tells: what is said about the process itself.

use crate::attribute::Attribute;
use crate::config::OtlpError;
use crate::list;
use std::collections::BTreeMap;

/// Who tells: what is said about the process itself.
#[derive(Clone, Debug)]
pub struct Resource(BTreeMap<String, String>);

impl Resource {
    /// A process of this version. `variable` gives what the environment says (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`).
    ///
    /// # Errors
    /// `OTEL_RESOURCE_ATTRIBUTES` cannot be read.
    pub fn of_process(
        version: &str,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, OtlpError> {
        let mut attributes = BTreeMap::from([
            ("service.name".to_owned(), "pocketgate".to_owned()),
            ("service.version".to_owned(), version.to_owned()),
            ("service.instance.id".to_owned(), random_uuid()),
        ]);
        if let Some(text) = variable(ATTRIBUTES) {
            attributes.extend(list::parse(&text).ok_or(OtlpError::List(ATTRIBUTES))?);
        }
        attributes.extend(variable(SERVICE_NAME).map(|name| ("service.name".to_owned(), name)));
        Ok(Resource(attributes))
    }

    pub(crate) fn attributes(&self) -> Vec<Attribute<'_>> {
        self.0.iter().map(|(key, value)| Attribute::text(&**key, &**value)).collect()
    }
}

/// A UUID of version 4 (RFC 9562 §5.4), as the conventions want for an instance.
fn random_uuid() -> String {
    let bits = rand::random::<u128>() & !(0xf << 76 | 0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let digits = |shift: u32, count: u32| bits >> shift & ((1 << (4 * count)) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        digits(96, 8),
        digits(80, 4),
        digits(64, 4),
        digits(48, 4),
        digits(0, 12)
    )
}

/// What the service is called.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// More about it: `key=value,…`.
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Resource, OtlpError> {
        Resource::of_process("1.2.3", |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_process_has_name_version_and_an_id_of_its_own() {
        let (one, other) = (of(&[]).unwrap().0, of(&[]).unwrap().0);
        assert_eq!((one["service.name"].as_str(), one["service.version"].as_str()), ("pocketgate", "1.2.3"));
        let (id, of_other) = (&one["service.instance.id"], &other["service.instance.id"]);
        assert!(id.len() == 36 && id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
        assert_ne!(id, of_other);
    }

    #[test]
    fn the_environment_says_more() {
        let variables = [
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=a%2Cb"),
            ("OTEL_SERVICE_NAME", "edge"),
        ];
        let resource = of(&variables).unwrap().0;
        assert_eq!(
            (resource["service.name"].as_str(), resource["deployment.environment.name"].as_str()),
            ("edge", "a,b")
        );
        assert!(of(&[("OTEL_RESOURCE_ATTRIBUTES", "no value")]).is_err());
    }
}
