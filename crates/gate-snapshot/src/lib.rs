//! The immutable compiled configuration both planes meet in.
