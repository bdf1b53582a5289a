//! Questions about APIs.

use septet_proto_common::v1::PageRequest;
use septet_proto_docs::v1::{
    CommitRef, DiffApiRequest, DifferenceKind, GetApiRequest, GetCoverageRequest, Language,
};
use septet_testkit::{on_both_stores, service::Bed};
use tonic::Code;

use crate::bed::Running;

const CARGO: (&str, &str) = ("Cargo.toml", "[package]\nname = \"shop\"\n");

fn at(change: &str) -> Option<CommitRef> {
    Some(CommitRef { change_id: change.to_owned(), ..CommitRef::default() })
}

async fn an_api_is_listed_page_by_page_and_compared(bed: Bed) {
    let running = Running::on(&bed).await;
    let old = [CARGO, ("src/lib.rs", "pub fn a() {}\npub fn b() {}\nfn c() {}\n"), ("a.py", "")];
    let new = [CARGO, ("src/lib.rs", "/// Documented.\npub fn a(x: u8) {}\npub fn d() {}\n"), ("a.py", "")];
    running.push("old", &[], &old, 1).await;
    running.push("new", &old, &new, 1).await;
    running.check("new").await;
    let mut client = running.client();

    let (mut paths, mut page) = (Vec::new(), PageRequest { page_size: 2, ..Default::default() });
    loop {
        let request = GetApiRequest {
            at: at("old"),
            include_private: true,
            language: Language::Rust.into(),
            page: Some(page.clone()),
            ..Default::default()
        };
        let reply = client.get_api(request).await.unwrap().into_inner();
        assert_eq!(reply.total, 4);
        paths.extend(reply.symbols.into_iter().map(|symbol| symbol.path));
        page.page_token = reply.page.unwrap().next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paths, ["shop", "shop::a", "shop::b", "shop::c"]);
    let bare = GetApiRequest {
        at: at("new"),
        undocumented: true,
        kind: "function".to_owned(),
        ..Default::default()
    };
    let bare = client.get_api(bare).await.unwrap().into_inner().symbols;
    assert_eq!(bare.iter().map(|symbol| symbol.path.as_str()).collect::<Vec<_>>(), ["shop::d"]);

    for base in [None, at("old")] {
        let request = DiffApiRequest { head: at("new"), base, ..Default::default() };
        let reply = client.diff_api(request).await.unwrap().into_inner();
        assert_eq!((reply.total, reply.breaking), (3, 2));
        let kinds: Vec<_> = reply.differences.iter().map(|of| of.kind()).collect();
        assert_eq!(kinds, [DifferenceKind::Changed, DifferenceKind::Removed, DifferenceKind::Added]);
    }
}

async fn a_wrong_request_is_refused_by_field_and_code(bed: Bed) {
    let running = Running::on(&bed).await;
    let mut client = running.client();
    let nothing = client.get_api(GetApiRequest::default()).await.unwrap_err();
    assert!(nothing.message().contains("DOCS-0001") && nothing.message().contains("`at`"), "{nothing:?}");
    let both = CommitRef { repository_id: "r".to_owned(), ..at("a").unwrap() };
    let both = client.get_api(GetApiRequest { at: Some(both), ..Default::default() }).await.unwrap_err();
    assert_eq!(both.code(), Code::InvalidArgument, "{both:?}");
    let unknown = client.get_api(GetApiRequest { at: at("none"), ..Default::default() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound, "{unknown:?}");
    assert!(unknown.message().contains("DOCS-0003"), "{unknown:?}");
    let forged = PageRequest { page_token: "x".to_owned(), ..Default::default() };
    let forged = GetApiRequest { at: at("a"), page: Some(forged), ..Default::default() };
    assert!(client.get_api(forged).await.unwrap_err().message().contains("page.page_token"));
    let request = GetCoverageRequest { change_id: "none".to_owned(), ..Default::default() };
    let unknown = client.get_coverage(request).await.unwrap_err();
    assert!(unknown.message().contains("DOCS-0002"), "{unknown:?}");
}

on_both_stores!(an_api_is_listed_page_by_page_and_compared, a_wrong_request_is_refused_by_field_and_code,);
