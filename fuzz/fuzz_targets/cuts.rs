//! Where the bytes of an input are cut, derived from the input alone so that a finding can be replayed.

/// Up to four places in `0..=bytes.len()`, in order.
pub(crate) fn cuts(bytes: &[u8]) -> Vec<usize> {
    // FNV-1a over the input, then one linear congruential step for each place.
    let mut state = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut places: Vec<usize> = (0..state % 5)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % (bytes.len() + 1)
        })
        .collect();
    places.sort_unstable();
    places
}

/// `bytes` in the pieces these places make of it.
#[allow(dead_code, reason = "only the body target needs pieces")]
pub(crate) fn pieces<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut start = 0;
    let ends = places.iter().copied().chain([bytes.len()]);
    ends.map(|end| &bytes[std::mem::replace(&mut start, end)..end]).collect()
}
