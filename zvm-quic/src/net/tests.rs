//! The protocol over real sockets on loopback. No assertion depends on how long something takes.

mod chain;
mod hostile;
mod load;
mod node;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use self::node::{PROFILE, TestNode, garbage_at, module};
use crate::net::Congestion;
use crate::proto::frame::Refusal;
use crate::proto::message::Hash;
use crate::proto::table::{AnswerCode, Limits};
use crate::{
    CallAnswer, Client, ClientConfig, ClientError, Identity, Pin, Server, ServerConfig, ServerError,
    UploadOptions,
};

fn quick() -> Limits {
    // A failing test should not spend its time in pauses; nothing else depends on it.
    Limits { retry_initial_ms: 10, retry_pause_ms_max: 100, retry_attempts_max: 50, ..Limits::default() }
}

fn config(dir: &Path, identity: &Identity, limits: Limits) -> ServerConfig {
    ServerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        identity: identity.clone(),
        spool_dir: dir.to_owned(),
        limits,
        congestion: Congestion::default(),
    }
}

async fn server(dir: &Path, identity: &Identity, node: &Arc<TestNode>) -> Server<TestNode> {
    Server::start(config(dir, identity, quick()), node.clone()).await.unwrap()
}

fn client_with(server: SocketAddr, pin: Pin, limits: Limits) -> Client {
    Client::new(ClientConfig { server, pin, limits, congestion: Congestion::Bbr }).unwrap()
}

fn client(server: &Server<TestNode>) -> Client {
    client_with(server.address(), server.pin(), quick())
}

fn hash(bytes: &[u8]) -> Hash {
    blake3::hash(bytes).into()
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Refusal {
    match result {
        Err(ClientError::Refused(refusal)) => refusal,
        other => panic!("not a refusal: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_is_uploaded_and_called() {
    let dir = tempfile::tempdir().unwrap();
    let node = TestNode::new();
    let server = server(dir.path(), &Identity::generate().unwrap(), &node).await;
    let client = client(&server);
    let module = module(200, 300_000);
    let mut steps = Vec::new();
    let options = UploadOptions { sha256: true, ..UploadOptions::default() };
    let answer = client.upload(&module, options, |p| steps.push(p)).await.unwrap();
    assert_eq!(answer.code_hash, hash(&module));
    assert_eq!(answer.known, 0);
    assert_eq!(answer.bytes, module.len() as u64);
    assert_eq!(answer.functions_total, 200);
    assert!(answer.functions_valid_before_last_chunk <= 200);
    assert!(answer.work > 0);
    assert_eq!(steps.last().unwrap().bytes_sent, module.len() as u64);
    assert!(steps.windows(2).all(|pair| pair[0].bytes_sent <= pair[1].bytes_sent));
    assert_eq!(node.staged_hashes(), vec![hash(&module)]);

    let again = client.upload(&module, options, |_| {}).await.unwrap();
    assert_eq!(again.known, 1);

    let call = client.call(b"deploy", true).await.unwrap();
    let CallAnswer::Included(record) = call else { panic!("{call:?}") };
    assert_eq!(record, b"record of deploy");
    assert_eq!(client.call(b"deploy", true).await.unwrap(), CallAnswer::Duplicate(record.clone()));
    let waiting = client.call(b"other", false).await.unwrap();
    assert_eq!(waiting, CallAnswer::Accepted(hash(b"other")));
    assert_eq!(client.receipt(hash(b"deploy")).await.unwrap(), record);
    assert_eq!(refusal(client.receipt([9; 32]).await).code, AnswerCode::NotFound);
    assert_eq!(refusal(client.call(b"forged", true).await).code, AnswerCode::AuthenticationFailed);
    let said = client.query([5; 20], 77, b"what").await.unwrap();
    assert_eq!(said.return_data.as_slice(), b"what");
    assert_eq!(said.gas_used, 77);
    assert_eq!(client.account([3; 20]).await.unwrap().nonce, 3);
    let chain = client.chain().await.unwrap();
    assert_eq!(chain.profile, PROFILE);
    assert_eq!(chain.module_bytes_max, Limits::default().module_bytes_max);
    assert_eq!(client.health().await.unwrap().staged, 1);
    client.close().await;
    server.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bad_byte_stops_the_sender() {
    let dir = tempfile::tempdir().unwrap();
    let node = TestNode::new();
    let server = server(dir.path(), &Identity::generate().unwrap(), &node).await;
    let client = client(&server);
    // Far more than the windows take: only a stop lets the sender end before it has sent all.
    let (module, offset) = garbage_at(10, 1_900_000);
    let mut sent = 0;
    let result = client.upload(&module, UploadOptions::default(), |p| sent = p.bytes_sent).await;
    let refusal = refusal(result);
    assert_eq!(refusal.code, AnswerCode::ModuleRefused);
    assert_eq!(refusal.offset, Some(offset));
    assert_ne!(refusal.detail, 0);
    assert!(sent < module.len() as u64, "the sender was not stopped");
    assert_eq!(node.staged_hashes(), Vec::<Hash>::new());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing stays on disk");
    // The connection is as good as before.
    let good = node::module(3, 0);
    assert_eq!(client.upload(&good, UploadOptions::default(), |_| {}).await.unwrap().functions_total, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_profiles_and_too_long_modules_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let node = TestNode::new();
    let server = server(dir.path(), &Identity::generate().unwrap(), &node).await;
    let client = client(&server);
    let foreign = UploadOptions { profile: [8; 32], ..UploadOptions::default() };
    let good = module(1, 0);
    assert_eq!(refusal(client.upload(&good, foreign, |_| {}).await).code, AnswerCode::ProfileRefused);
    let named = UploadOptions { profile: PROFILE, ..UploadOptions::default() };
    assert!(client.upload(&good, named, |_| {}).await.is_ok());
    let long = vec![0; (2 << 20) + 1];
    assert_eq!(refusal(client.upload(&long, named, |_| {}).await).code, AnswerCode::LengthRefused);
    assert_eq!(refusal(client.upload(&[], named, |_| {}).await).code, AnswerCode::LengthRefused);
    assert!(matches!(client.call(&vec![0; 1 << 20], true).await, Err(ClientError::TooLong(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_pin_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path(), &Identity::generate().unwrap(), &TestNode::new()).await;
    let other = Identity::generate().unwrap();
    let client = client_with(server.address(), other.pin(), quick());
    let error = client.health().await.unwrap_err();
    let (found, pinned) = (server.pin(), other.pin());
    let text = format!("the server's fingerprint is {found}, not the pinned {pinned}");
    assert_eq!(error.to_string(), format!("the server is not the one expected: {text}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_certificate_with_a_wrong_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (real, thief) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let impostor = Identity::impostor(&real, &thief);
    assert_eq!(impostor.pin(), real.pin());
    let server = server(dir.path(), &impostor, &TestNode::new()).await;
    let error = client_with(server.address(), real.pin(), quick()).connect().await.unwrap_err();
    assert!(matches!(error, ClientError::Untrusted(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::generate().unwrap();
    let node = TestNode::new();
    let first = server(dir.path(), &identity, &node).await;
    let mut second = config(dir.path(), &identity, quick());
    second.listen = first.address();
    let error = Server::start(second, node).await.unwrap_err();
    assert!(matches!(error, ServerError::PortInUse(address) if address == first.address()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_a_server_that_ends_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::generate().unwrap();
    let node = TestNode::new();
    let first = server(dir.path(), &identity, &node).await;
    let (address, pin) = (first.address(), first.pin());
    let cut = Arc::new(tokio::sync::Notify::new());
    let (closed, wait_for_close) = std::sync::mpsc::channel();
    let restart = tokio::spawn({
        let (cut, node, dir, identity) = (cut.clone(), node.clone(), dir.path().to_owned(), identity.clone());
        async move {
            cut.notified().await;
            first.close().await;
            assert_eq!(node.staged_hashes(), Vec::<Hash>::new());
            closed.send(()).unwrap();
            Server::start(ServerConfig { listen: address, ..config(&dir, &identity, quick()) }, node)
                .await
                .unwrap()
        }
    });
    let client = client_with(address, pin, quick());
    let module = module(500, 1_500_000);
    let mut attempts = 0;
    let mut told = false;
    let answer = client
        .upload(&module, UploadOptions::default(), |p| {
            attempts = p.attempt;
            if p.bytes_sent > 100_000 && !told {
                // The sender holds still here until the server is gone: the cut is in the middle.
                told = true;
                cut.notify_one();
                tokio::task::block_in_place(|| wait_for_close.recv().unwrap());
            }
        })
        .await
        .unwrap();
    assert!(attempts > 1, "there was no cut");
    assert_eq!(answer.functions_total, 500);
    assert_eq!(answer.known, 0);
    assert_eq!(node.staged_hashes(), vec![hash(&module)]);
    restart.await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_is_given_up_on() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let limits = Limits { idle_ms: 50, retry_attempts_max: 3, ..quick() };
    let client = client_with(socket.local_addr().unwrap(), Identity::generate().unwrap().pin(), limits);
    let error = client.health().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { attempts: 3, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_cannot_be_written_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    let node = TestNode::new();
    let server = server(&spool, &Identity::generate().unwrap(), &node).await;
    let client = client(&server);
    let module = module(4, 0);
    std::fs::remove_dir(&spool).unwrap();
    let refused = refusal(client.upload(&module, UploadOptions::default(), |_| {}).await);
    assert_eq!(refused.code, AnswerCode::StoreFailed);
    assert!(!refused.text.contains("spool"), "paths stay inside");
    assert_eq!(node.staged_hashes(), Vec::<Hash>::new());
    std::fs::create_dir(&spool).unwrap();
    assert!(client.upload(&module, UploadOptions::default(), |_| {}).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_fit_is_refused_and_what_is_done_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let node = TestNode::new();
    let limits = Limits { spool_bytes_max: 50_000, ..quick() };
    let config = config(dir.path(), &Identity::generate().unwrap(), limits);
    let server = Server::start(config, node.clone()).await.unwrap();
    let client = client(&server);
    let (a, b, big) = (module(1, 30_000), module(2, 30_000), module(3, 60_000));
    for module in [&a, &b] {
        client.upload(module, UploadOptions::default(), |_| {}).await.unwrap();
    }
    let refused = refusal(client.upload(&big, UploadOptions::default(), |_| {}).await);
    assert_eq!(refused.code, AnswerCode::SpoolFull);
    assert_eq!(node.staged_hashes().len(), 2);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing stays in the spool");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_uploads_at_once_all_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let node = TestNode::new();
    let limits = Limits { uploads_per_peer: 64, ..quick() };
    let config = config(dir.path(), &Identity::generate().unwrap(), limits);
    let server = Server::start(config, node.clone()).await.unwrap();
    let client = Arc::new(client(&server));
    let modules: Vec<Vec<u8>> = (1..=64).map(|functions| module(functions, 2_000)).collect();
    let uploads: Vec<_> = modules
        .iter()
        .cloned()
        .map(|module| {
            let client = client.clone();
            tokio::spawn(async move { client.upload(&module, UploadOptions::default(), |_| {}).await })
        })
        .collect();
    for (upload, functions) in uploads.into_iter().zip(1..) {
        assert_eq!(upload.await.unwrap().unwrap().functions_total, functions);
    }
    let mut wanted: Vec<Hash> = modules.iter().map(|module| hash(module)).collect();
    wanted.sort();
    assert_eq!(node.staged_hashes(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trickling_sender_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { pace_ms: 50, retry_attempts_max: 1, ..quick() };
    let config = config(dir.path(), &Identity::generate().unwrap(), limits.clone());
    let server = Server::start(config, TestNode::new()).await.unwrap();
    let client = client_with(server.address(), server.pin(), limits);
    // A header, and then nothing: the stream stays open.
    let (mut send, recv) = client.raw_stream().await;
    let start = crate::proto::send::Send::new(&module(1, 0), [0; 32], false).start().encode();
    send.write_all(&start).await.unwrap();
    let refusal = client.raw_answer(recv).await.unwrap_err();
    assert_eq!(refusal.code, AnswerCode::TooSlow);
}

/// Senders of a header and then nothing hold all places: whoever sends gets one of them, and the other stays
/// as long as nobody wants it.
#[tokio::test(flavor = "multi_thread")]
async fn silent_senders_give_their_places_up() {
    let dir = tempfile::tempdir().unwrap();
    let limits =
        Limits { uploads_total: 2, uploads_per_peer: 16, fair_lag_ms: 200, pace_ms: 60_000, ..quick() };
    let config = config(dir.path(), &Identity::generate().unwrap(), limits.clone());
    let node = TestNode::new();
    let server = Server::start(config, node.clone()).await.unwrap();
    let client = client_with(server.address(), server.pin(), limits);
    let mut silent = Vec::new();
    for functions in 1..=2 {
        let (mut send, recv) = client.raw_stream().await;
        let start = crate::proto::send::Send::new(&module(functions, 0), [0; 32], false).start().encode();
        send.write_all(&start).await.unwrap();
        silent.push((send, recv));
        while client.health().await.unwrap().uploads < functions as u32 {}
    }
    let good = module(3, 500_000);
    let mut attempts = 0;
    let answer = client.upload(&good, UploadOptions::default(), |p| attempts = p.attempt).await.unwrap();
    assert_eq!((answer.functions_total, attempts), (3, 1), "it waited on its stream");
    assert_eq!(node.staged_hashes(), vec![hash(&good)]);
    assert_eq!(client.health().await.unwrap().uploads, 1);
    // Both came at the same time: either may have been the slower one.
    let (_first, recv_a) = silent.remove(0);
    let (_second, recv_b) = silent.remove(0);
    let refusal = tokio::select! {
        answer = client.raw_answer(recv_a) => answer,
        answer = client.raw_answer(recv_b) => answer,
    };
    assert_eq!(refusal.unwrap_err().code, AnswerCode::TooSlow);
}

/// The same for the spool: what silent senders have brought does not keep others out.
#[tokio::test(flavor = "multi_thread")]
async fn a_spool_full_of_stalled_uploads_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { spool_bytes_max: 100_000, fair_lag_ms: 200, pace_ms: 60_000, ..quick() };
    let config = config(dir.path(), &Identity::generate().unwrap(), limits.clone());
    let server = Server::start(config, TestNode::new()).await.unwrap();
    let client = client_with(server.address(), server.pin(), limits);
    let (mut send, _recv) = client.raw_stream().await;
    let big = module(1, 90_000);
    let start = crate::proto::send::Send::new(&big, [0; 32], false).start().encode();
    send.write_all(&[&start[..], &big[..80_000]].concat()).await.unwrap();
    let spooled = || -> u64 {
        let files = std::fs::read_dir(dir.path()).unwrap();
        files.map(|file| file.unwrap().metadata().map_or(0, |data| data.len())).sum()
    };
    while spooled() < 60_000 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let good = module(2, 60_000);
    assert_eq!(client.upload(&good, UploadOptions::default(), |_| {}).await.unwrap().functions_total, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_enough_to_do_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for (requests_at_once, served) in [(1, true), (0, false)] {
        let limits = Limits { requests_at_once, retry_attempts_max: 2, ..quick() };
        let config = config(dir.path(), &Identity::generate().unwrap(), limits.clone());
        let server = Server::start(config, TestNode::new()).await.unwrap();
        let client = client_with(server.address(), server.pin(), limits);
        for _ in 0..5 {
            match client.health().await {
                Ok(_) => assert!(served),
                Err(ClientError::Unreachable { last, .. }) => {
                    assert!(!served && last.contains(AnswerCode::Busy.name()), "{last}");
                }
                Err(other) => panic!("{other}"),
            }
        }
        // What an upload looks up counts as well.
        match client.upload(&module(1, 0), UploadOptions::default(), |_| {}).await {
            Ok(_) => assert!(served),
            Err(ClientError::Unreachable { last, .. }) => {
                assert!(!served && last.contains(AnswerCode::Busy.name()), "{last}");
            }
            Err(other) => panic!("{other}"),
        }
    }
}
