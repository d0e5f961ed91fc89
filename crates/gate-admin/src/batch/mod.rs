//! `POST /api/batch`: many writes as one (contract §1.10).

mod parse;
mod send;
#[cfg(test)]
mod tests;

pub(crate) use send::send;
