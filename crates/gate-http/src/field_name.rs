//! The field names a gateway must recognise.

/// Declares [`FieldName`] and the spelling of each of its members from one list.
macro_rules! field_names {
    ($($variant:ident = $spelling:literal,)*) => {
        /// A field name that framing, routing, forwarding or authentication depends on.
        ///
        /// Recognised once, while the head is parsed, so that no later step compares names again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FieldName {
            $(#[doc = concat!("`", $spelling, "`")] $variant,)*
            /// Every other name; the bytes say which.
            Other,
        }

        impl FieldName {
            /// The name in lower case; empty for [`FieldName::Other`].
            pub const fn spelling(self) -> &'static str {
                match self {
                    $(Self::$variant => $spelling,)*
                    Self::Other => "",
                }
            }

            #[cfg(test)]
            const KNOWN: &[Self] = &[$(Self::$variant,)*];
        }
    };
}

field_names! {
    AcceptEncoding = "accept-encoding",
    AccessControlRequestHeaders = "access-control-request-headers",
    AccessControlRequestMethod = "access-control-request-method",
    Authorization = "authorization",
    Connection = "connection",
    ContentLength = "content-length",
    ContentType = "content-type",
    Cookie = "cookie",
    Date = "date",
    Expect = "expect",
    Forwarded = "forwarded",
    Host = "host",
    Http2Settings = "http2-settings",
    KeepAlive = "keep-alive",
    Location = "location",
    MaxForwards = "max-forwards",
    Origin = "origin",
    ProxyAuthenticate = "proxy-authenticate",
    ProxyAuthorization = "proxy-authorization",
    ProxyConnection = "proxy-connection",
    RetryAfter = "retry-after",
    Server = "server",
    SetCookie = "set-cookie",
    Te = "te",
    Traceparent = "traceparent",
    Tracestate = "tracestate",
    Trailer = "trailer",
    TransferEncoding = "transfer-encoding",
    Upgrade = "upgrade",
    UserAgent = "user-agent",
    Via = "via",
    XForwardedFor = "x-forwarded-for",
    XForwardedHost = "x-forwarded-host",
    XForwardedPort = "x-forwarded-port",
    XForwardedPrefix = "x-forwarded-prefix",
    XForwardedProto = "x-forwarded-proto",
    XForwardedServer = "x-forwarded-server",
    XHttpMethodOverride = "x-http-method-override",
    XOriginalUrl = "x-original-url",
    XRealIp = "x-real-ip",
    XRequestId = "x-request-id",
    XRewriteUrl = "x-rewrite-url",
}

impl FieldName {
    /// Recognises `name`, which is a token, in any case.
    pub fn of(name: &[u8]) -> Self {
        use FieldName::*;
        let candidates: &[Self] = match name.len() {
            2 => &[Te],
            3 => &[Via],
            4 => &[Host, Date],
            6 => &[Cookie, Origin, Expect, Server],
            7 => &[Upgrade, Trailer],
            8 => &[Location],
            9 => &[Forwarded, XRealIp],
            10 => &[Connection, UserAgent, KeepAlive, SetCookie, Tracestate],
            11 => &[RetryAfter, Traceparent],
            12 => &[ContentType, XRequestId, MaxForwards],
            13 => &[Authorization, XRewriteUrl],
            14 => &[ContentLength, XOriginalUrl, Http2Settings],
            15 => &[AcceptEncoding, XForwardedFor],
            16 => &[XForwardedHost, XForwardedPort, ProxyConnection],
            17 => &[TransferEncoding, XForwardedProto],
            18 => &[XForwardedPrefix, XForwardedServer, ProxyAuthenticate],
            19 => &[ProxyAuthorization],
            22 => &[XHttpMethodOverride],
            29 => &[AccessControlRequestMethod],
            30 => &[AccessControlRequestHeaders],
            _ => &[],
        };
        let is_spelled = |known: &&Self| is_spelled(name, known.spelling().as_bytes());
        candidates.iter().find(is_spelled).copied().unwrap_or(Other)
    }

    /// Whether the field is about one connection only and never forwarded (RFC 9110 section 7.6.1, with
    /// the two `Proxy-` fields of RFC 2616 section 13.5.1 and the h2c upgrade's settings).
    pub const fn is_hop_by_hop(self) -> bool {
        matches!(
            self,
            Self::Connection
                | Self::Http2Settings
                | Self::KeepAlive
                | Self::ProxyAuthenticate
                | Self::ProxyAuthorization
                | Self::ProxyConnection
                | Self::Te
                | Self::TransferEncoding
                | Self::Upgrade
        )
    }

    /// Whether `name`, which is none of the known names, is one of the names below to a reader that takes
    /// every byte but letters and digits for `-`, as CGI does, or decodes percent-encoding.
    pub(crate) fn is_disguised(name: &[u8]) -> bool {
        !Self::is_plain(name) && Self::of_disguised(name).is_guarded()
    }

    /// Whether every reader takes `name` for the same: it is made of letters, digits and `-` alone.
    pub(crate) fn is_plain(name: &[u8]) -> bool {
        name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    }

    /// What such a reader takes `name` for.
    fn of_disguised(name: &[u8]) -> Self {
        let mut spelling = [0; LENGTH_MAX];
        let mut length = 0;
        let mut rest = name;
        while let Some((byte, behind)) = first_decoded(rest) {
            let Some(slot) = spelling.get_mut(length) else { return Self::Other };
            *slot = if byte.is_ascii_alphanumeric() { byte } else { b'-' };
            length += 1;
            rest = behind;
        }
        Self::of(spelling.get(..length).unwrap_or_default())
    }

    /// Whether framing, routing, identity or the client's address hang on this name.
    const fn is_guarded(self) -> bool {
        matches!(
            self,
            Self::Authorization
                | Self::Connection
                | Self::ContentLength
                | Self::Cookie
                | Self::Expect
                | Self::Forwarded
                | Self::Host
                | Self::ProxyAuthorization
                | Self::Te
                | Self::Trailer
                | Self::TransferEncoding
                | Self::Upgrade
                | Self::XForwardedFor
                | Self::XForwardedHost
                | Self::XForwardedPort
                | Self::XForwardedPrefix
                | Self::XForwardedProto
                | Self::XForwardedServer
                | Self::XHttpMethodOverride
                | Self::XOriginalUrl
                | Self::XRealIp
                | Self::XRewriteUrl
        )
    }
}

/// Bytes of the longest known name.
const LENGTH_MAX: usize = 30;

/// Whether `name` is `spelling`, which is in lower case and as long, in any case. Setting this bit makes
/// capitals small; besides them it makes only control characters into a byte of a spelling.
fn is_spelled(name: &[u8], spelling: &[u8]) -> bool {
    if let (Some(last), Some(lower)) = (name.last_chunk(), spelling.last_chunk()) {
        // Eight bytes at a time; the last eight overlap what stands before them.
        let (words, spelled) = (name.as_chunks().0, spelling.as_chunks().0);
        return is_word(*last, *lower)
            && words.iter().zip(spelled).all(|(word, lower)| is_word(*word, *lower));
    }
    name.iter().zip(spelling).all(|(byte, lower)| byte | 0x20 == *lower)
}

/// The same for eight bytes.
#[inline]
fn is_word(word: [u8; 8], lower: [u8; 8]) -> bool {
    u64::from_ne_bytes(word) | u64::from_ne_bytes([0x20; 8]) == u64::from_ne_bytes(lower)
}

/// The first byte of `name`, percent-decoded, and what follows it.
fn first_decoded(name: &[u8]) -> Option<(u8, &[u8])> {
    if let [b'%', high, low, behind @ ..] = name
        && let (Some(high), Some(low)) = (hex_value(*high), hex_value(*low))
    {
        return Some((high * 16 + low, behind));
    }
    name.split_first().map(|(byte, behind)| (*byte, behind))
}

/// The value of a hexadecimal digit.
fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' | b'A'..=b'F' => Some((digit | 0x20) - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_recognised_in_any_case() {
        for known in FieldName::KNOWN {
            let spelling = known.spelling();
            assert!(spelling.len() <= LENGTH_MAX, "{spelling}");
            assert_eq!(FieldName::of(spelling.as_bytes()), *known);
            assert_eq!(FieldName::of(spelling.to_ascii_uppercase().as_bytes()), *known);
            assert_eq!(FieldName::of(&spelling.as_bytes()[1..]), FieldName::Other, "{spelling}");
        }
    }

    #[track_caller]
    fn check_disguise(name: &str, expected: bool) {
        assert_eq!(FieldName::is_disguised(name.as_bytes()), expected, "{name}");
    }

    #[test]
    fn a_disguised_name_is_seen_through() {
        let disguised = [
            "Content_Length",
            "CONTENT_LENGTH",
            "Transfer_Encoding",
            "transfer.encoding",
            "Transfer-%45ncoding",
            "%48ost",
            "X_Forwarded-For",
            "x_real_ip",
            "Content%2dLength",
            "Content%5FLength",
        ];
        for name in disguised {
            check_disguise(name, true);
        }
    }

    #[test]
    fn other_odd_names_are_left_alone() {
        let harmless = ["X_Trace", "a_b", "content_type", "x%zz", "%", "Host_", "_", "x-plain", "a*"];
        for name in harmless {
            check_disguise(name, false);
        }
        check_disguise(&"_".repeat(200), false);
    }
}
