use prost::Message;
use septet_messaging::CxError;
use septet_proto_common::v1::ErrorDetail;
use septet_store::StoreError;
use tonic::{Code, Status};

/// A gRPC status with a stable code, the thing that is wrong, and the way out; the message says all three for people, the
/// details carry an `ErrorDetail` for programs.
pub fn fault(code: Code, error: &str, subject: &str, problem: &str, hint: &str) -> Status {
    let message =
        if hint.is_empty() { format!("{error}: {problem}") } else { format!("{error}: {problem}; {hint}") };
    let detail = ErrorDetail { code: error.to_owned(), subject: subject.to_owned(), hint: hint.to_owned() };
    let details = tonic_types::pb::Status {
        code: code as i32,
        message: message.clone(),
        details: vec![prost_types::Any {
            type_url: "type.googleapis.com/septet.common.v1.ErrorDetail".to_owned(),
            value: detail.encode_to_vec(),
        }],
    };
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// A field of a request that cannot be accepted.
pub fn invalid(error: &str, field: &str, problem: &str) -> Status {
    fault(Code::InvalidArgument, error, field, &format!("`{field}` {problem}"), "")
}

/// What a unit of work's failure is to a caller. A cause that a caller can do nothing about is logged, not told.
pub fn status_of(error: &CxError) -> Status {
    match error {
        CxError::Store(error) => status_of_store(error),
        CxError::Overloaded { .. } => fault(
            Code::ResourceExhausted,
            "SEPTET-0020",
            "outbox",
            &error.to_string(),
            "try again with a pause",
        ),
        CxError::TooLarge { .. } => {
            fault(Code::InvalidArgument, "SEPTET-0021", "message", &error.to_string(), "send less at a time")
        }
        CxError::RequestIdReused(_) => {
            fault(Code::InvalidArgument, "SEPTET-0022", "request_id", &error.to_string(), "")
        }
        CxError::Done => Status::aborted("handled already"),
    }
}

/// What a database's failure is to a caller.
pub fn status_of_store(error: &StoreError) -> Status {
    tracing::warn!(%error, "a call failed in the database");
    match error {
        StoreError::Unavailable(_) => fault(
            Code::Unavailable,
            "SEPTET-0023",
            "database",
            "the database is not available",
            "try again with a pause",
        ),
        StoreError::Duplicate { .. } => fault(
            Code::Aborted,
            "SEPTET-0024",
            "request",
            "another call did the same at the same time",
            "try again",
        ),
        _ => fault(Code::Internal, "SEPTET-0025", "database", "an internal error; the log says more", ""),
    }
}
