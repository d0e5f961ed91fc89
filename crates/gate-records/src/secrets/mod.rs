//! Secrets: values that are kept encrypted and leave the gateway in the headers of forwarded requests alone.

mod blob;
mod keyring;
mod master_key;
mod resolved;
mod service;
mod value;

pub use blob::BlobError;
pub use keyring::Keyring;
pub use master_key::{MasterKey, MasterKeyError, MasterKeys};
pub use resolved::{ResolvedSecrets, Unresolvable};
pub use service::{NewSecret, Secret, SecretChange, SecretError, SecretName, Secrets};
pub use value::SecretValue;
