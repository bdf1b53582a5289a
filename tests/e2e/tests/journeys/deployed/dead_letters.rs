//! What a service cannot take, and what an operator does about it through `AdminService`.

use septet_e2e::{Channel, Deployment};
use septet_proto_common::v1::{
    DeadLetter, DeadLetterState, DiscardDeadLetterRequest, GetDeadLetterRequest, ListDeadLettersRequest,
    RedriveDeadLetterRequest, admin_service_client::AdminServiceClient,
};
use septet_testkit::{Deadline, eventually_in};
use tonic::Code;

use super::{
    Reviews,
    site::{Site, Topology},
    wire::{INGEST, REVIEWS, publish, submission},
};

in_each_topology!(a_malformed_event_can_be_mended_and_given_up);
in_each_topology!(each_service_has_its_own_dead_letters);

/// A value with a field that no contract has: it says by which test it came.
fn malformed(field: &str) -> Vec<u8> {
    serde_json::json!({"repository": "dead_letters", field: true}).to_string().into_bytes()
}

async fn letters(admin: &mut AdminServiceClient<Channel>, state: DeadLetterState) -> Vec<DeadLetter> {
    let request = ListDeadLettersRequest { state: state.into(), ..Default::default() };
    admin.list_dead_letters(request).await.expect("dead letters are listed").into_inner().dead_letters
}

/// Waits for a service's open dead letter whose error names this.
async fn letter(admin: &mut AdminServiceClient<Channel>, service: &str, named: &str) -> DeadLetter {
    eventually_in(Deadline::LONG, format!("an event with {named} is dead-lettered"), async || {
        let open = letters(admin, DeadLetterState::Open).await;
        open.into_iter().find(|letter| letter.service == service && letter.error.contains(named))
    })
    .await
}

fn admin_of(septet: &Deployment, service: &str) -> AdminServiceClient<Channel> {
    AdminServiceClient::new(septet.channel(service))
}

async fn a_malformed_event_can_be_mended_and_given_up(site: &Site) {
    let septet = site.septet().await;
    let (shop, field) = ("dead_letters/mended", "never_heard_of");
    publish(site, &septet, INGEST, shop, &[], &malformed(field)).await;
    let mut admin = admin_of(&septet, "review");
    let first = letter(&mut admin, "review", field).await;
    assert_eq!((first.service.as_str(), first.reason.as_str()), ("review", "invalid_payload"), "{first:?}");
    assert_eq!((first.lane.as_str(), first.origin.as_str()), ("event", INGEST), "{first:?}");

    let request = GetDeadLetterRequest { id: first.id.clone() };
    let shown = admin.get_dead_letter(request).await.expect("it is shown").into_inner();
    assert_eq!(shown.key.as_deref(), Some(shop.as_bytes()));
    assert_eq!(shown.value.as_deref(), Some(malformed(field).as_slice()), "the record as it came");

    // As it is, it comes back.
    let request = RedriveDeadLetterRequest { id: first.id.clone(), ..Default::default() };
    admin.redrive_dead_letter(request).await.expect("it is redriven");
    let second = letter(&mut admin, "review", field).await;
    assert_ne!(second.id, first.id);

    // Mended, it is reviewed.
    let mended = submission(shop, "mended").to_string().into_bytes();
    let request =
        RedriveDeadLetterRequest { id: second.id.clone(), value: Some(mended.into()), ..Default::default() };
    admin.redrive_dead_letter(request).await.expect("it is redriven");
    Reviews::of(&septet).appear(shop, &["mended"]).await;
    let redriven = letters(&mut admin, DeadLetterState::Redriven).await;
    for id in [&first.id, &second.id] {
        let letter = redriven.iter().find(|letter| letter.id == *id).expect("it is among the redriven ones");
        assert_eq!(letter.decided_by, "admin", "{letter:?}");
    }

    // Another is given up, and stays listed as that.
    publish(site, &septet, INGEST, shop, &[], &malformed("given_up_on")).await;
    let third = letter(&mut admin, "review", "given_up_on").await;
    let request = DiscardDeadLetterRequest { id: third.id.clone() };
    admin.discard_dead_letter(request.clone()).await.expect("it is discarded");
    let open = letters(&mut admin, DeadLetterState::Open).await;
    assert!(!open.iter().any(|letter| letter.id == third.id), "{open:#?}");
    let discarded = letters(&mut admin, DeadLetterState::Discarded).await;
    assert!(discarded.iter().any(|letter| letter.id == third.id), "{discarded:#?}");
    let request = RedriveDeadLetterRequest { id: third.id, ..Default::default() };
    let refused = admin.redrive_dead_letter(request).await.expect_err("it was given up");
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
}

async fn each_service_has_its_own_dead_letters(site: &Site) {
    let septet = site.septet().await;
    // devops takes what review publishes, and review takes what is submitted.
    let headers = [
        ("content-type", "application/json"),
        ("ce_specversion", "1.0"),
        ("ce_id", "dead_letters"),
        ("ce_source", "/somebody"),
        ("ce_type", "septet.review.v1.ReviewCompleted"),
    ];
    publish(site, &septet, REVIEWS, "dead_letters", &headers, &malformed("for_devops")).await;
    publish(site, &septet, INGEST, "dead_letters", &[], &malformed("for_review")).await;
    for (service, field, other) in
        [("devops", "for_devops", "for_review"), ("review", "for_review", "for_devops")]
    {
        let mut admin = admin_of(&septet, service);
        let letter = letter(&mut admin, service, field).await;
        if site.topology == Topology::ServicesOnServers {
            let all = letters(&mut admin, DeadLetterState::Open).await;
            assert!(!all.iter().any(|letter| letter.error.contains(other)), "{service}: {all:#?}");
        }
        let request = DiscardDeadLetterRequest { id: letter.id };
        admin.discard_dead_letter(request).await.expect("it is discarded");
    }
}
