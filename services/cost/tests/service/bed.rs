//! A cost process of the test's own, and what it is given.

use septet_chassis::{
    Channel, Started,
    contract::{Cause, Envelope, Event, Timestamp, cloudevents::to_record},
    messaging::log::Append,
};
use septet_proto_cost::v1::{
    ChargeFormat, ImportChargesRequest, ImportHeader, ImportSummary, cost_service_client::CostServiceClient,
    import_charges_request::Part,
};
use septet_proto_devops::v1::{Change, ChangePushed, RepositoryFile};
use septet_testkit::service::{self, Bed};
use tonic::Status;

/// A running process.
pub struct Running {
    pub started: Started,
}

impl Running {
    pub async fn on(bed: &Bed) -> Self {
        Self::with(bed, &[]).await
    }

    pub async fn with(bed: &Bed, settings: &[(&str, serde_json::Value)]) -> Self {
        Self { started: bed.start("cost", |process| process.with(septet_cost::service()), settings).await }
    }

    pub fn client(&self) -> CostServiceClient<Channel> {
        CostServiceClient::new(self.started.channel())
    }

    /// Appends an event as its producer would, so many times.
    pub async fn push<E: Event>(&self, event: &E, times: usize) {
        let envelope = Envelope::of_event(event, "/septet/test", Timestamp::now(), &Cause::default());
        let append = Append { topic: E::TOPIC.to_owned(), record: to_record(&envelope) };
        for result in self.started.log().append(vec![append; times]).await {
            result.unwrap();
        }
    }

    pub async fn idle(&self) {
        service::idle(&self.started).await;
    }

    /// Every published event of a type.
    pub async fn published<E: Event>(&self) -> Vec<E> {
        service::published(&self.started).await.into_iter().map(|(_, event)| event).collect()
    }

    /// Imports a file in pieces.
    pub async fn import(&self, header: ImportHeader, file: &[u8]) -> Result<ImportSummary, Status> {
        let pieces = file.chunks(10_000).map(|piece| Part::Piece(piece.to_vec().into()));
        let parts: Vec<_> = std::iter::once(Part::Header(header)).chain(pieces).collect();
        self.stream(parts).await
    }

    /// Sends these parts as an import.
    pub async fn stream(&self, parts: Vec<Part>) -> Result<ImportSummary, Status> {
        let requests = parts.into_iter().map(|part| ImportChargesRequest { part: Some(part) });
        let reply = self.client().import_charges(tokio_stream::iter(requests.collect::<Vec<_>>())).await?;
        Ok(reply.into_inner().summary.unwrap())
    }
}

/// The header of a file.
pub fn header(format: ChargeFormat) -> ImportHeader {
    ImportHeader { source: "test".to_owned(), format: format.into(), ..ImportHeader::default() }
}

/// A charge of FOCUS on a day, as JSON.
pub fn charge(day: &str, service: &str, billed: &str, more: &[(&str, &str)]) -> serde_json::Value {
    let month = &day[..7];
    let mut charge = serde_json::json!({
        "BilledCost": billed, "EffectiveCost": billed, "ListCost": billed, "ContractedCost": billed,
        "BillingAccountId": "a-1", "BillingCurrency": "USD",
        "BillingPeriodStart": format!("{month}-01T00:00:00Z"), "BillingPeriodEnd": "2030-01-01T00:00:00Z",
        "ChargePeriodStart": format!("{day}T00:00:00Z"), "ChargePeriodEnd": format!("{day}T23:59:59Z"),
        "ChargeCategory": "Usage", "ServiceName": service, "ServiceCategory": "Compute",
        "ProviderName": "Cloud", "PublisherName": "Cloud", "InvoiceIssuerName": "Cloud", "SkuId": "S",
    });
    for (name, value) in more {
        charge[*name] = (*value).into();
    }
    charge
}

/// Charges as a file of JSON objects.
pub fn file(charges: &[serde_json::Value]) -> Vec<u8> {
    charges.iter().map(|charge| format!("{charge}\n")).collect::<String>().into_bytes()
}

/// A pushed change with these manifests, and those of its parent.
pub fn change(id: &str, manifests: &[(&str, &str)], parent: &[(&str, &str)]) -> ChangePushed {
    let files = |files: &[(&str, &str)]| {
        let file = |(path, content): &(&str, &str)| RepositoryFile {
            path: (*path).to_owned(),
            content: content.as_bytes().to_vec().into(),
            ..RepositoryFile::default()
        };
        files.iter().map(file).collect()
    };
    ChangePushed {
        change_id: id.to_owned(),
        change: Some(Change {
            id: id.to_owned(),
            repository_id: "repository".to_owned(),
            repository_name: "shop".to_owned(),
            commit: format!("{id:0>40}"),
            ..Change::default()
        }),
        manifests: files(manifests),
        parent_manifests: files(parent),
        ..ChangePushed::default()
    }
}
