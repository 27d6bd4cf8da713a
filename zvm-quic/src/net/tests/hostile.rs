//! Peers that take what they can get: others must not notice.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::node::TestNode;
use super::{client_with, config, quick};
use crate::proto::table::Limits;
use crate::{CallAnswer, Client, Identity, Server};

fn from(server: &Server<TestNode>, last: u8, limits: Limits) -> Client {
    client_with(server.address(), server.pin(), limits).bound_to(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
}

/// One address opens connections as long as it can: another still has its own.
#[tokio::test(flavor = "multi_thread")]
async fn one_peer_cannot_take_all_connections() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { connections_max: 16, connections_per_peer: 12, retry_attempts_max: 2, ..quick() };
    let config = config(dir.path(), &Identity::generate().unwrap(), limits.clone());
    let server = Server::start(config, TestNode::new()).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..32 {
        let client = from(&server, 2, limits.clone());
        if client.connect().await.is_err() {
            break;
        }
        held.push(client);
    }
    assert_eq!(held.len(), 12);
    from(&server, 3, limits.clone()).health().await.unwrap();
    // One that ends is one that may be opened again.
    held.pop().unwrap().close().await;
    let again = Limits { retry_attempts_max: 50, ..limits };
    from(&server, 2, again).health().await.unwrap();
}

/// A client that found nobody has sent nothing: a duplicate is not its own call.
#[tokio::test(flavor = "multi_thread")]
async fn who_found_nobody_has_sent_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::generate().unwrap();
    let node = TestNode::new();
    let limits = Limits { connect_ms_max: 200, ..quick() };
    let mut config = config(dir.path(), &identity, limits.clone());
    let server = Server::start(config.clone(), node.clone()).await.unwrap();
    let at: SocketAddr = server.address();
    let first = client_with(at, server.pin(), limits.clone());
    assert!(matches!(first.call(b"once", true).await.unwrap(), CallAnswer::Included(_)));
    let pin = server.pin();
    server.close().await;
    let late = client_with(at, pin, limits);
    let call = tokio::spawn(async move { late.call_with_resends(b"once", true).await });
    tokio::time::sleep(Duration::from_millis(600)).await;
    config.listen = at;
    let _server = Server::start(config, node).await.unwrap();
    let (answer, resent) = call.await.unwrap().unwrap();
    assert!(matches!(answer, CallAnswer::Duplicate(_)));
    assert!(!resent, "nothing was sent before");
}

/// A peer that takes no answer has only so much of them waiting for it; then it hears `busy`, and others go on. A call that
/// was executed is never told as refused.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_takes_are_bounded() {
    const LEN: usize = 64 << 10;
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { answer_bytes_per_peer: 10 * LEN as u64, ..quick() };
    let config = config(dir.path(), &Identity::generate().unwrap(), limits.clone());
    let server = Server::start(config, TestNode::new()).await.unwrap();
    let envelope = vec![7; LEN];
    let honest = from(&server, 3, limits.clone());
    honest.call(&envelope, true).await.unwrap();
    let id: crate::proto::message::Hash = blake3::hash(&envelope).into();
    let greedy = from(&server, 2, Limits { stream_window_bytes: 64, ..limits.clone() });
    let mut held = Vec::new();
    for _ in 0..9 {
        let (mut send, recv) = greedy.raw_stream().await;
        let ask =
            crate::proto::frame::Request::Receipt(crate::proto::message::ReceiptRequest { call_id: id });
        send.write_all(&ask.encode()).await.unwrap();
        send.finish().unwrap();
        held.push((send, recv));
    }
    let same_address = from(&server, 2, Limits { retry_attempts_max: 1, ..limits.clone() });
    let mut refused = false;
    for _ in 0..200 {
        match same_address.receipt(id).await {
            Err(error) => {
                // The client has tried again as often as it may.
                assert!(error.to_string().contains("too many answers wait"), "{error}");
                refused = true;
                break;
            }
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    assert!(refused, "nine answers wait, and there is no room for two more");
    assert!(matches!(same_address.call(&[9; LEN], true).await, Ok(CallAnswer::Accepted(_))));
    assert!(!honest.receipt(id).await.unwrap().is_empty(), "another peer has room of its own");
    drop(held);
    server.close().await;
}
