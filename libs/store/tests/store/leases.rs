//! One owner at a time, and no longer than it says.

use std::time::Duration;

use septet_store::{Leases, Migrations};

use crate::fixture::Fixture;

const SECOND: i64 = 1_000_000;

/// The table that leases live in, as every service's database has it.
fn schema() -> Migrations {
    let migrator = || sqlx::migrate!("../messaging/migrations/postgres");
    Migrations::new("messaging", migrator(), migrator())
}

fn leases(of: &Fixture, owner: &str) -> Leases {
    Leases::new(of.store.clone(), owner.to_owned(), Duration::from_secs(9))
}

async fn postgres(test: &str) -> Option<Fixture> {
    let of = Fixture::postgres(test).await?;
    of.store.migrate(&schema()).await.expect("applied");
    Some(of)
}

#[tokio::test]
async fn one_owner_until_it_gives_back_or_its_time_is_over() {
    let Some(of) = postgres("leases::one_owner").await else { return };
    let (a, b) = (leases(&of, "a"), leases(&of, "b"));
    assert!(a.hold("relay", 0).await.expect("asked"));
    assert!(!b.hold("relay", SECOND).await.expect("asked"), "it is held");
    assert!(b.hold("other", SECOND).await.expect("asked"), "another name");
    assert!(a.hold("relay", 5 * SECOND).await.expect("asked"), "renewed until 14");
    assert!(!b.hold("relay", 13 * SECOND).await.expect("asked"), "renewal counts");
    assert!(b.hold("relay", 15 * SECOND).await.expect("asked"), "its time is over");
    assert!(!a.hold("relay", 15 * SECOND).await.expect("asked"), "the first owner has lost it");
    a.release("relay").await.expect("asked");
    assert!(!a.hold("relay", 16 * SECOND).await.expect("asked"), "only the owner gives back");
    b.release("relay").await.expect("given back");
    assert!(a.hold("relay", 17 * SECOND).await.expect("asked"), "free at once");
    assert_eq!(a.renewal(), Duration::from_secs(3));
}

#[tokio::test]
async fn many_ask_at_once_and_one_gets_it() {
    let Some(of) = postgres("leases::many_ask").await else { return };
    for round in 0..20 {
        let name = format!("relay-{round}");
        let asked = (0..8).map(|owner| {
            let (leases, name) = (leases(&of, &owner.to_string()), name.clone());
            tokio::spawn(async move { leases.hold(&name, 0).await.expect("asked") })
        });
        let mut owners = 0;
        for asked in asked.collect::<Vec<_>>() {
            owners += usize::from(asked.await.expect("no panic"));
        }
        assert_eq!(owners, 1, "round {round}");
    }
}

#[tokio::test]
async fn a_file_has_one_process_and_needs_no_lease() {
    let of = Fixture::sqlite("leases::file").await;
    assert!(leases(&of, "a").hold("relay", 0).await.expect("no table needed"));
    leases(&of, "a").release("relay").await.expect("nothing to do");
}
