//! Malformed records among healthy ones, on Apache Kafka: each becomes a dead letter with its reason, none holds healthy
//! events up or has an effect, and redriving them loses none.

mod classes;
mod latency;
mod record;

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use septet_e2e::{Channel, Deployment, Servers};
use septet_proto_common::v1::{
    DeadLetter, DeadLetterState, ListDeadLettersRequest, PageRequest, RedriveDeadLetterRequest,
    admin_service_client::AdminServiceClient,
};
use septet_servers::Life;
use septet_testkit::{Deadline, evidence::Workspace, within};
use tokio::{task::block_in_place, time::sleep};

use crate::support::{database::Database, report::Report, size::is_full, topic};
use classes::{CLASSES, RIGHT, Redrive};
use latency::Stopwatch;
use record::{Poison, Sender};

/// Between two healthy events.
const EVERY: Duration = Duration::from_millis(4);
/// One record in so many is malformed.
const SHARE: usize = 100;
/// How much longer healthy events may take with poison among them.
const RATIO: f64 = 2.0;
const DEAD_LETTERS: &str = "review.dlq";

/// A malformed record that was sent.
struct Sent {
    class: usize,
    redrive: Redrive,
    place: (String, i32, i64),
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_records_become_dead_letters_and_hold_nothing_up() {
    let workspace = Workspace::new("faults::poison");
    let Some(servers) = Servers::start(&workspace) else { return };
    let servers = block_in_place(|| with_large_records(servers));
    let mut deployment = Deployment::services_on(&workspace.path().join("septet"), &servers, 1).up().await;
    deployment.ready().await;
    let events = if is_full() { 20_000 } else { SHARE * CLASSES.len() };
    let sender = Sender::new(deployment.brokers());
    let stopwatch = Stopwatch::start(deployment.brokers());
    // What is slow at first, such as connections, is no matter of poison.
    load(&sender, &stopwatch, "warm", SHARE * 3, None).await;
    let (alone, _) = load(&sender, &stopwatch, "alone", events, None).await;
    let (among, poison) = load(&sender, &stopwatch, "among", events, Some(SHARE)).await;
    let mut report = Report::new("poison");
    report.figure("classes of malformed records", CLASSES.len() as f64, "");
    report.figure("healthy events without poison", events as f64, "");
    report.figure("healthy events with poison", events as f64, "");
    report.figure("malformed records", poison.len() as f64, "");
    report.figure("healthy events without poison, 99th percentile", millis(&alone), "ms");
    report.figure("healthy events with poison, 99th percentile", millis(&among), "ms");
    report.at_most("the latter by the former", millis(&among) / millis(&alone), "", RATIO);

    let review = Database::new(deployment.database("review"));
    let letters = settled(&deployment, poison.len()).await;
    check(&deployment, &poison, &letters);
    let right = RIGHT.len() as i64;
    let healthy = (SHARE * 3 + 2 * events) as i64 + right;
    for (number, (what, make)) in RIGHT.iter().enumerate() {
        sender.send(&make(&format!("right-{number}"))).await.unwrap_or_else(|| panic!("{what} is sent"));
    }
    reviews(&review, healthy).await;

    let mut admin = AdminServiceClient::new(deployment.channel("review"));
    let (mended, returned) = redrive(&mut admin, &poison, &letters).await;
    reviews(&review, healthy + mended).await;
    let again = settled(&deployment, returned).await;
    assert!(
        again.iter().all(|letter| letters.iter().all(|old| old.id != letter.id)),
        "they are new dead letters"
    );
    let count = |letters: &[DeadLetter]| {
        letters.iter().fold(BTreeMap::<String, usize>::new(), |mut reasons, letter| {
            *reasons.entry(letter.reason.clone()).or_default() += 1;
            reasons
        })
    };
    let expected = poison.iter().filter(|sent| matches!(sent.redrive, Redrive::Returns));
    let expected = expected.fold(BTreeMap::<String, usize>::new(), |mut reasons, sent| {
        *reasons.entry(CLASSES[sent.class].reason.to_owned()).or_default() += 1;
        reasons
    });
    assert_eq!(count(&again), expected, "what no value mends comes back as what it was");
    assert_eq!(listed(&mut admin, DeadLetterState::Redriven).await.len(), poison.len());
    report.figure("redriven and handled", mended as f64, "");
    report.figure("redriven and dead again", returned as f64, "");
    report.at_most("lost by redriving", poison.len() as f64 - mended as f64 - returned as f64, "", 0.0);
    report.finish();
}

/// Ten MiB get to the service only where the broker takes them.
fn with_large_records(servers: Servers) -> Servers {
    let Servers { mut kafka, postgres, rabbitmq } = servers;
    kafka.stop().expect("Kafka ends");
    let mut kafka = kafka.setting("message.max.bytes", "12582912");
    kafka.start(Life::WithParent).expect("Kafka starts again");
    Servers { kafka, postgres, rabbitmq }
}

/// Sends so many healthy events, with a malformed one after each `share` of them, and waits for what comes of the healthy
/// ones. Gives their times and the malformed ones.
async fn load(
    sender: &Sender,
    stopwatch: &Stopwatch,
    name: &str,
    events: usize,
    share: Option<usize>,
) -> (Vec<Duration>, Vec<Sent>) {
    let (mut sent, mut sending, mut poison) = (Vec::with_capacity(events), Vec::new(), Vec::new());
    let mut pace = tokio::time::interval(EVERY);
    for number in 0..events {
        pace.tick().await;
        let id = format!("healthy-{name}-{number}");
        let record = Poison { key: Some(format!("shop-{}", number % 200)), ..Poison::binary(&id) };
        sent.push((id, Instant::now()));
        let healthy = sender.clone();
        sending.push(tokio::spawn(async move { healthy.send(&record).await }));
        if share.is_some_and(|share| number % share == share - 1) {
            let class = number / SHARE % CLASSES.len();
            let (record, redrive) = (CLASSES[class].make)(&format!("poison-{number}"));
            let poisonous = sender.clone();
            poison.push((class, redrive, tokio::spawn(async move { poisonous.send(&record).await })));
        }
    }
    for sending in sending {
        sending.await.expect("a healthy event is sent").expect("where it stands");
    }
    let mut placed = Vec::new();
    for (class, redrive, sending) in poison {
        if let Some(place) = sending.await.expect("a malformed record is sent") {
            placed.push(Sent { class, redrive, place });
        }
    }
    within(Deadline::LONG, format!("the events {name} to be reviewed"), async {
        while stopwatch.arrived(&sent) < events {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    (stopwatch.times(&sent), placed)
}

fn millis(sorted: &[Duration]) -> f64 {
    sorted[sorted.len() * 99 / 100].as_secs_f64() * 1_000.0
}

/// The dead letters once there are so many open ones.
async fn settled(deployment: &Deployment, expected: usize) -> Vec<DeadLetter> {
    let mut admin = AdminServiceClient::new(deployment.channel("review"));
    let began = Instant::now();
    loop {
        let letters = listed(&mut admin, DeadLetterState::Open).await;
        if letters.len() >= expected {
            return letters;
        }
        assert!(began.elapsed() < Deadline::LONG, "{} of {expected} dead letters", letters.len());
        sleep(Duration::from_millis(200)).await;
    }
}

async fn listed(admin: &mut AdminServiceClient<Channel>, state: DeadLetterState) -> Vec<DeadLetter> {
    let mut letters = Vec::new();
    let mut page = PageRequest { page_size: 100, ..PageRequest::default() };
    loop {
        let request = ListDeadLettersRequest {
            state: state.into(),
            page: Some(page.clone()),
            ..ListDeadLettersRequest::default()
        };
        let reply = admin.list_dead_letters(request).await.expect("dead letters are listed").into_inner();
        letters.extend(reply.dead_letters);
        page.page_token = reply.page.unwrap_or_default().next_page_token;
        if page.page_token.is_empty() {
            return letters;
        }
    }
}

/// Each malformed record is told of once, on the topic as in the list, with the reason of its class.
fn check(deployment: &Deployment, poison: &[Sent], letters: &[DeadLetter]) {
    let mut told: HashMap<(String, i32, i64), Vec<String>> = HashMap::new();
    block_in_place(|| {
        topic::read(deployment.brokers(), DEAD_LETTERS, |record| {
            let number = |name| topic::header(record, name).parse().expect("a number");
            let place = (topic::header(record, "septet_topic").to_owned(), number("septet_partition") as i32);
            let reason = topic::header(record, "septet_reason").to_owned();
            assert!(
                record.payload_len() <= 1_000_000,
                "a dead letter is no larger than Kafka's default limit"
            );
            told.entry((place.0, place.1, number("septet_offset"))).or_default().push(reason);
        });
    });
    let listed: HashMap<_, _> = letters
        .iter()
        .map(|letter| ((letter.origin.clone(), letter.partition, letter.offset), letter.reason.clone()))
        .collect();
    let mut by_kcat = poison.iter().filter(|sent| sent.place.2 < 0).count();
    for sent in poison.iter().filter(|sent| sent.place.2 >= 0) {
        let class = &CLASSES[sent.class];
        assert_eq!(
            told.remove(&sent.place).as_deref(),
            Some([class.reason.to_owned()].as_slice()),
            "{}",
            class.name
        );
        assert_eq!(listed.get(&sent.place).map(String::as_str), Some(class.reason), "{}", class.name);
    }
    for (place, reasons) in told {
        assert_eq!(reasons, ["malformed_headers"], "{place:?} is no malformed record");
        by_kcat -= 1;
    }
    assert_eq!(by_kcat, 0, "each record whose header key is no text is told of");
    assert_eq!(letters.len(), poison.len(), "no healthy record is a dead letter");
}

/// Redrives every dead letter, with a sound value where one mends it. Gives how many must be handled now, and how many must
/// come back.
async fn redrive(
    admin: &mut AdminServiceClient<Channel>,
    poison: &[Sent],
    letters: &[DeadLetter],
) -> (i64, usize) {
    let by_place: HashMap<_, _> = poison.iter().map(|sent| (&sent.place, &sent.redrive)).collect();
    let (mut handled, mut returned) = (0, 0);
    for letter in letters {
        let place = (letter.origin.clone(), letter.partition, letter.offset);
        let value = match by_place.get(&place) {
            Some(Redrive::Mended(value)) => Some(value.clone()),
            Some(Redrive::Heals) | None => None,
            Some(Redrive::Returns) => {
                returned += 1;
                let request = RedriveDeadLetterRequest { id: letter.id.clone(), ..Default::default() };
                admin.redrive_dead_letter(request).await.expect("it is redriven");
                continue;
            }
        };
        handled += 1;
        let request = RedriveDeadLetterRequest {
            id: letter.id.clone(),
            value: value.map(Into::into),
            ..RedriveDeadLetterRequest::default()
        };
        admin.redrive_dead_letter(request).await.expect("it is redriven");
    }
    (handled, returned)
}

/// Waits for so many reviews, and that there are no more and none is there twice.
async fn reviews(review: &Database, expected: i64) {
    let began = Instant::now();
    loop {
        let all = review.count("SELECT COUNT(*) FROM review").await.expect("reviews are counted");
        if all >= expected {
            let distinct = review.count("SELECT COUNT(DISTINCT commit_hash) FROM review").await;
            assert_eq!((all, distinct.expect("reviews are counted")), (expected, expected), "once each");
            return;
        }
        assert!(began.elapsed() < Deadline::LONG, "{all} of {expected} reviews");
        sleep(Duration::from_millis(200)).await;
    }
}
