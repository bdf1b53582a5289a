//! Requests, right and wrong.

use septet_proto_common::v1::PageRequest;
use septet_proto_pipeline::v1::{
    CancelRunRequest, DeletePipelineRequest, GetRunRequest, ListRunsRequest, PutPipelineRequest,
    SubmitRunRequest,
};
use septet_testkit::{on_both_stores, service::Bed};
use tonic::Code;

use crate::bed::Running;

const QUICK: &str =
    "name: quick\ninputs: { n: { default: 1 } }\ntasks:\n  a: { transform: { filter: '1' } }\n";

fn request(definition: &str) -> SubmitRunRequest {
    SubmitRunRequest { definition: definition.to_owned(), ..SubmitRunRequest::default() }
}

async fn one_request_id_gets_one_run(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    let once = SubmitRunRequest { request_id: "once".to_owned(), ..request(QUICK) };
    let first = client.submit_run(once.clone()).await.unwrap().into_inner();
    let again = client.submit_run(once.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = SubmitRunRequest { pipeline: "quick".to_owned(), definition: String::new(), ..once };
    let refused = client.submit_run(other).await.unwrap_err();
    assert!(refused.message().contains("request_id once"), "{refused:?}");
    let runs = client.list_runs(ListRunsRequest::default()).await.unwrap().into_inner().runs;
    assert_eq!(runs.len(), 1);
}

async fn what_is_wrong_is_refused_by_field_and_code(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    let inputs = prost_types::Struct { fields: [("m".to_owned(), prost_types::Value { kind: None })].into() };
    for (wrong, code, words) in [
        (SubmitRunRequest::default(), Code::InvalidArgument, "PIPELINE-0001"),
        (
            SubmitRunRequest { pipeline: "x".to_owned(), ..request(QUICK) },
            Code::InvalidArgument,
            "PIPELINE-0001",
        ),
        (
            SubmitRunRequest { pipeline: "x".to_owned(), ..Default::default() },
            Code::NotFound,
            "PIPELINE-0003",
        ),
        (
            SubmitRunRequest { request_id: "x".repeat(65), ..request(QUICK) },
            Code::InvalidArgument,
            "`request_id`",
        ),
        (request("name: [\n"), Code::InvalidArgument, "PIPELINE-0002"),
        (SubmitRunRequest { inputs: Some(inputs), ..request(QUICK) }, Code::InvalidArgument, "no input `m`"),
    ] {
        let status = client.submit_run(wrong).await.unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().contains(words), "{words}: {status:?}");
    }
    let status =
        client.get_run(GetRunRequest { run_id: "none".to_owned(), ..Default::default() }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
    let cancel = CancelRunRequest { run_id: "none".to_owned(), ..Default::default() };
    assert_eq!(client.cancel_run(cancel).await.unwrap_err().code(), Code::NotFound);
    let delete = DeletePipelineRequest { name: "none".to_owned(), ..Default::default() };
    assert_eq!(client.delete_pipeline(delete).await.unwrap_err().code(), Code::NotFound);
    let put = PutPipelineRequest { definition: "name: p\n".to_owned(), ..Default::default() };
    assert!(client.put_pipeline(put).await.unwrap_err().message().contains("tasks"));
}

async fn runs_are_listed_newest_first_page_by_page(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    let mut submitted = Vec::new();
    for _ in 0..5 {
        submitted.push(running.submit(QUICK).await.id);
    }
    let (mut seen, mut page) = (Vec::new(), PageRequest { page_size: 2, ..Default::default() });
    loop {
        let request =
            ListRunsRequest { page: Some(page.clone()), pipeline: "quick".to_owned(), ..Default::default() };
        let reply = client.list_runs(request).await.unwrap().into_inner();
        seen.extend(reply.runs.into_iter().map(|run| run.id));
        page.page_token = reply.page.unwrap().next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    submitted.reverse();
    assert_eq!(seen, submitted);
}

on_both_stores!(
    one_request_id_gets_one_run,
    what_is_wrong_is_refused_by_field_and_code,
    runs_are_listed_newest_first_page_by_page,
);
