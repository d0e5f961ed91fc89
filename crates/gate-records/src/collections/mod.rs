//! The collections: which records there are, the fields they have and what each one takes.

mod cast;
mod check;
mod checksum;
mod collection;
mod definitions;
mod document;
mod field;

pub(crate) use cast::text as to_text;
pub(crate) use check::is_email;
pub use collection::{AuthOptions, Collection, CollectionKind, Index, Rules};
pub use definitions::{PROXIES, SECRETS, SUPERUSERS, USERS};
pub use document::scaffolds;
pub use field::{Autogenerate, Field, FieldKind, Pattern};
