//! Messages that two parsers could read differently: refused, never repaired (robustness §3.A, §3.C).

mod head_limits;
mod refusal;
mod request_bodies;
mod request_heads;
mod response_bodies;
mod response_heads;
mod transfer_encoding;
