//! One service's part of a page.

use std::time::Duration;

use tonic::{Code, Response, Status};

/// How long a service may take for its part.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a service says, or a line that says why there is nothing.
pub enum Part<T> {
    /// What it says.
    Said(T),
    /// It has nothing to say yet, or ever.
    Nothing(String),
    /// It is not there, or could not answer.
    Failed(String),
}

/// Asks a service for what it knows, but not for ever.
pub async fn ask<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Status> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(answer) => answer.map(Response::into_inner),
        Err(_elapsed) => Err(Status::deadline_exceeded(format!("no answer within {PATIENCE:?}"))),
    }
}

impl<T> Part<T> {
    /// Of an answer of `service`; `nothing` says what it means that there is none.
    pub fn of(service: &str, nothing: &str, answer: Result<Option<T>, Status>) -> Self {
        match answer {
            Ok(Some(said)) => Self::Said(said),
            Ok(None) => Self::Nothing(nothing.to_owned()),
            Err(status) => Self::silent(service, nothing, &status),
        }
    }

    /// That `service` did not say anything.
    pub fn silent(service: &str, nothing: &str, status: &Status) -> Self {
        match status.code() {
            Code::NotFound => Self::Nothing(nothing.to_owned()),
            Code::Unimplemented => Self::Nothing(format!("{service} is not part of this suite.")),
            _ => Self::Failed(format!("{service} cannot tell now: {}", status.message())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: Result<Option<u32>, Status>) -> String {
        match Part::of("cost", "not priced yet", answer) {
            Part::Said(number) => number.to_string(),
            Part::Nothing(line) => format!("nothing: {line}"),
            Part::Failed(line) => format!("failed: {line}"),
        }
    }

    #[test]
    fn every_answer_is_a_line() {
        assert_eq!(text(Ok(Some(7))), "7");
        assert_eq!(text(Ok(None)), "nothing: not priced yet");
        assert_eq!(text(Err(Status::not_found("no such change"))), "nothing: not priced yet");
        assert_eq!(text(Err(Status::unimplemented("?"))), "nothing: cost is not part of this suite.");
        assert_eq!(
            text(Err(Status::unavailable("the database is away"))),
            "failed: cost cannot tell now: the database is away"
        );
    }
}
