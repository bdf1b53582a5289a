use septet_e2e::{Channel, Deployment};
use septet_proto_common::v1::{PageRequest, Verdict};
use septet_proto_review::v1::{ListReviewsRequest, Review, review_service_client::ReviewServiceClient};
use septet_testkit::{Deadline, eventually_in};

use super::wire;

/// Reviews as a caller sees them.
pub struct Reviews {
    channel: Channel,
    client: ReviewServiceClient<Channel>,
}

impl Reviews {
    pub fn of(septet: &Deployment) -> Self {
        Self::through(septet.channel("review"))
    }

    pub fn through(channel: Channel) -> Self {
        Self { channel: channel.clone(), client: ReviewServiceClient::new(channel) }
    }

    /// Those of a repository that has only a name, as diffs come without a change.
    pub async fn named(&mut self, repository: &str) -> Vec<Review> {
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = Some(PageRequest { page_size: 1_000, page_token });
            let request = ListReviewsRequest { page, ..Default::default() };
            let reply = self.client.list_reviews(request).await.expect("reviews are listed").into_inner();
            found.extend(reply.reviews.into_iter().filter(|review| review.repository_name == repository));
            page_token = reply.page.unwrap_or_default().next_page_token;
            if page_token.is_empty() {
                return found;
            }
        }
    }

    /// Waits until each of these commits has a review of the diff with the token, and has been published; each once.
    pub async fn appear(&mut self, repository: &str, commits: &[&str]) {
        let mut expected = commits.to_vec();
        expected.sort_unstable();
        let reviews = eventually_in(Deadline::LONG, format!("{repository} is reviewed"), async || {
            let reviews = self.named(repository).await;
            (reviews.len() >= expected.len()).then_some(reviews)
        })
        .await;
        let mut reviewed: Vec<&str> = reviews.iter().map(|review| review.commit.as_str()).collect();
        reviewed.sort_unstable();
        assert_eq!(reviewed, expected, "{repository}");
        assert!(reviews.iter().all(|review| review.verdict() == Verdict::Failed), "{reviews:#?}");

        let path = "/data/review/repositoryName";
        let events =
            eventually_in(Deadline::LONG, format!("{repository}'s reviews are published"), async || {
                let events = wire::events_with(self.channel.clone(), wire::REVIEWS, path, repository).await;
                (events.len() >= expected.len()).then_some(events)
            })
            .await;
        let mut published: Vec<_> =
            events.iter().filter_map(|event| event["data"]["review"]["commit"].as_str()).collect();
        published.sort_unstable();
        assert_eq!(published, expected, "{repository}");
    }
}
