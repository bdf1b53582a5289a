//! Signals of outside producers.

use std::pin::pin;

use futures_util::{Stream, StreamExt};
use septet_chassis::contract::Timestamp;
use septet_proto_soc::v1::{IngestRequest, IngestResponse, RejectedSignal, SignalSubmitted};
use tonic::Status;
use uuid::Uuid;

use crate::{
    Soc,
    alert::Occasion,
    error::Error,
    sigma::EventSource,
    signal::{Signal, Subject, members},
};

/// Bytes of each text that says where a signal is from.
const MAX_TEXT: usize = 256;
/// Signals that are evaluated in one transaction.
const TOGETHER: usize = 100;
/// Rejected signals that are named in the reply.
const NAMED: usize = 100;

/// The signal of a message.
pub(crate) fn read(event: SignalSubmitted, now: Timestamp) -> Result<(Occasion, Signal), Error> {
    let logsource = event.logsource.unwrap_or_default();
    for (field, text) in [
        ("source", &event.source),
        ("id", &event.id),
        ("host", &event.host),
        ("logsource.product", &logsource.product),
        ("logsource.service", &logsource.service),
        ("logsource.category", &logsource.category),
    ] {
        if text.len() > MAX_TEXT {
            return Err(Error::invalid(field, format!("is longer than {MAX_TEXT} bytes")));
        }
    }
    if event.source.is_empty() {
        return Err(Error::invalid("source", "is missing"));
    }
    let payload = event.payload.ok_or_else(|| Error::invalid("payload", "is missing"))?;
    let given =
        EventSource { product: logsource.product, service: logsource.service, category: logsource.category };
    let occasion = Occasion {
        origin: event.source,
        event_id: event.id,
        subject: Subject::default(),
        host: event.host,
        time: event.time.map_or(now, Into::into),
    };
    Ok((occasion, Signal::of_json(&given, members(payload))))
}

impl Soc {
    /// Evaluates the signals of a caller, those that have arrived together in one transaction.
    pub(crate) async fn take(
        &self,
        signals: impl Stream<Item = Result<IngestRequest, Status>> + Send,
    ) -> Result<IngestResponse, Status> {
        let mut chunks = pin!(signals.ready_chunks(TOGETHER));
        let mut reply = IngestResponse::default();
        while let Some(chunk) = chunks.next().await {
            let signals = chunk.into_iter().collect::<Result<Vec<_>, _>>()?;
            self.take_some(signals, &mut reply).await?;
        }
        Ok(reply)
    }

    async fn take_some(&self, signals: Vec<IngestRequest>, reply: &mut IngestResponse) -> Result<(), Error> {
        let mut cx = self.units.begin(Default::default());
        for request in signals {
            let index = reply.accepted + reply.rejected;
            let mut signal = request.signal.unwrap_or_default();
            if signal.id.is_empty() {
                signal.id = Uuid::now_v7().to_string();
            }
            match read(signal, cx.now()) {
                Ok((occasion, signal)) => {
                    let (_, new) = self.evaluate(&mut cx, &occasion, &[signal]).await?;
                    reply.alerts += new;
                    reply.accepted += 1;
                }
                Err(error) => {
                    reply.rejected += 1;
                    if reply.first_rejected.len() < NAMED {
                        reply.first_rejected.push(RejectedSignal { index, reason: error.to_string() });
                    }
                }
            }
        }
        cx.commit().await?;
        self.tell();
        Ok(())
    }
}
