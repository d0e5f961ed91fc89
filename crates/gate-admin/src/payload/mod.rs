//! The body of a request, whatever its content type, as one JSON object (contract §1.1).

mod form;
mod read;

pub(crate) use read::{Payload, Texts};
