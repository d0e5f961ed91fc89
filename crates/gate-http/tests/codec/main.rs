//! The codec against tables of messages (robustness tables A and C) and against models of itself.
//!
//! Every message of a table is parsed whole, split in two at every byte, and byte by byte; the verdict and
//! everything known about the message must be the same each time.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod chunked_model;
mod chunked_properties;
mod chunked_table;
mod connection_table;
mod head_properties;
mod limits_table;
mod request_framing_table;
mod request_harness;
mod request_line_table;
mod response_harness;
mod response_table;
mod trailers_table;
mod transfer_encoding_obfuscations;
mod written_heads;
