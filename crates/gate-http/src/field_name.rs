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
    /// Recognises `name` in any case.
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
            10 => &[Connection, UserAgent, KeepAlive, SetCookie],
            11 => &[RetryAfter],
            12 => &[ContentType, XRequestId, MaxForwards],
            13 => &[Authorization],
            14 => &[ContentLength, XOriginalUrl, Http2Settings, XRewriteUrl],
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
        let is_spelled = |known: &&Self| name.eq_ignore_ascii_case(known.spelling().as_bytes());
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
}
