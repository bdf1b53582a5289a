use super::*;
use crate::{Deadline, within};

const SOON: Duration = Duration::from_millis(300);

/// A server that says back what it is told, and a proxy before it.
async fn echo() -> FaultProxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let proxy = FaultProxy::start(listener.local_addr().expect("an address")).await.expect("a proxy");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reading, mut writing) = stream.split();
                let _ = tokio::io::copy(&mut reading, &mut writing).await;
                let _ = writing.shutdown().await;
            });
        }
    });
    proxy
}

async fn client(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.expect("the proxy takes connections")
}

/// Says it and hears it again.
async fn ask(stream: &mut TcpStream, what: &[u8]) -> io::Result<()> {
    stream.write_all(what).await?;
    hear(stream, what).await
}

async fn hear(stream: &mut TcpStream, what: &[u8]) -> io::Result<()> {
    let mut answer = vec![0; what.len()];
    within(Deadline::SHORT, "an answer", stream.read_exact(&mut answer)).await?;
    assert_eq!(answer, what);
    Ok(())
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    tokio::time::timeout(SOON, stream.read_u8()).await.is_err()
}

#[tokio::test]
async fn without_a_fault_all_passes_and_is_counted() {
    let proxy = echo().await;
    let mut stream = client(&proxy).await;
    let what = vec![7; 300_000];
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    let (sent, read) = tokio::join!(
        async {
            writing.write_all(&what).await?;
            // The end of one direction is passed on, and leaves the other open.
            writing.shutdown().await
        },
        within(Deadline::SHORT, "the end", reading.read_to_end(&mut answer))
    );
    sent.and(read).expect("both directions");
    assert!(answer == what);
    assert_eq!(proxy.traffic(), Traffic { connections: 1, sent: 300_000, received: 300_000 });
}

#[tokio::test]
async fn a_blackhole_keeps_everything_back_and_loses_nothing() {
    let proxy = echo().await;
    let mut old = client(&proxy).await;
    ask(&mut old, b"before").await.expect("no fault yet");
    proxy.set(Fault::Blackhole);
    let mut new = client(&proxy).await;
    for stream in [&mut old, &mut new] {
        stream.write_all(b"during").await.expect("nobody is told");
        assert!(is_silent(stream).await);
    }
    proxy.set(Fault::None);
    for stream in [&mut old, &mut new] {
        hear(stream, b"during").await.expect("it arrives late");
    }
}

#[tokio::test]
async fn a_reset_ends_old_and_new_connections_while_it_lasts() {
    let proxy = echo().await;
    let mut old = client(&proxy).await;
    ask(&mut old, b"before").await.expect("no fault yet");
    proxy.set(Fault::Reset);
    let ended = within(Deadline::SHORT, "the end", old.read_u8()).await.expect_err("it ended");
    assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
    let mut new = client(&proxy).await;
    within(Deadline::SHORT, "the end", new.read_u8()).await.expect_err("it ended");
    proxy.set(Fault::None);
    ask(&mut client(&proxy).await, b"after").await.expect("a new connection is whole");
}

#[tokio::test]
async fn a_delay_makes_all_late_and_keeps_the_order() {
    let proxy = echo().await;
    let mut stream = client(&proxy).await;
    ask(&mut stream, b"before").await.expect("no fault yet");
    proxy.set(Fault::Delay(SOON));
    let began = Instant::now();
    for byte in 0..50 {
        stream.write_all(&[byte]).await.expect("sent");
    }
    hear(&mut stream, &(0..50).collect::<Vec<u8>>()).await.expect("all of it");
    let took = began.elapsed();
    // Once there and once back, and not once for each of them.
    assert!(took >= 2 * SOON && took < 10 * SOON, "{took:?}");
}

#[tokio::test]
async fn a_half_open_connection_stays_so() {
    let proxy = echo().await;
    let mut old = client(&proxy).await;
    ask(&mut old, b"before").await.expect("no fault yet");
    proxy.set(Fault::HalfOpen);
    let mut new = client(&proxy).await;
    for _ in 0..2 {
        for stream in [&mut old, &mut new] {
            stream.write_all(b"lost").await.expect("nobody is told");
            assert!(is_silent(stream).await);
        }
        // And the same once more after the fault.
        proxy.set(Fault::None);
    }
    ask(&mut client(&proxy).await, b"after").await.expect("a new connection is whole");
}

#[tokio::test]
async fn a_throttle_lets_its_rate_pass() {
    let proxy = echo().await;
    let mut stream = client(&proxy).await;
    proxy.set(Fault::Throttle(10_000));
    let began = Instant::now();
    ask(&mut stream, &[1; 10_000]).await.expect("all of it");
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(4), "{took:?}");
    proxy.set(Fault::None);
    let began = Instant::now();
    ask(&mut stream, &[2; 10_000]).await.expect("all of it");
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_reset() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let proxy = FaultProxy::start(gone).await.expect("a proxy");
    let mut stream = client(&proxy).await;
    within(Deadline::SHORT, "the end", stream.read_u8()).await.expect_err("it ended");
}

#[tokio::test]
async fn connections_end_with_the_proxy() {
    let proxy = echo().await;
    let mut stream = client(&proxy).await;
    ask(&mut stream, b"before").await.expect("no fault");
    drop(proxy);
    let end = within(Deadline::SHORT, "the end", stream.read_u8()).await;
    assert!(end.is_err());
}
