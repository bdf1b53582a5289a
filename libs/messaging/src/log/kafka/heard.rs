//! What librdkafka says beside its answers: passed on to `tracing`, and remembered for messages.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Statistics, config::RDKafkaLogLevel, consumer::ConsumerContext, error::KafkaError,
};

/// What is older says nothing about now.
const RECENT: Duration = Duration::from_secs(60);

/// The context of every client of a cluster. librdkafka answers a failed question by "timed out" or "transport failure"; why
/// the connection failed, it tells to its log alone. So the last such line is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Quiet(Arc<Mutex<Option<(Instant, String)>>>);

impl Quiet {
    /// Why the last connection to a broker failed, if that was a short time ago.
    fn heard(&self) -> Option<String> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.as_ref().filter(|(at, _)| at.elapsed() < RECENT).map(|(_, what)| what.clone())
    }

    /// A reason, with what was heard about it.
    pub(super) fn explain(&self, reason: &str) -> String {
        match self.heard() {
            Some(heard) if !reason.contains(&heard) => format!("{reason}; {heard}"),
            _ => reason.to_owned(),
        }
    }

    fn note(&self, message: &str) {
        // It begins with the name of the thread.
        let what = message.split_once("]: ").map_or(message, |(_, what)| what);
        let mut what = what
            .replace("(install ca-certificates package)", "and that it is for the host of kafka.brokers")
            .replace("ssl.ca.location", "kafka.security.ca_file")
            .replace("ssl.certificate.location", "kafka.security.certificate_file")
            .replace("ssl.key.location", "kafka.security.key_file");
        if what.contains("SSL alert") {
            what += " (the broker ended the handshake: does it ask for kafka.security.certificate_file, and does it know who \
                     signed that?)";
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), what));
    }
}

/// A broker that is away is no error of this process, so nothing is louder than a warning.
impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == "FAIL" {
            self.note(message);
        }
        // Ours, at every start of a producer: the property does what it says.
        if facility == "CONFWARN" && message.contains("enable.gapless.guarantee") {
            return;
        }
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, "{reason}");
    }

    fn stats(&self, _: Statistics) {}
}

impl ConsumerContext for Quiet {}
