//! Experiments, their guardrails, and their end.

use septet_proto_common::v1::PageRequest;
use septet_proto_cx::v1::{
    CheckGuardrailsRequest, ConcludeExperimentRequest, ExperimentConcluded, ExperimentState,
    GuardrailBreached, GuardrailState, ListExperimentsRequest,
};
use septet_testkit::{
    eventually, on_both_stores,
    service::{self, Bed},
};
use tonic::Code;

use crate::bed::{Running, event, experiment, exposure};

fn asked(keys: &[&str]) -> CheckGuardrailsRequest {
    CheckGuardrailsRequest { flag_keys: keys.iter().map(|key| (*key).to_owned()).collect() }
}

/// So many units in each variation, of which so many have an error.
async fn errors(running: &Running, prefix: &str, units: usize, control: usize, treatment: usize) {
    for (variation, failing) in [("control", control), ("treatment", treatment)] {
        let of = |number: usize| format!("{prefix}-{variation}-{number}");
        running.submit((0..units).map(|number| exposure(&of(number), variation, 0))).await;
        running.submit((0..failing).map(|number| event(&of(number), "error", 1.0, 10))).await;
    }
    running.idle().await;
}

async fn a_guardrail_breaks_once_and_holds_again(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    let mut client = running.client();
    errors(&running, "some", 10, 0, 9).await;
    let result = running.results().await;
    assert_eq!(result.metrics[2].comparisons[0].guardrail(), GuardrailState::Waiting, "too few units");
    assert!(client.check_guardrails(asked(&["checkout"])).await.unwrap().into_inner().breached.is_empty());

    errors(&running, "more", 40, 2, 30).await;
    let breached = eventually("the guardrail breaks", async || {
        let reply = client.clone().check_guardrails(asked(&["checkout", "none"])).await.unwrap().into_inner();
        assert_eq!(reply.unknown_flag_keys, ["none"]);
        reply.breached.into_iter().next()
    })
    .await;
    assert_eq!((breached.metric.as_str(), breached.variation.as_str()), ("errors", "treatment"));
    assert!(
        breached.reason.contains("95 % interval") && breached.reason.contains("with 10 % of worsening"),
        "{}",
        breached.reason
    );
    // It stays broken while more comes, and says so no more.
    errors(&running, "again", 5, 0, 4).await;
    running.results().await;
    let events: Vec<GuardrailBreached> = events(&running).await;
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0].flag_key, "checkout");
    assert_eq!(events[0].guardrail.as_ref(), Some(&breached));

    // More is allowed, and then less again: judged without anything new from units.
    for (allowed, is_breached) in [(10.0, false), (0.1, true)] {
        let mut change = experiment();
        change.metrics[2].guardrail.as_mut().unwrap().allowed_worsening = allowed;
        client.put_experiment(change).await.unwrap();
        eventually("the guardrail is judged anew", async || {
            let reply = client.clone().check_guardrails(asked(&["checkout"])).await.unwrap().into_inner();
            (reply.breached.is_empty() != is_breached).then_some(())
        })
        .await;
    }
    let events: Vec<GuardrailBreached> = self::events(&running).await;
    assert_eq!(events.len(), 2, "a second transition");

    // Errors in the control: the treatment is no worse any more.
    running.submit((0..40).map(|number| event(&format!("more-control-{number}"), "error", 1.0, 11))).await;
    running.submit((0..40).map(|number| event(&format!("more-control-{number}"), "error", 1.0, 12))).await;
    eventually("the guardrail holds", async || {
        let reply = client.clone().check_guardrails(asked(&["checkout"])).await.unwrap().into_inner();
        reply.breached.is_empty().then_some(())
    })
    .await;
    for time in 13..18 {
        running
            .submit((0..40).map(|number| event(&format!("more-treatment-{number}"), "error", 1.0, time)))
            .await;
    }
    eventually("the guardrail breaks again", async || {
        let events: Vec<GuardrailBreached> = self::events(&running).await;
        (events.len() == 3).then_some(())
    })
    .await;
}

async fn events<E: septet_chassis::contract::Event>(running: &Running) -> Vec<E> {
    service::published(&running.started).await.into_iter().map(|(_, event)| event).collect()
}

async fn a_conclusion_is_final(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    let mut client = running.client();
    errors(&running, "u", 30, 2, 20).await;
    let conclude = ConcludeExperimentRequest {
        request_id: "once".to_owned(),
        experiment_id: "checkout-test".to_owned(),
        conclusion: "Shorter is worse".to_owned(),
    };
    let reply = client.conclude_experiment(conclude.clone()).await.unwrap().into_inner();
    assert_eq!(client.conclude_experiment(conclude.clone()).await.unwrap().into_inner(), reply, "a retry");
    let (concluded, result) = (reply.experiment.clone().unwrap(), reply.result.clone().unwrap());
    assert_eq!(
        (concluded.state(), concluded.conclusion.as_str()),
        (ExperimentState::Concluded, "Shorter is worse")
    );
    assert_eq!((result.units[0].units, result.units[1].units), (30, 30));
    let comparison = &result.metrics[2].comparisons[0];
    assert_eq!(comparison.guardrail(), GuardrailState::Breached, "{comparison:#?}");
    assert!((comparison.difference - 0.6).abs() < 1e-12);

    let again = ConcludeExperimentRequest { request_id: String::new(), ..conclude };
    let refused = client.conclude_experiment(again).await.unwrap_err();
    assert_eq!((refused.code(), refused.message().contains("CX-0005")), (Code::FailedPrecondition, true));
    errors(&running, "late", 10, 0, 0).await;
    assert_eq!(running.results().await, result, "what comes later does not count");
    let published: Vec<ExperimentConcluded> = events(&running).await;
    assert_eq!(published.len(), 1);
    assert_eq!((&published[0].experiment, &published[0].result), (&reply.experiment, &reply.result));
    eventually("a concluded experiment blocks nothing", async || {
        let reply = client.clone().check_guardrails(asked(&["checkout"])).await.unwrap().into_inner();
        reply.breached.is_empty().then_some(())
    })
    .await;
}

async fn figures_outlive_a_restart(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    errors(&running, "u", 30, 2, 10).await;
    let before = running.results().await;
    running.started.drain().await.unwrap();
    let running = Running::on(&bed).await;
    let after = running.results().await;
    assert_eq!((before.units, before.metrics), (after.units, after.metrics));
}

async fn an_experiment_keeps_what_is_counted(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    let mut client = running.client();
    let mut renamed = experiment();
    (renamed.name, renamed.confidence) = ("Another name".to_owned(), 0.9);
    let changed = client.put_experiment(renamed).await.unwrap().into_inner().experiment.unwrap();
    assert_eq!((changed.name.as_str(), changed.confidence), ("Another name", 0.9));
    let weights: Vec<(String, f64)> = changed.variations.into_iter().map(|of| (of.key, of.weight)).collect();
    assert_eq!(weights, [("control".to_owned(), 0.5), ("treatment".to_owned(), 0.5)], "from the flag's rule");

    let mut window = experiment();
    window.conversion_window = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let mut metric = experiment();
    metric.metrics[0].event = "other".to_owned();
    for wrong in [window, metric] {
        let refused = client.put_experiment(wrong).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.message().contains("CX-0005")),
            (Code::FailedPrecondition, true),
            "{refused:?}"
        );
    }
    let mut twice = experiment();
    twice.metrics[1].name = twice.metrics[0].name.clone();
    let mut long = experiment();
    long.conversion_window = Some(prost_types::Duration { seconds: 91 * 86_400, nanos: 0 });
    let mut unknown = experiment();
    unknown.experiment_id = "no-rule".to_owned();
    let mut allowed = experiment();
    allowed.metrics[2].guardrail.as_mut().unwrap().allowed_worsening = f64::NAN;
    for (wrong, field) in
        [(twice, "metrics"), (long, "conversion_window"), (unknown, "variations"), (allowed, "metrics")]
    {
        let refused = client.put_experiment(wrong).await.unwrap_err();
        assert!(refused.message().contains(&format!("`{field}`")), "{refused:?}");
    }
    let request = ListExperimentsRequest {
        flag_key: "checkout".to_owned(),
        state: ExperimentState::Running.into(),
        page: Some(PageRequest { page_size: 1, ..Default::default() }),
    };
    let listed = client.list_experiments(request.clone()).await.unwrap().into_inner();
    assert_eq!((listed.experiments.len(), listed.page.unwrap().next_page_token.as_str()), (1, ""));
    let concluded = ListExperimentsRequest { state: ExperimentState::Concluded.into(), ..request };
    assert!(client.list_experiments(concluded).await.unwrap().into_inner().experiments.is_empty());
}

on_both_stores!(
    a_guardrail_breaks_once_and_holds_again,
    a_conclusion_is_final,
    figures_outlive_a_restart,
    an_experiment_keeps_what_is_counted,
);
