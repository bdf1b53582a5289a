//! What units do, by the log and by a call.

use septet_chassis::{
    contract::{Event, Record, Timestamp},
    messaging::log::Append,
};
use septet_proto_cx::v1::{ActivitySubmitted, IngestActivityRequest};
use septet_testkit::{
    on_both_stores,
    service::{self, Bed},
};
use tonic::Code;

use crate::bed::{Running, at, event, experiment, exposure};

/// Units, sum of revenue, and errors of a variation.
fn figures(result: &septet_proto_cx::v1::ExperimentResult, variation: usize) -> (u64, f64, f64) {
    let of = |metric: &str| {
        let metric = result.metrics.iter().find(|of| of.metric == metric).unwrap();
        metric.variations[variation].sum
    };
    (result.units[variation].units, of("revenue"), of("errors"))
}

async fn what_comes_again_counts_once(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    let all = [
        exposure("a", "control", 0),
        event("a", "purchase", 19.99, 10),
        event("a", "purchase", 5.01, 20),
        exposure("b", "treatment", 0),
        event("b", "error", 1.0, 5),
        // Before the exposure, after the window, and of nobody in the experiment.
        exposure("c", "control", 100),
        event("c", "purchase", 1.0, 99),
        event("c", "purchase", 2.0, 3_700),
        event("d", "purchase", 4.0, 10),
    ];
    for _ in 0..3 {
        // Each time under other offsets, and with other ids of the records.
        running.submit(all.clone()).await;
        running.idle().await;
    }
    let result = running.results().await;
    assert_eq!(figures(&result, 0), (2, 25.0, 0.0), "{result:#?}");
    assert_eq!(figures(&result, 1), (1, 0.0, 1.0), "{result:#?}");
    let conversion = &result.metrics[0].variations[0];
    assert_eq!((conversion.sum, conversion.mean), (1.0, 0.5));
}

async fn late_exposures_find_what_was_done_and_two_variations_exclude(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    running.submit([event("a", "purchase", 10.0, 60), event("a", "purchase", 1.0, 20)]).await;
    running.idle().await;
    running.submit([exposure("a", "control", 50)]).await;
    assert_eq!(figures(&running.results().await, 0), (1, 10.0, 0.0));
    running.submit([exposure("a", "control", 10)]).await;
    assert_eq!(figures(&running.results().await, 0), (1, 11.0, 0.0), "the first exposure counts");
    running.submit([exposure("a", "control", 70), exposure("b", "treatment", 0)]).await;
    assert_eq!(figures(&running.results().await, 0), (1, 11.0, 0.0));

    running.submit([exposure("a", "treatment", 5), event("a", "purchase", 7.0, 80)]).await;
    let result = running.results().await;
    assert_eq!((figures(&result, 0), figures(&result, 1)), ((0, 0.0, 0.0), (1, 0.0, 0.0)));
    assert_eq!(result.excluded_units, 1);
}

async fn what_cannot_be_counted_is_a_dead_letter(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    let wrong = [
        (ActivitySubmitted { kind: 0, ..event("kind", "purchase", 1.0, 0) }, "CX-0001"),
        (ActivitySubmitted { event_id: String::new(), ..event("id", "purchase", 1.0, 0) }, "CX-0001"),
        (ActivitySubmitted { value: f64::NAN, ..event("nan", "purchase", 1.0, 0) }, "CX-0001"),
        (ActivitySubmitted { value: 2e9, ..event("large", "purchase", 1.0, 0) }, "CX-0001"),
        (ActivitySubmitted { time: None, ..event("time", "purchase", 1.0, 0) }, "CX-0001"),
        (ActivitySubmitted { time: at(100_000), ..event("future", "purchase", 1.0, 0) }, "CX-0001"),
        (
            ActivitySubmitted {
                time: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
                ..event("old", "purchase", 1.0, 0)
            },
            "CX-0001",
        ),
        (event("control", "pur\u{0}chase", 1.0, 0), "CX-0001"),
        (event("name", &"n".repeat(200), 1.0, 0), "CX-0001"),
        (ActivitySubmitted { value: 1.0, ..exposure("value", "control", 0) }, "CX-0001"),
        (exposure("variation", "neither", 0), "CX-0007"),
        (ActivitySubmitted { name: "unknown".to_owned(), ..exposure("experiment", "control", 0) }, "CX-0007"),
    ];
    let count = wrong.len();
    running.submit(wrong.iter().map(|(activity, _)| activity.clone())).await;
    running.idle().await;
    let letters = service::records(&running.started, "cx.dlq").await;
    assert_eq!(letters.len(), count);
    for (activity, code) in wrong {
        let letter =
            letters.iter().find(|letter| letter.key.as_deref() == Some(activity.unit_id.as_bytes())).unwrap();
        let told = letter
            .headers
            .iter()
            .map(|header| String::from_utf8_lossy(header.value.as_deref().unwrap_or_default()).into_owned())
            .collect::<Vec<_>>()
            .join(" ");
        assert!(told.contains(code), "{code}: {told}");
        assert!(!told.contains("neither") && !told.contains("unknown"), "no payload in {told}");
    }
}

async fn bare_json_is_an_activity(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    let time = Timestamp::from(at(0).unwrap());
    let json = format!(
        r#"{{"unitId":"a","eventId":"1","kind":"ACTIVITY_KIND_EXPOSURE","name":"checkout-test","variation":"control","time":"{time}"}}"#
    );
    let second = format!(
        r#"{{"unitId":"a","eventId":"2","kind":"ACTIVITY_KIND_EVENT","name":"purchase","value":3.5,"time":"{time}","properties":{{"plan":"pro","items":[1,2]}}}}"#
    );
    for text in [json, second] {
        let record = Record {
            key: Some("a".into()),
            value: Some(text.into()),
            headers: Vec::new(),
            timestamp: Timestamp::now(),
        };
        let append = Append { topic: ActivitySubmitted::TOPIC.to_owned(), record };
        for result in running.started.log().append(vec![append]).await {
            result.unwrap();
        }
        running.idle().await;
    }
    assert_eq!(figures(&running.results().await, 0), (1, 3.5, 0.0));
}

async fn a_call_takes_what_is_right_and_tells_of_the_rest(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    let mut client = running.client();
    let mut all: Vec<ActivitySubmitted> =
        (0..1_200).map(|number| exposure(&format!("u{number}"), "control", 0)).collect();
    all[7].unit_id = String::new();
    let requests: Vec<_> =
        all.into_iter().map(|activity| IngestActivityRequest { activity: Some(activity) }).collect();
    for _ in 0..2 {
        let reply = client.ingest_activity(tokio_stream::iter(requests.clone())).await.unwrap().into_inner();
        assert_eq!((reply.accepted, reply.rejected), (1_199, 1));
        assert_eq!((reply.rejections[0].index, reply.rejections[0].code.as_str()), (7, "CX-0001"));
    }
    let result = running.results().await;
    assert_eq!(result.units[0].units, 1_199);
    assert!(result.sample_ratio.unwrap().mismatch, "nobody is in the treatment");
    let mut other = experiment();
    other.flag_key = "none".to_owned();
    assert_eq!(client.put_experiment(other).await.unwrap_err().code(), Code::NotFound);
}

on_both_stores!(
    what_comes_again_counts_once,
    late_exposures_find_what_was_done_and_two_variations_exclude,
    what_cannot_be_counted_is_a_dead_letter,
    bare_json_is_an_activity,
    a_call_takes_what_is_right_and_tells_of_the_rest,
);
