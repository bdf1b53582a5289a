use http::{HeaderMap, StatusCode};

/// A gRPC status code, 0 to 16. Its message is never read: it may quote the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code(u8);

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl Code {
    /// How many there are.
    pub(super) const COUNT: usize = NAMES.len();
    pub(super) const CANCELLED: Self = Self(1);
    pub(super) const UNKNOWN: Self = Self(2);
    pub(super) const UNAVAILABLE: Self = Self(14);

    /// `grpc-status` out of headers or trailers; a value that is no code is `UNKNOWN`.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get("grpc-status")?;
        let number = value.to_str().ok().and_then(|text| text.parse::<u8>().ok());
        Some(number.filter(|number| usize::from(*number) < NAMES.len()).map_or(Self::UNKNOWN, Self))
    }

    /// What gRPC prescribes for an HTTP status without `grpc-status`; `None` for 200, whose status is still to come.
    pub(super) fn of_http(status: StatusCode) -> Option<Self> {
        match status.as_u16() {
            200 => None,
            400 => Some(Self(13)),
            401 => Some(Self(16)),
            403 => Some(Self(7)),
            404 => Some(Self(12)),
            429 | 502 | 503 | 504 => Some(Self::UNAVAILABLE),
            _ => Some(Self::UNKNOWN),
        }
    }

    pub(super) fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("UNKNOWN")
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(super) fn number(self) -> i64 {
        i64::from(self.0)
    }

    /// Whether a server is to blame; what a caller did wrong is no error of the server's span.
    pub(super) fn is_server_fault(self) -> bool {
        matches!(self.0, 2 | 4 | 12 | 13 | 14 | 15)
    }
}
