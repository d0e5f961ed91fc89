//! The Connection field (RFC 9110 section 7.6.1).

use crate::{FieldLine, FieldName, grammar};

/// What all Connection fields of a message ask for together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ConnectionOptions {
    /// `close`
    pub(crate) close: bool,
    /// `keep-alive`
    pub(crate) keep_alive: bool,
    /// `upgrade`
    pub(crate) upgrade: bool,
    /// Names of fields that are not hop-by-hop anyway.
    pub(crate) names_others: bool,
    /// Something that is not a token.
    pub(crate) malformed: bool,
}

impl ConnectionOptions {
    /// Adds one Connection field.
    pub(crate) fn add(&mut self, value: &[u8]) {
        grammar::elements(value).for_each(|option| self.add_option(option));
    }

    fn add_option(&mut self, option: &[u8]) {
        match FieldName::of(option) {
            FieldName::KeepAlive => self.keep_alive = true,
            FieldName::Upgrade => self.upgrade = true,
            known if known.is_hop_by_hop() => {}
            _ if option.eq_ignore_ascii_case(b"close") => self.close = true,
            _ if grammar::is_token(option) => self.names_others = true,
            _ => self.malformed = true,
        }
    }

    /// Whether one of `fields` is a Connection field that names `name`.
    pub(crate) fn names(self, fields: &[FieldLine], bytes: &[u8], name: &[u8]) -> bool {
        let mut connections = fields.iter().filter(|field| field.known == FieldName::Connection);
        self.names_others
            && connections.any(|field| {
                grammar::elements(field.value.of(bytes)).any(|option| option.eq_ignore_ascii_case(name))
            })
    }
}
