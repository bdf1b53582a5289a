//! Every field has bounds, and whatever lies outside is refused by name.

use septet_proto_common::v1::PageRequest;
use septet_proto_devops::v1::{
    GetChangeRequest, ListChangesRequest, ListRepositoriesRequest, RegisterRepositoryRequest,
    WatchChangesRequest, register_repository_request::Since,
};
use tonic::{Code, Status};

use septet_testkit::{on_both_stores, service::Bed};

use crate::bed::{repository_of, start};

fn says(status: &Status, code: Code, name: &str) {
    assert_eq!(status.code(), code, "{}", status.message());
    assert!(status.message().starts_with(name), "{}", status.message());
}

async fn what_is_out_of_bounds_is_refused(bed: Bed) {
    let repo = repository_of(1);
    let running = start(&bed).await;
    let id = running.register(&repo, None).await.id;
    running.settled(&id).await;
    let get = async |change_id: &str, repository_id: &str, commit: &str| {
        let request = GetChangeRequest {
            change_id: change_id.to_owned(),
            repository_id: repository_id.to_owned(),
            commit: commit.to_owned(),
        };
        running.client().get_change(request).await.unwrap_err()
    };
    let nobody = "00000000-0000-0000-0000-000000000000";
    says(&get("", "", "").await, Code::InvalidArgument, "DEVOPS-0001");
    says(&get("x'; --", "", "").await, Code::InvalidArgument, "DEVOPS-0001");
    says(&get(&"a".repeat(65), "", "").await, Code::InvalidArgument, "DEVOPS-0001");
    says(&get(nobody, &id, "0123456").await, Code::InvalidArgument, "DEVOPS-0001");
    says(&get("", &id, "012345").await, Code::InvalidArgument, "DEVOPS-0001");
    says(&get("", &id, &"a".repeat(41)).await, Code::InvalidArgument, "DEVOPS-0001");
    says(&get("", &id, "main~12").await, Code::InvalidArgument, "DEVOPS-0001");
    says(&get(nobody, "", "").await, Code::NotFound, "DEVOPS-0007");
    says(&get("", nobody, "0123456").await, Code::NotFound, "DEVOPS-0006");
    says(&get("", &id, "0123456").await, Code::NotFound, "DEVOPS-0007");

    let list = async |repository_id: &str, page_size: u32, page_token: &str| {
        let page = Some(PageRequest { page_size, page_token: page_token.to_owned() });
        let request = ListChangesRequest { repository_id: repository_id.to_owned(), page };
        running.client().list_changes(request).await.map(tonic::Response::into_inner)
    };
    says(&list(nobody, 0, "").await.unwrap_err(), Code::NotFound, "DEVOPS-0006");
    says(&list("", 1_001, "").await.unwrap_err(), Code::InvalidArgument, "SEPTET-0014");
    says(&list("", 0, "17").await.unwrap_err(), Code::InvalidArgument, "DEVOPS-0010");
    let watch = WatchChangesRequest { repository_id: nobody.to_owned(), include_existing: true };
    says(&running.client().watch_changes(watch).await.unwrap_err(), Code::NotFound, "DEVOPS-0006");
    for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (0, -1), (0, 1_000_000_000)] {
        let since = Some(Since::Time(prost_types::Timestamp { seconds, nanos }));
        let location = repo.path.display().to_string();
        let request = RegisterRepositoryRequest { location, since, ..Default::default() };
        let refused = running.client().register_repository(request).await.unwrap_err();
        says(&refused, Code::InvalidArgument, "DEVOPS-0001");
    }
}

async fn pages_follow_each_other(bed: Bed) {
    let repos: Vec<_> = (0..5).map(|_| repository_of(3)).collect();
    let running = start(&bed).await;
    let mut ids = Vec::new();
    for repo in &repos {
        let id = running.register(repo, None).await.id;
        running.settled(&id).await;
        ids.push(id);
    }
    // All have one name, so they come by id.
    ids.sort();
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let page = Some(PageRequest { page_size: 2, page_token: token.clone() });
        let reply = running.client().list_repositories(ListRepositoriesRequest { page }).await.unwrap();
        let reply = reply.into_inner();
        found.extend(reply.repositories.into_iter().map(|repository| repository.id));
        token = reply.page.unwrap().next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(found, ids);

    let list = async |repository_id: &str, page_token: &str| {
        let page = Some(PageRequest { page_size: 2, page_token: page_token.to_owned() });
        let request = ListChangesRequest { repository_id: repository_id.to_owned(), page };
        running.client().list_changes(request).await.map(tonic::Response::into_inner)
    };
    let first = list(&ids[0], "").await.unwrap();
    let token = first.page.unwrap().next_page_token;
    let second = list(&ids[0], &token).await.unwrap();
    assert_eq!((first.changes.len(), second.changes.len()), (2, 1));
    assert!(second.page.unwrap().next_page_token.is_empty());
    // A token belongs to its list.
    says(&list("", &token).await.unwrap_err(), Code::InvalidArgument, "DEVOPS-0010");
    assert_eq!(running.list("").await.len(), 15);
}

on_both_stores!(what_is_out_of_bounds_is_refused, pages_follow_each_other);
