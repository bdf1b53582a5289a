//! Funnels over what units did.

use septet_proto_cx::v1::{ActivitySubmitted, FunnelStep, QueryFunnelRequest};
use septet_testkit::{json::object, on_both_stores, service::Bed};
use serde_json::json;

use crate::bed::{Running, at, event, exposure};

fn step(event: &str, condition: Option<serde_json::Value>) -> FunnelStep {
    FunnelStep { event: event.to_owned(), condition: condition.map(object) }
}

async fn units_go_through_steps_in_order_and_in_time(bed: Bed) {
    let running = Running::on(&bed).await;
    running.checkout().await;
    let pro = |activity| ActivitySubmitted { properties: Some(object(json!({ "plan": "pro" }))), ..activity };
    running
        .submit([
            exposure("a", "control", 0),
            event("a", "view", 0.0, 10),
            event("a", "cart", 0.0, 30),
            pro(event("a", "purchase", 9.0, 70)),
            exposure("b", "treatment", 0),
            event("b", "view", 0.0, 10),
            event("b", "cart", 0.0, 20),
            event("b", "purchase", 9.0, 40),
            // Too late, in another order, and before the exposure.
            event("c", "view", 0.0, 10),
            event("c", "cart", 0.0, 900),
            event("d", "cart", 0.0, 10),
            event("d", "view", 0.0, 20),
            exposure("e", "control", 100),
            event("e", "view", 0.0, 50),
        ])
        .await;
    running.idle().await;
    let mut client = running.client();
    let request = QueryFunnelRequest {
        steps: vec![step("view", None), step("cart", None), step("purchase", None)],
        window: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Default::default()
    };
    let reply = client.query_funnel(request.clone()).await.unwrap().into_inner();
    let units =
        |funnel: &septet_proto_cx::v1::Funnel| funnel.steps.iter().map(|of| of.units).collect::<Vec<_>>();
    assert_eq!((units(&reply.funnels[0]), reply.events), (vec![5, 2, 2], 11));
    let cart = &reply.funnels[0].steps[1];
    assert_eq!(
        (cart.conversion, cart.median_time),
        (0.4, Some(prost_types::Duration { seconds: 15, nanos: 0 }))
    );

    let mut paying = request.clone();
    paying.steps[2] = step("purchase", Some(json!({ "plan": { "$in": ["pro"] } })));
    assert_eq!(units(&client.query_funnel(paying).await.unwrap().into_inner().funnels[0]), [5, 2, 1]);
    let apart = QueryFunnelRequest { experiment_id: "checkout-test".to_owned(), ..request.clone() };
    let apart = client.query_funnel(apart).await.unwrap().into_inner().funnels;
    assert_eq!(
        apart.iter().map(|funnel| funnel.variation.as_str()).collect::<Vec<_>>(),
        ["control", "treatment"]
    );
    assert_eq!((units(&apart[0]), units(&apart[1])), (vec![1, 1, 1], vec![1, 1, 1]));
    let early = QueryFunnelRequest { end_time: at(25), ..request.clone() };
    assert_eq!(units(&client.query_funnel(early).await.unwrap().into_inner().funnels[0]), [4, 1, 0]);

    let mut wrong = request.clone();
    wrong.steps[0].condition = Some(object(json!({ "a": { "$x": 1 } })));
    for (wrong, word) in [
        (QueryFunnelRequest { steps: Vec::new(), ..request.clone() }, "`steps`"),
        (wrong, "`steps.condition`"),
        (QueryFunnelRequest { experiment_id: "none".to_owned(), ..request }, "CX-0003"),
    ] {
        let refused = client.query_funnel(wrong).await.unwrap_err();
        assert!(refused.message().contains(word), "{refused:?}");
    }
}

on_both_stores!(units_go_through_steps_in_order_and_in_time);
