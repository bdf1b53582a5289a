//! Asks cx whether a release's flags have a breached guardrail.
//!
//! The answer is wanted when nothing else stands against the release. cx may be away then, so a job asks, and goes on asking;
//! the release waits, and no event of another change waits with it.

use std::time::Duration;

use prost::Message as _;
use septet_chassis::{Cx, HandleError, Work};
use septet_proto_cx::v1::{
    CheckGuardrailsRequest, CheckGuardrailsResponse, cx_service_client::CxServiceClient,
};
use septet_proto_devops::v1::{AskGuardrails, RepositorySettings};
use tonic::{Code, Request, Status};

use crate::{
    Devops,
    release::{Said, Word, Words},
    steps::one_line,
    store,
};

/// How long another service may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// First pause after no answer, which doubles with each one.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause is the first one times two to the power of this: about a minute.
const DOUBLINGS: u32 = 6;
/// Breaches that a summary names.
const NAMED: usize = 3;

impl Work<AskGuardrails> for Devops {
    async fn work(&self, cx: &mut Cx, job: AskGuardrails) -> Result<(), HandleError> {
        let found = store::release_of(&mut self.units.read().await?, &job.change_id).await?;
        let Some(release) = found else { return Ok(()) };
        let settings = RepositorySettings::decode(release.settings.as_slice()).unwrap_or_default();
        // Outside of the transaction, which must not wait for another service.
        let answer = self.ask_cx(settings.flags).await;
        let now = cx.now().micros();
        let latest = store::is_latest(cx.tx().await?, &release.repository_id, release.seq).await?;
        let again = match &answer {
            Err(_) => Some((pause(job.unanswered), job.unanswered.saturating_add(1))),
            // Nobody tells when a guardrail holds again, so a release that somebody may still want asks for it.
            Ok(word) if word.0 == Said::Failed && latest => Some((self.settings.release.recheck(), 0)),
            Ok(_) => None,
        };
        self.decide(cx, &job.change_id, |words| {
            match answer {
                Ok((said, summary)) => words.hear("cx", word(said, summary, now)),
                Err(status) => {
                    if !has_answer(words) {
                        words.hear("cx", word(Said::Waits, silence("cx", &status), now));
                    }
                }
            }
            words.asking = again.is_some();
        })
        .await?;
        if let Some((delay, unanswered)) = again {
            cx.enqueue_after(&AskGuardrails { unanswered, ..job }, delay)?;
        }
        Ok(())
    }
}

impl Devops {
    /// What cx says of these flags now.
    pub(crate) async fn ask_cx(&self, flag_keys: Vec<String>) -> Result<(Said, String), Status> {
        let mut request = Request::new(CheckGuardrailsRequest { flag_keys });
        request.set_timeout(PATIENCE);
        let reply = CxServiceClient::new(self.cx.clone()).check_guardrails(request).await?;
        Ok(answered(&reply.into_inner()))
    }
}

/// A breach in one line.
pub(crate) fn in_a_line(flag_key: &str, reason: &str) -> String {
    format!("a guardrail of {flag_key} is breached: {reason}")
}

/// Why a service's word is missing, in one line.
pub(crate) fn silence(service: &str, status: &Status) -> String {
    match status.code() {
        // What it says besides differs from time to time, and the reason does not.
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => {
            format!("{service} does not answer; it is asked again")
        }
        code => one_line(&format!("{service} cannot answer ({code:?}): {}", status.message())),
    }
}

fn answered(reply: &CheckGuardrailsResponse) -> (Said, String) {
    let mut lines: Vec<String> =
        reply.breached.iter().take(NAMED).map(|breach| in_a_line(&breach.flag_key, &breach.reason)).collect();
    if reply.breached.len() > NAMED {
        lines.push(format!("{} more", reply.breached.len() - NAMED));
    }
    if !lines.is_empty() {
        return (Said::Failed, one_line(&lines.join("; ")));
    }
    let mut summary = "no guardrail is breached".to_owned();
    if !reply.unknown_flag_keys.is_empty() {
        summary += &format!("; cx does not know {}", reply.unknown_flag_keys.join(", "));
    }
    (Said::Passed, one_line(&summary))
}

fn has_answer(words: &Words) -> bool {
    words.of("cx").is_some_and(|word| word.said != Said::Waits)
}

fn word(said: Said, summary: String, time: i64) -> Word {
    Word { said, summary, time, event_id: String::new() }
}

fn pause(unanswered: u32) -> Duration {
    PAUSE * 2_u32.pow(unanswered.min(DOUBLINGS))
}
