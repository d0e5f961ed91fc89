//! The load generator and the fast upstream of the side-by-side benchmarks.
fn main() {}
