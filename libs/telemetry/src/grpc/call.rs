use std::sync::Arc;
use std::time::Instant;

use tracing::{Span, field};

use super::code::Code;
use super::methods::Method;

/// One call, from its headers to the end of its reply. Dropping it records it, whichever way the call ends.
#[derive(Debug)]
pub(super) struct Call {
    span: Span,
    method: Arc<Method>,
    side: Side,
    started: Instant,
    code: Option<Code>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Server,
    Client,
}

impl Call {
    pub(super) fn begin(side: Side, method: Arc<Method>) -> Self {
        let span = span(side, &method);
        Self { span, method, side, started: Instant::now(), code: None }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// The call's status is known. Without this, it was dropped in mid-course, which is a cancellation.
    pub(super) fn set_code(&mut self, code: Code) {
        self.code = Some(code);
    }

    /// The reply ended: without a status in it, the other side broke the protocol.
    pub(super) fn end(&mut self) {
        self.code.get_or_insert(Code::UNKNOWN);
    }

    /// The transport or the inner service gave an error instead of a reply.
    pub(super) fn fail(&mut self) {
        let code = if self.side == Side::Client { Code::UNAVAILABLE } else { Code::UNKNOWN };
        self.set_code(code);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::CANCELLED);
        let is_error = match self.side {
            Side::Server => code.is_server_fault(),
            Side::Client => code.number() != 0,
        };
        self.span.record("rpc.grpc.status_code", code.number());
        if is_error {
            self.span.record("otel.status_code", "ERROR");
        }
        if let Some(duration) = self.method.duration(self.side, code) {
            duration.record(self.started.elapsed());
        }
    }
}

fn span(side: Side, method: &Method) -> Span {
    let (rpc_service, rpc_method) = method.parts();
    // The level and the field set are part of a span's static description, hence one macro call for each side.
    match side {
        Side::Server => tracing::info_span!(
            "grpc.server",
            service = &*method.owner,
            otel.name = &*method.full,
            otel.kind = "server",
            otel.status_code = field::Empty,
            rpc.system = "grpc",
            rpc.service = rpc_service,
            rpc.method = rpc_method,
            rpc.grpc.status_code = field::Empty,
        ),
        // No `service` field: what the caller logs inside this span is still the caller's.
        Side::Client => tracing::info_span!(
            "grpc.client",
            otel.name = &*method.full,
            otel.kind = "client",
            otel.status_code = field::Empty,
            rpc.system = "grpc",
            rpc.service = rpc_service,
            rpc.method = rpc_method,
            rpc.grpc.status_code = field::Empty,
        ),
    }
}
