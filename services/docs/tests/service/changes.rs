//! Pushed changes.

use septet_proto_common::v1::Verdict;
use septet_proto_docs::v1::{ApiExtracted, DocsChecked, GetCoverageRequest, ListStalePagesRequest};
use septet_testkit::{on_both_stores, service::Bed};

use crate::bed::Running;

const INIT: &str = "'''A shop.'''\n";
const OLD: &str = "def checkout(cart):\n  '''Pays.'''\ndef total(cart): ...\n";
const NEW: &str = "def total(cart): ...\n";

async fn each_change_is_judged_once_however_often_it_comes(bed: Bed) {
    let running = Running::on(&bed).await;
    let base = [("shop/__init__.py", INIT), ("shop/cart.py", OLD), ("README.md", "Call `checkout`.\n")];
    let silent = [("shop/__init__.py", INIT), ("shop/cart.py", NEW), ("README.md", "Call `checkout`.\n")];
    let told = [("shop/__init__.py", INIT), ("shop/cart.py", NEW), ("CHANGELOG.md", "`checkout` is gone.\n")];
    running.push("silent", &base, &silent, 3).await;
    running.push("told", &base, &told, 1).await;
    running.push("other", &[("a.txt", "1")], &[("a.txt", "2")], 2).await;

    let check = running.check("silent").await;
    assert_eq!(check.verdict(), Verdict::Failed);
    assert!(
        check.reason.contains("breaking API change without a docs page: shop.cart.checkout"),
        "{check:?}"
    );
    assert_eq!((check.breaking, check.stale_pages), (1, 1));
    let check = running.check("told").await;
    assert_eq!((check.verdict(), check.breaking, check.stale_pages), (Verdict::Passed, 1, 0), "{check:?}");
    let check = running.check("other").await;
    assert_eq!(check.verdict(), Verdict::Passed);
    assert!(check.reason.contains("no file of a language"), "{check:?}");
    assert_eq!(running.published::<DocsChecked>().await.len(), 3);
    assert_eq!(running.published::<ApiExtracted>().await.len(), 2, "what touches nothing is not read");

    let stale =
        running.client().list_stale_pages(ListStalePagesRequest::default()).await.unwrap().into_inner();
    let [listed] = stale.mentions.as_slice() else { panic!("{stale:?}") };
    let mention = listed.mention.as_ref().unwrap();
    assert_eq!((listed.change_id.as_str(), mention.page.as_str(), mention.line), ("silent", "README.md", 1));
}

async fn only_blobs_that_are_new_are_fetched(bed: Bed) {
    let running = Running::on(&bed).await;
    let first = [("shop/__init__.py", INIT), ("shop/cart.py", NEW), ("logo.png", "png")];
    running.push("first", &[], &first, 1).await;
    running.check("first").await;
    assert_eq!(running.devops.lock().await.fetched.len(), 2);
    let second = [("shop/__init__.py", INIT), ("shop/cart.py", OLD), ("logo.png", "png")];
    running.push("second", &first, &second, 1).await;
    let check = running.check("second").await;
    assert_eq!(check.verdict(), Verdict::Passed, "{check:?}");
    assert_eq!(running.devops.lock().await.fetched.len(), 3, "one blob was new");
    let trees = running.devops.lock().await.trees;
    running.push("third", &[("LICENSE", "a")], &[("LICENSE", "b")], 1).await;
    running.check("third").await;
    assert_eq!(running.devops.lock().await.trees, trees, "nothing is asked for what touches nothing");

    let request = GetCoverageRequest { change_id: "third".to_owned(), ..Default::default() };
    let coverage = running.client().get_coverage(request).await.unwrap().into_inner();
    assert_eq!(coverage.change_id, "second", "the last change that was measured");
    let total = coverage.total.unwrap();
    // Two modules and two functions; the package and one function say something.
    assert_eq!((total.symbols, total.documented), (4, 2));
    assert_eq!(coverage.files[0].file, "shop/cart.py");
}

async fn what_cannot_be_read_is_named_or_fails_the_gate(bed: Bed) {
    let running = Running::on(&bed).await;
    let base = [("shop/__init__.py", INIT)];
    running.push("broken", &base, &[("shop/__init__.py", INIT), ("shop/odd.py", "def (")], 1).await;
    assert_eq!(running.check("broken").await.verdict(), Verdict::Passed);
    let extracted = running.published::<ApiExtracted>().await;
    assert_eq!(extracted[0].unread_total, 1);
    assert_eq!(extracted[0].unread[0].file, "shop/odd.py");

    running.announce("gone", &base, &[("shop/a.py", "")], 1).await;
    let check = running.check("gone").await;
    assert_eq!(check.verdict(), Verdict::Failed);
    assert!(check.reason.contains("not checked: "), "{check:?}");
}

on_both_stores!(
    each_change_is_judged_once_however_often_it_comes,
    only_blobs_that_are_new_are_fetched,
    what_cannot_be_read_is_named_or_fails_the_gate,
);
