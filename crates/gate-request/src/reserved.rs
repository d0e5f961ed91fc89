//! The paths no proxy can have: those of the control plane, and those of a PocketBase the gateway stands in front of.

/// Whose a reserved path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The control plane's, which knows it without its first bytes.
    ControlPlane {
        /// How many bytes of the canonical path the control plane does not know.
        prefix_length: usize,
    },
    /// PocketBase's, where the gateway stands in front of one; the control plane's otherwise.
    PocketBase,
}

/// Whose a canonical path is, if it is reserved: `/api` in any case, `/_` and `/_gateway` (contract §3.1, H39).
pub(crate) fn owner(canonical: &[u8]) -> Option<Owner> {
    let mut segments = canonical.split(|byte| *byte == b'/').skip(1);
    match segments.next()? {
        b"_gateway" if segments.next().is_some() => {
            Some(Owner::ControlPlane { prefix_length: "/_gateway".len() })
        }
        b"_gateway" => Some(Owner::ControlPlane { prefix_length: 0 }),
        b"_" => Some(Owner::PocketBase),
        first if first.eq_ignore_ascii_case(b"api") => Some(owner_in_api(segments)),
        _ => None,
    }
}

/// What no PocketBase has is ours under its own name; everything of ours is below `/_gateway/api` as well.
fn owner_in_api<'a>(mut segments: impl Iterator<Item = &'a [u8]>) -> Owner {
    let is_ours = match segments.next() {
        Some(b"gateway" | b"secrets") => true,
        Some(b"collections") => segments.next().is_some_and(is_own_collection),
        _ => false,
    };
    if is_ours { Owner::ControlPlane { prefix_length: 0 } } else { Owner::PocketBase }
}

/// The collections that are ours alone: names in any case, ids as they are (contract §1.1).
fn is_own_collection(segment: &[u8]) -> bool {
    let is_name = |name: &&[u8]| segment.eq_ignore_ascii_case(name);
    let names: [&[u8]; 2] = [b"_proxies", b"_secrets"];
    matches!(segment, b"pbc_545340895" | b"pbc_4281647728") || names.iter().any(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate_http::path::canonical;

    #[track_caller]
    fn check(path: &str, expected: Option<Owner>) {
        assert_eq!(owner(canonical(path.as_bytes(), &mut Vec::new()).unwrap()), expected, "{path}");
    }

    #[test]
    fn r005_us4_ac2_reserved_paths_are_recognised_in_every_spelling() {
        for path in ["/api", "/api/", "/API/health", "/%61pi/x", "//api", "/api%2fx", "/_", "/_/", "/%5f/x"] {
            check(path, Some(Owner::PocketBase));
        }
        for path in ["/apis", "/a/api", "/-/api", "/__", "/_gateways", "/", "/v1/_"] {
            check(path, None);
        }
    }

    #[test]
    fn what_is_the_gateways_alone_is_told_from_what_a_pocketbase_has() {
        let ours = Some(Owner::ControlPlane { prefix_length: 0 });
        for path in [
            "/api/gateway/explain",
            "/api/secrets",
            "/api/secrets/KEY",
            "/api/collections/_proxies",
            "/api/collections/_PROXIES/records/x",
            "/api/collections/pbc_545340895/records",
            "/api/collections/_secrets/records",
            "/_gateway",
        ] {
            check(path, ours);
        }
        for path in [
            "/api/collections",
            "/api/collections/_superusers/auth-with-password",
            "/api/collections/proxies/records",
            "/api/collections/PBC_545340895/records",
            "/api/gateways",
            "/api/Gateway/explain",
            "/api/realtime",
        ] {
            check(path, Some(Owner::PocketBase));
        }
    }

    #[test]
    fn everything_of_the_gateway_is_below_a_prefix_of_its_own() {
        let below = Some(Owner::ControlPlane { prefix_length: 9 });
        for path in ["/_gateway/", "/_gateway/api/health", "/_gateway/api/realtime", "/%5fgateway//api"] {
            check(path, below);
        }
    }
}
