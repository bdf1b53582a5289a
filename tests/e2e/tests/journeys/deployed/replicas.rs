//! What one replica does not do any more, the other does.

use septet_e2e::{Deployment, Repository};
use septet_proto_devops::v1::devops_service_client::DevopsServiceClient;
use septet_testkit::{Deadline, eventually_in};

use super::{
    Reviews,
    changes::{plant_in_a_large_file, register},
    site::{Site, Topology},
    wire::{CHANGES, INGEST, REVIEWS, events_with, publish, submission},
};

#[tokio::test]
async fn a_stopped_replicas_work_is_taken_over_by_the_other() {
    Topology::ServicesOnServers
        .travel(async |site| {
            let mut septet = site.septet_alone().await;
            for stopped in ["review-0", "devops-0"] {
                let finished = septet.terminate(stopped).await;
                assert_eq!(finished.status.code(), Some(0), "{}", finished.stderr);
            }
            all_is_done(site, &septet, "stopped", 1).await;
            for stopped in ["review-0", "devops-0"] {
                septet.start(stopped);
            }
            septet.ready().await;
        })
        .await;
}

#[tokio::test]
async fn a_killed_replicas_work_is_taken_over_by_the_other() {
    Topology::ServicesOnServers
        .travel(async |site| {
            let mut septet = site.septet_alone().await;
            for killed in ["review-1", "devops-1"] {
                septet.kill(killed);
            }
            all_is_done(site, &septet, "killed", 0).await;
            for killed in ["review-1", "devops-1"] {
                septet.start(killed);
            }
            septet.ready().await;
        })
        .await;
}

/// Every partition's work and every job is done by the replica that is left.
async fn all_is_done(site: &Site, septet: &Deployment, name: &str, left: usize) {
    let token = septet.token();
    let shops: Vec<String> = (0..24).map(|number| format!("replicas/{name}/{number}")).collect();
    for shop in &shops {
        // As many keys as reach nearly all partitions.
        let value = submission(shop, "one").to_string();
        publish(site, septet, INGEST, shop, &[], value.as_bytes()).await;
    }
    let mut repository = Repository::new(&site.path(&format!("replicas-{name}")));
    repository.fill(30);
    // Review asks devops for its diff, at whichever replica there is.
    plant_in_a_large_file(&mut repository);
    let devops = septet.channel_to(septet.addresses("devops")[left], &token);
    let id = register(&mut DevopsServiceClient::new(devops), &repository).await;

    let review = septet.channel_to(septet.addresses("review")[left], &token);
    let mut reviews = Reviews::through(review.clone());
    for shop in &shops {
        eventually_in(Deadline::LONG, format!("{shop} is reviewed"), async || {
            (reviews.named(shop).await.len() == 1).then_some(())
        })
        .await;
    }
    for (topic, path) in [(CHANGES, "/data/change/repositoryId"), (REVIEWS, "/data/review/repositoryId")] {
        let events = eventually_in(Deadline::LONG, format!("the history is on {topic}"), async || {
            let events = events_with(review.clone(), topic, path, &id).await;
            (events.len() >= 31).then_some(events)
        })
        .await;
        assert_eq!(events.len(), 31, "{topic}");
    }
}
