//! The black-box suite lives in `it/`; this empty library only gives the package a target.
