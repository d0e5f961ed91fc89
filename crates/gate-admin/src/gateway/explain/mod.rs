//! `POST /api/gateway/explain`: what would become of a request, asked before anybody sends it.

mod asked;
mod dial;
mod endpoint;
mod explanation;
mod sent;
#[cfg(test)]
mod tests;
mod verdict;

pub(crate) use endpoint::explain;
