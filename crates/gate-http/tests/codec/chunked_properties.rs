//! Chunked bodies made at random, whole and damaged, in random pieces.

use proptest::prelude::*;

use crate::chunked_model::{End, check_pieces, model};

/// A chunk in one of the spellings a peer may choose.
fn chunk() -> impl Strategy<Value = Vec<u8>> {
    let spelling = prop_oneof![
        6 => Just(("", "")),
        1 => Just(("0", "")),
        1 => Just(("000", ";a=b")),
        1 => Just(("", ";a=\"b\\\"c\"")),
    ];
    (prop::collection::vec(any::<u8>(), 1..40), spelling, any::<bool>()).prop_map(
        |(data, (zeros, extension), upper)| {
            let size = if upper { format!("{:X}", data.len()) } else { format!("{:x}", data.len()) };
            [zeros.as_bytes(), size.as_bytes(), extension.as_bytes(), b"\r\n", &data, b"\r\n"].concat()
        },
    )
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let last = prop::sample::select(&["0\r\n\r\n", "000;x\r\nX: y\r\n\r\n", ""][..]);
    (prop::collection::vec(chunk(), 0..8), last)
        .prop_map(|(chunks, last)| [&chunks.concat(), last.as_bytes()].concat())
}

/// Bytes that matter to the grammar, more often than others.
fn damage() -> impl Strategy<Value = u8> {
    prop_oneof![prop::sample::select(&b"\r\n;=\"\\0123aF \t"[..]), any::<u8>()]
}

/// `bytes` cut at each of these places.
fn cut<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<_> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    ends.into_iter().map(|end| &bytes[std::mem::replace(&mut start, end)..end]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn valid_bodies_are_read_like_the_model(
        bytes in body(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        prop_assert_ne!(model(&bytes).1, End::Error);
        check_pieces(&bytes, &cut(&bytes, &places));
    }

    #[test]
    fn damaged_bodies_are_read_like_the_model(
        mut bytes in body(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), damage(), 0..3u8), 1..4),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        for (place, byte, kind) in hits {
            let place = place.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(place, byte),
                1 if place < bytes.len() => bytes[place] = byte,
                _ => { bytes.splice(place..(place + 1).min(bytes.len()), []); }
            }
        }
        check_pieces(&bytes, &cut(&bytes, &places));
    }
}
