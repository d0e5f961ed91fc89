//! What a proxy's traffic is held to, through the crate's public face.

#[cfg(test)]
#[cfg(not(loom))]
mod breaker;
#[cfg(test)]
#[cfg(not(loom))]
mod limiter;
