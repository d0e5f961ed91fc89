//! The caller in front of the gateway, played by the test.

mod body;
mod head;
mod raw_client;
mod response;

pub use raw_client::RawClient;
pub use response::{BodyEnd, Response, ResponseError, ResponseHead};
