//! Guests that never end, in queries and in a signed call: the rest of the node must not notice. The bounds
//! are those that a user is promised; medians, since other programs share the machine.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zvm_host::crypto::SigningKey;
use zvm_host::{Body, Chain, ChainConfig, Genesis, Record, RedbBackend, Status, key};

use super::{client_with, config, quick};
use crate::proto::codec::Blob;
use crate::proto::frame::Request;
use crate::proto::message::QueryRequest;
use crate::proto::table::{AnswerCode, Limits};
use crate::{CallAnswer, ChainNode, Client, ClientError, Identity, Server, UploadOptions};

const HEALTH_MAX: Duration = Duration::from_millis(50);
const CALL_MAX: Duration = Duration::from_millis(500);
const STOP_MAX: Duration = Duration::from_secs(2);
/// Gas of hours.
const ENDLESS: u64 = 1 << 50;

fn signer() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

/// Never answers a query, nor a call with input.
fn spinner() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "env" "input_len" (func $len (result i32)))
            (memory (export "memory") 1)
            (func (export "init") (result i32) (i32.const 0))
            (func (export "invoke") (result i32)
                (if (call $len) (then (loop (br 0)))) (i32.const 0))
            (func (export "query") (result i32)
                (if (call $len) (then (loop (br 0)))) (i32.const 0)))"#,
    )
    .unwrap()
}

struct Running {
    node: Arc<ChainNode>,
    server: Server<ChainNode>,
    client: Client,
    contract: [u8; 20],
}

fn open(dir: &Path) -> Chain {
    let owner = key::address(&signer().public());
    let genesis = Genesis {
        chain_id: 3,
        timestamp: 0,
        gas_limit: ENDLESS,
        sealer: owner,
        balances: vec![(owner, 10u128.pow(18))],
    };
    let store = Arc::new(RedbBackend::open(&dir.join("chain")).unwrap());
    // A query here has no end of its own: only an interrupt ends it.
    let config = ChainConfig { query_gas_max: ENDLESS, ..ChainConfig::default() };
    Chain::open(store, &genesis, config).unwrap()
}

async fn start(dir: &Path) -> Running {
    let node = Arc::new(ChainNode::new(open(dir)));
    let limits = Limits { queries_waiting: 1, ..quick() };
    let config = config(&dir.join("uploads"), &Identity::generate().unwrap(), limits);
    let server = Server::start(config, node.clone()).await.unwrap();
    let client = client_with(server.address(), server.pin(), quick());
    let code_hash = client.upload(&spinner(), UploadOptions::default(), |_| {}).await.unwrap().code_hash;
    let mut running = Running { node, server, client, contract: [0; 20] };
    let deployed = running.call(Body::deploy(0, &code_hash, &[])).await;
    running.contract = deployed.receipt.created.0;
    running
}

impl Running {
    async fn wire(&self, mut body: Body) -> Vec<u8> {
        let chain = self.client.chain().await.unwrap();
        let owner = key::address(&signer().public());
        body.nonce = self.client.account(owner.0).await.unwrap().nonce;
        body.gas_limit = body.gas_limit.max(50_000_000);
        (body.gas_price, body.valid_until) = (1, chain.height + 10);
        body.sign(&signer(), &chain.genesis_hash).encode()
    }

    async fn call(&self, body: Body) -> Record {
        let wire = self.wire(body).await;
        match self.client.call(&wire, true).await.unwrap() {
            CallAnswer::Included(record) => Record::decode(&record).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Asks on a stream of its own, and does not wait for the answer.
    async fn ask(&self, client: &Client) -> (quinn::SendStream, quinn::RecvStream) {
        let (mut send, recv) = client.raw_stream().await;
        let input = Blob::new(vec![1]).unwrap();
        let query = Request::Query(QueryRequest { target: self.contract, gas_limit: 0, input });
        send.write_all(&query.encode()).await.unwrap();
        send.finish().unwrap();
        (send, recv)
    }

    fn from(&self, last: u8) -> Client {
        // Cut means cut: these do not come back.
        let limits = Limits { retry_attempts_max: 1, ..quick() };
        let client = client_with(self.server.address(), self.server.pin(), limits);
        client.bound_to(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
    }

    /// Until so many queries run or wait.
    async fn until_queries(&self, count: usize) {
        while self.server.queries() != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn stop(self) -> Duration {
        let begun = Instant::now();
        self.server.close().await;
        let took = begun.elapsed();
        assert_eq!(Arc::strong_count(&self.node), 1, "somebody still holds the chain");
        took
    }
}

async fn median<F: Future>(count: usize, mut run: impl FnMut() -> F) -> Duration {
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        run().await;
        times.push(begun.elapsed());
    }
    times.sort();
    times[count / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_queries_hold_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path()).await;
    let peers: Vec<Client> = (1..=8).map(|last| running.from(last)).collect();
    let mut asked = Vec::new();
    for peer in &peers {
        for _ in 0..8 {
            asked.push(running.ask(peer).await);
        }
    }
    // All but those that run, and the one that waits, are told at once.
    let mut answers = tokio::task::JoinSet::new();
    let reader = Arc::new(running.from(9));
    for (send, recv) in asked {
        let peer = reader.clone();
        answers.spawn(async move {
            let answer = peer.raw_answer_unless_cut(recv).await;
            (send, answer)
        });
    }
    for _ in 0..61 {
        let (_, answer) = answers.join_next().await.unwrap().unwrap();
        assert_eq!(answer.unwrap().unwrap_err().code, AnswerCode::Busy);
    }
    let health = median(41, || async { running.client.health().await.unwrap() }).await;
    let owner = key::address(&signer().public()).0;
    let account = median(41, || async { running.client.account(owner).await.unwrap() }).await;
    let call = median(11, || async {
        let record = running.call(Body::call(0, zvm_host::Address(running.contract), &[])).await;
        assert_eq!(record.receipt.status, Status::Success);
    })
    .await;
    println!("under 64 queries of 8 peers: health {health:?}, account {account:?}, signed call {call:?}");
    assert!(health <= HEALTH_MAX && account <= HEALTH_MAX, "{health:?}, {account:?}");
    assert!(call <= CALL_MAX, "{call:?}");
    assert_eq!(answers.try_join_next().map(|_| ()), None, "two run still, and one waits");
    let stop = running.stop().await;
    println!("stopped with two queries under way in {stop:?}");
    assert!(stop <= STOP_MAX, "{stop:?}");
    // Those whose askers stayed to the end were told so, or cut with the connection.
    for (_, answer) in answers.join_all().await {
        let told = answer.map(|answer| answer.unwrap_err().code);
        assert!(told.is_none_or(|code| code == AnswerCode::ShuttingDown), "{told:?}");
    }
}

/// A query ends when its stream is stopped, and when its asker's connection closes; one that waits gets its turn
/// then.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_with_its_asker() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path()).await;
    let (first, second, third) = (running.from(2), running.from(3), running.from(4));
    for close in [false, true] {
        // One after the other: the third is the one that waits.
        let mut one = running.ask(&first).await;
        running.until_queries(1).await;
        let two = running.ask(&second).await;
        running.until_queries(2).await;
        let mut waits = running.ask(&third).await;
        running.until_queries(3).await;
        let (_send, recv) = running.ask(&running.client).await;
        let answer = running.client.raw_answer(recv).await;
        assert_eq!(answer.unwrap_err().code, AnswerCode::Busy, "one too many");
        if close {
            first.cut().await;
        } else {
            one.1.stop(0u8.into()).unwrap();
        }
        // That it was its turn and that it has ended show when somebody else has an answer: the second runs still.
        waits.1.stop(0u8.into()).unwrap();
        let answer = running.client.query(running.contract, 0, &[]).await.unwrap();
        assert_eq!(answer.status, Status::Success as u8);
        drop(two);
        running.until_queries(0).await;
    }
    assert!(running.stop().await <= STOP_MAX);
}

/// A signed call at the block's limit: who only reads does not wait for it, a stop ends it, and then it never
/// happened.
#[tokio::test(flavor = "multi_thread")]
async fn an_endless_call_holds_no_reader_up() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path()).await;
    let before = running.client.chain().await.unwrap();
    let call = Body { gas_limit: ENDLESS, ..Body::call(0, zvm_host::Address(running.contract), &[1]) };
    let wire = running.wire(call).await;
    let caller = running.from(2);
    let call = tokio::spawn(async move { caller.call(&wire, true).await });
    let is_running = || running.node.is_building();
    while !is_running() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let owner = key::address(&signer().public()).0;
    let health = median(41, || async { running.client.health().await.unwrap() }).await;
    let account = median(41, || async { running.client.account(owner).await.unwrap() }).await;
    let query = median(11, || async { running.client.query(running.contract, 0, &[]).await.unwrap() }).await;
    println!("under an endless call: health {health:?}, account {account:?}, query {query:?}");
    assert!(health.max(account).max(query) <= HEALTH_MAX, "{health:?}, {account:?}, {query:?}");
    assert!(is_running() && !call.is_finished());
    let stop = running.stop().await;
    println!("stopped with a call under way in {stop:?}");
    assert!(stop <= STOP_MAX, "{stop:?}");
    assert!(call.await.unwrap().is_err());
    let chain = open(dir.path());
    assert_eq!(chain.info().state_root, before.state_root);
    assert_eq!(chain.info().height, before.height);
}

/// Calls that nobody has signed are refused without the chain, whatever it does: bytes that are no call, and calls whose
/// signature is another's.
#[tokio::test(flavor = "multi_thread")]
async fn forged_calls_never_wait_for_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path()).await;
    let call = Body::call(0, zvm_host::Address(running.contract), &[0]);
    let good = running.wire(call).await;
    let (held, is_held) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let node = running.node.clone();
    let holder = std::thread::spawn(move || {
        let _chain = node.lock();
        held.send(()).unwrap();
        let _ = released.recv();
    });
    is_held.recv().unwrap();
    let peers: Vec<_> = (0..3).map(|_| Arc::new(running.from(2))).collect();
    let mut answers = tokio::task::JoinSet::new();
    for at in 0..80 {
        let peer = peers[at % 3].clone();
        let mut forged = good.clone();
        let last = forged.len() - 1;
        forged[last - at] ^= 1;
        let forged = if at % 2 == 0 { forged } else { vec![1; 200] };
        answers.spawn(async move {
            match peer.call(&forged, true).await {
                Err(ClientError::Refused(refusal)) => refusal.code,
                other => panic!("{other:?}"),
            }
        });
    }
    let codes = tokio::time::timeout(Duration::from_secs(20), answers.join_all()).await.unwrap();
    let count = |code| codes.iter().filter(|found| **found == code).count();
    assert_eq!((count(AnswerCode::AuthenticationFailed), count(AnswerCode::CallRefused)), (40, 40));
    // Who signed waits for the chain.
    let other = running.from(9);
    let other = tokio::spawn(async move { other.call(&good, true).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!other.is_finished());
    drop(release);
    holder.join().unwrap();
    assert!(matches!(other.await.unwrap(), Ok(CallAnswer::Included(_))));
    running.stop().await;
}
