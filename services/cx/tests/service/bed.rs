//! A cx process of the test's own, and what it is told.

use std::{sync::LazyLock, time::Duration};

use septet_chassis::{
    Channel, Started,
    contract::{Cause, Envelope, Event, Timestamp, cloudevents::to_record},
    messaging::log::Append,
};
use septet_proto_cx::v1::{
    ActivityKind, ActivitySubmitted, Direction, ExperimentResult, GetResultsRequest, Guardrail, Metric,
    MetricKind, PutExperimentRequest, PutFeatureRequest, cx_service_client::CxServiceClient,
};
use septet_testkit::{
    json::object,
    service::{self, Bed},
};

/// A running process.
pub struct Running {
    pub started: Started,
}

impl Running {
    pub async fn on(bed: &Bed) -> Self {
        let settings = [("cx.judge_ms", serde_json::json!(50))];
        Self { started: bed.start("cx", |process| process.with(septet_cx::service()), &settings).await }
    }

    pub fn client(&self) -> CxServiceClient<Channel> {
        CxServiceClient::new(self.started.channel())
    }

    /// Appends activities as an outside producer would: each a record of its own.
    pub async fn submit(&self, activities: impl IntoIterator<Item = ActivitySubmitted>) {
        let appends: Vec<Append> = activities
            .into_iter()
            .map(|activity| {
                let envelope = Envelope::of_event(&activity, "/shop", Timestamp::now(), &Cause::default());
                Append { topic: ActivitySubmitted::TOPIC.to_owned(), record: to_record(&envelope) }
            })
            .collect();
        for result in self.started.log().append(appends).await {
            result.unwrap();
        }
    }

    pub async fn idle(&self) {
        service::idle(&self.started).await;
    }

    /// Puts a flag of two variations, and an experiment on it with a guardrail on errors.
    pub async fn checkout(&self) {
        let mut client = self.client();
        client.put_feature(flag("checkout", CHECKOUT)).await.unwrap();
        client.put_experiment(experiment()).await.unwrap();
    }

    pub async fn results(&self) -> ExperimentResult {
        self.idle().await;
        let request = GetResultsRequest { experiment_id: "checkout-test".to_owned() };
        self.client().get_results(request).await.unwrap().into_inner().result.unwrap()
    }
}

pub const CHECKOUT: &str = r#"{ "defaultValue": "old", "rules": [{
    "id": "r1", "key": "checkout-test", "variations": ["old", "new"], "hashVersion": 2,
    "meta": [{ "key": "control" }, { "key": "treatment" }] }] }"#;

pub fn flag(key: &str, definition: &str) -> PutFeatureRequest {
    PutFeatureRequest {
        key: key.to_owned(),
        definition: Some(object(serde_json::from_str(definition).unwrap())),
        ..Default::default()
    }
}

pub fn experiment() -> PutExperimentRequest {
    let metric = |name: &str, event: &str, kind: MetricKind, guardrail| Metric {
        name: name.to_owned(),
        event: event.to_owned(),
        kind: kind.into(),
        guardrail,
    };
    let lower = Guardrail { direction: Direction::LowerIsBetter.into(), allowed_worsening: 0.1 };
    PutExperimentRequest {
        experiment_id: "checkout-test".to_owned(),
        flag_key: "checkout".to_owned(),
        name: "A shorter checkout".to_owned(),
        metrics: vec![
            metric("conversion", "purchase", MetricKind::Proportion, None),
            metric("revenue", "purchase", MetricKind::Mean, None),
            metric("errors", "error", MetricKind::Count, Some(lower)),
        ],
        conversion_window: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
        min_units: 20,
        ..Default::default()
    }
}

/// A time so many seconds after a beginning that is three hours ago.
pub fn at(seconds: u64) -> Option<prost_types::Timestamp> {
    static BEGINNING: LazyLock<Timestamp> =
        LazyLock::new(|| Timestamp::now().before(Duration::from_secs(3 * 3_600)));
    Some(BEGINNING.after(Duration::from_secs(seconds)).into())
}

pub fn exposure(unit: &str, variation: &str, seconds: u64) -> ActivitySubmitted {
    ActivitySubmitted {
        unit_id: unit.to_owned(),
        event_id: format!("x-{variation}-{seconds}"),
        kind: ActivityKind::Exposure.into(),
        name: "checkout-test".to_owned(),
        variation: variation.to_owned(),
        time: at(seconds),
        ..Default::default()
    }
}

pub fn event(unit: &str, name: &str, value: f64, seconds: u64) -> ActivitySubmitted {
    ActivitySubmitted {
        unit_id: unit.to_owned(),
        event_id: format!("e-{name}-{seconds}"),
        kind: ActivityKind::Event.into(),
        name: name.to_owned(),
        value,
        time: at(seconds),
        ..Default::default()
    }
}
