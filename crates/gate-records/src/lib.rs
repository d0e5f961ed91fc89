//! PocketBase semantics without HTTP: fields, defaults, validation, compilation into a snapshot.
