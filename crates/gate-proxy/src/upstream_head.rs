//! The request as the upstream gets it: prefix stripped, Host rewritten, hop-by-hop fields off, forwarded and injected fields on.

use crate::buffer::Buffer;
use crate::client::Client;
use crate::fault::Fault;
use crate::forwarded::Forwarded;
use crate::identify::Caller;
use crate::pipeline::RequestFacts;
use crate::response_head::REQUEST_ID;
use crate::route::Routed;
use crate::trace;
use crate::worker::Worker;
use gate_http::{FieldLine, FieldName, HeadTooLarge, HeadWriter, RequestBody, RequestHead};
use gate_request::Sender;
use gate_snapshot::{HeaderValue, TEMPLATE_PARTS_MAX};
use gate_telemetry::Reason;
use gate_upstream::ForwardProxy;

/// The request as the upstream gets it, not yet in any protocol's form.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamHead<'a> {
    head: &'a RequestHead,
    /// What `head` was parsed from.
    bytes: &'a [u8],
    routed: &'a Routed,
    caller: &'a Caller,
    sender: Sender,
    forwarded: Forwarded<'a>,
    client_address: &'a str,
    facts: &'a RequestFacts,
    /// `1.1 pocketgate-…`: how a request that comes back is recognised.
    via: &'a str,
}

impl<'a> UpstreamHead<'a> {
    /// Whether the request may be sent at all.
    ///
    /// # Errors
    /// A template without a value (contract D-7), a caller whose fields cannot stand in a header (H13), or a request that
    /// has passed this process before (RFC 9110 §7.6.3).
    pub(crate) fn check(
        worker: &Worker,
        head: &RequestHead,
        bytes: &[u8],
        routed: &Routed,
        caller: &Caller,
    ) -> Result<(), Fault> {
        if let Some(expression) = routed.proxy.unresolved() {
            let cause = format!("a header of the proxy names {{{expression}}}, which has no value");
            return Err(Fault::because(Reason::TemplateUnresolved, cause));
        }
        if routed.proxy.headers.iter().any(|header| !gate_request::fits(&header.value, caller.identity())) {
            return Err(Fault::because(
                Reason::BadRequest,
                "a field of the caller holds a control character",
            ));
        }
        let is_ours =
            |line: &FieldLine| memchr::memmem::find(line.value.of(bytes), worker.via.as_bytes()).is_some();
        if head.fields().iter().any(|line| line.known == FieldName::Via && is_ours(line)) {
            return Err(Reason::LoopDetected.into());
        }
        Ok(())
    }

    /// Puts together what is sent.
    pub(crate) fn new(
        worker: &'a Worker,
        client: &'a Client,
        head: &'a RequestHead,
        routed: &'a Routed,
        caller: &'a Caller,
        facts: &'a RequestFacts,
    ) -> Self {
        let bytes = client.bytes();
        let is_trusted = worker.trusts(client.address);
        let forwarded = Forwarded::of(head, bytes, is_trusted);
        UpstreamHead {
            head,
            bytes,
            routed,
            caller,
            sender: Sender { has_our_token: caller.has_our_token(), is_trusted },
            forwarded,
            client_address: &client.address_text,
            facts,
            via: &worker.via,
        }
    }

    /// The method as the client spelled it.
    pub(crate) fn method(&self) -> &'a [u8] {
        self.head.method_span().of(self.bytes)
    }

    /// The `Host` field, or `:authority`.
    pub(crate) fn authority(&self) -> &'a [u8] {
        if self.routed.is_control_plane {
            self.head.host().of(self.bytes)
        } else {
            self.routed.proxy.upstream.id.authority().as_bytes()
        }
    }

    /// Base path, rest of the path, query; percent-encodings as they came (contract §3.2).
    pub(crate) fn target(&self) -> [&'a [u8]; 3] {
        gate_request::target(&self.routed.proxy.upstream, self.head, self.bytes, self.routed.stripped)
    }

    /// Whether the client reads trailers.
    pub(crate) fn accepts_trailers(&self) -> bool {
        self.head.accepts_trailers()
    }

    /// How the body is framed.
    pub(crate) fn body(&self) -> RequestBody {
        self.head.body()
    }

    /// Every field but Host and those that frame the body, in the order they are sent.
    pub(crate) fn for_each_field(&self, mut emit: impl FnMut(&[u8], &[&[u8]])) {
        let proxy = &*self.routed.proxy;
        for line in self.head.fields() {
            let is_replaced =
                self.facts.placement.is_some_and(|placement| trace::replaces(&placement, line.known));
            if !is_replaced
                && gate_request::withheld(proxy, self.head, self.bytes, line, self.sender).is_none()
            {
                emit(line.name.of(self.bytes), &[line.value.of(self.bytes)]);
            }
        }
        let address = self.client_address.as_bytes();
        match &self.forwarded.chain {
            Some(chain) => emit(b"X-Forwarded-For", &[chain, b", ", address]),
            None => emit(b"X-Forwarded-For", &[address]),
        }
        if !self.forwarded.host.is_empty() {
            emit(b"X-Forwarded-Host", &[self.forwarded.host]);
        }
        emit(b"X-Forwarded-Proto", &[self.forwarded.scheme]);
        emit(b"Via", &[self.via.as_bytes()]);
        if !gate_request::is_injected(proxy, REQUEST_ID) {
            emit(REQUEST_ID, &[self.facts.id.as_bytes()]);
        }
        if let Some(placement) = self.facts.placement
            && !gate_request::is_injected(proxy, trace::PARENT)
        {
            emit(trace::PARENT, &[&placement.context.to_field()]);
        }
        for header in &proxy.headers {
            match &header.value {
                HeaderValue::Resolved(value) => emit(header.name.as_bytes(), &[value]),
                HeaderValue::Template(parts) => {
                    let mut values = [&[][..]; TEMPLATE_PARTS_MAX];
                    for (value, part) in values.iter_mut().zip(parts) {
                        *value = part.bytes(self.caller.identity());
                    }
                    if values.iter().any(|value| !value.is_empty()) {
                        emit(header.name.as_bytes(), &values);
                    }
                }
                HeaderValue::Unresolved { .. } => {}
            }
        }
    }

    /// The head in HTTP/1.1, in a buffer of its own: a small one if nothing is to be composed behind it, one with room for a
    /// body if that is to be kept. A forward proxy gets the target in absolute form, and its credentials.
    ///
    /// # Errors
    /// The head does not fit the buffer.
    pub(crate) fn to_http1(
        &self,
        forward_proxy: Option<&ForwardProxy>,
        keeps_body: bool,
    ) -> Result<Buffer, Fault> {
        if self.head.body() == RequestBody::Empty
            && let Ok(buffer) = self.compose(Buffer::take_small(), forward_proxy)
        {
            return Ok(buffer);
        }
        let kept = if keeps_body { kept_body(self.head.body()) } else { None };
        let buffer = kept.unwrap_or_else(Buffer::take);
        let composed = self.compose(buffer, forward_proxy);
        composed.map_err(|error| Fault::because(Reason::TooLargeHead, error))
    }

    fn compose(
        &self,
        mut buffer: Buffer,
        forward_proxy: Option<&ForwardProxy>,
    ) -> Result<Buffer, HeadTooLarge> {
        let mut writer = HeadWriter::new(buffer.spare());
        let [base, rest, query] = self.target();
        match forward_proxy {
            None => writer.request_line(self.method(), &[base, rest, query]),
            // In absolute form `*` is an authority without a path (RFC 9112 §3.2.4).
            Some(_) if rest == b"*" => {
                writer.request_line(self.method(), &[b"http://", self.authority()]);
            }
            Some(_) => writer.request_line(self.method(), &[b"http://", self.authority(), base, rest, query]),
        }
        writer.field(b"Host", self.authority());
        self.for_each_field(|name, value| writer.field_parts(name, value));
        if let Some(authorization) = forward_proxy.and_then(|proxy| proxy.authorization.as_ref()) {
            writer.field(b"Proxy-Authorization", authorization.as_bytes());
        }
        if self.head.accepts_trailers() {
            writer.field(b"TE", b"trailers");
            writer.field(b"Connection", b"TE");
        }
        match self.head.body() {
            RequestBody::Empty => {}
            RequestBody::Length(length) => writer.content_length(length),
            RequestBody::Chunked => writer.field(b"Transfer-Encoding", b"chunked"),
        }
        writer.end();
        let length = writer.finish()?;
        buffer.fill(length);
        Ok(buffer)
    }
}

/// A buffer in which a body can be kept behind its head, if it is not too long for that.
pub(crate) fn kept_body(body: RequestBody) -> Option<Buffer> {
    let room = match body {
        RequestBody::Length(length) => usize::try_from(length).unwrap_or(usize::MAX),
        RequestBody::Empty => 0,
        RequestBody::Chunked => KEPT_BODY_BYTES_MAX,
    };
    (room <= KEPT_BODY_BYTES_MAX).then(|| Buffer::of_capacity(crate::buffer::CAPACITY + room))
}

/// 64 KiB: what is longer is not worth keeping for an attempt that will hardly be needed.
const KEPT_BODY_BYTES_MAX: usize = 64 * 1024;
