//! Secrets: values that are kept encrypted and leave the gateway in the headers of forwarded requests alone.

#[cfg_attr(not(test), expect(dead_code, reason = "the service over the store comes next"))]
mod blob;
mod master_key;
mod value;

pub use blob::BlobError;
pub use master_key::{MasterKey, MasterKeyError, MasterKeys};
pub use value::SecretValue;
