//! A real chain behind the server: the example token, streamed into the real decoder over loopback.

use std::path::Path;
use std::sync::Arc;

use zvm_host::crypto::{SigningKey, selector};
use zvm_host::{Body, Chain, ChainConfig, Genesis, Record, RedbBackend, Status, key};

use super::{quick, refusal};
use crate::net::Congestion;
use crate::proto::send::Send;
use crate::proto::table::AnswerCode;
use crate::{CallAnswer, ChainNode, Client, ClientConfig, Identity, Server, ServerConfig, UploadOptions};

const TOKEN: &[u8] = include_bytes!("../../../../contracts/token/token.wasm");
const COUNTER: &[u8] = include_bytes!("../../../../contracts/counter/counter.wasm");
const SUPPLY: u128 = 10u128.pow(18);

fn signer() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

struct Running {
    node: Arc<ChainNode>,
    server: Server<ChainNode>,
    client: Client,
}

async fn start(dir: &Path, identity: &Identity) -> Running {
    let owner = key::address(&signer().public());
    let genesis = Genesis {
        chain_id: 3,
        timestamp: 0,
        gas_limit: 1 << 40,
        sealer: owner,
        balances: vec![(owner, SUPPLY)],
    };
    let store = Arc::new(RedbBackend::open(&dir.join("chain")).unwrap());
    let chain = Chain::open(store, &genesis, ChainConfig::default()).unwrap();
    let node = Arc::new(ChainNode::new(chain));
    let config = ServerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        identity: identity.clone(),
        spool_dir: dir.join("uploads"),
        limits: quick(),
        congestion: Congestion::default(),
    };
    let server = Server::start(config, node.clone()).await.unwrap();
    let config = ClientConfig {
        server: server.address(),
        pin: server.pin(),
        limits: quick(),
        congestion: Congestion::default(),
    };
    Running { node, server, client: Client::new(config).unwrap() }
}

impl Running {
    async fn wire(&self, mut body: Body) -> Vec<u8> {
        let chain = self.client.chain().await.unwrap();
        let owner = key::address(&signer().public());
        body.nonce = self.client.account(owner.0).await.unwrap().nonce;
        (body.gas_limit, body.gas_price, body.valid_until) = (50_000_000, 1, chain.height + 10);
        body.sign(&signer(), &chain.genesis_hash).encode()
    }

    async fn call(&self, body: Body) -> Record {
        let wire = self.wire(body).await;
        match self.client.call(&wire, true).await.unwrap() {
            CallAnswer::Included(record) => Record::decode(&record).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn balance_of(&self, token: [u8; 20], owner: [u8; 20]) -> u128 {
        let input = [&selector("balance_of(address)")[..], &owner].concat();
        let answer = self.client.query(token, 0, &input).await.unwrap();
        assert_eq!(answer.status, Status::Success as u8, "{}", answer.text.as_str());
        u128::from_le_bytes(answer.return_data.as_slice().try_into().unwrap())
    }

    /// Ends everything; the store is free afterwards.
    async fn stop(self) {
        self.client.close().await;
        self.server.close().await;
        assert_eq!(Arc::strong_count(&self.node), 1, "somebody still holds the chain");
    }
}

fn token_init(supply: u128) -> Vec<u8> {
    [b"\x05\0\0\0Ghost\x03\0\0\0GST\x12", &supply.to_le_bytes()[..]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_streamed_deployed_called_and_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::generate().unwrap();
    let running = start(dir.path(), &identity).await;
    let options = UploadOptions { sha256: true, chunk_bytes: 1_000, ..UploadOptions::default() };
    let answer = running.client.upload(TOKEN, options, |_| {}).await.unwrap();
    assert_eq!(answer.code_hash, zvm_host::crypto::blake3(TOKEN));
    assert!(answer.functions_valid_before_last_chunk > 0, "it was validated while it arrived");
    assert!(answer.functions_valid_before_last_chunk <= answer.functions_total);
    running.client.upload(COUNTER, options, |_| {}).await.unwrap();
    assert_eq!(running.client.health().await.unwrap().staged, 2);
    assert_eq!(std::fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);

    let deployed = running.call(Body::deploy(0, &answer.code_hash, &token_init(1_000))).await;
    assert_eq!(deployed.receipt.status, Status::Success, "{:?}", deployed.diagnostics);
    let token = deployed.receipt.created;
    assert_eq!(running.client.health().await.unwrap().staged, 1, "what a deploy named is state");
    let (owner, other) = (key::address(&signer().public()).0, [0x77; 20]);
    let transfer =
        |amount: u128| [&selector("transfer(address,uint128)")[..], &other, &amount.to_le_bytes()].concat();
    let wire = running.wire(Body::call(0, token, &transfer(300))).await;
    let CallAnswer::Included(first) = running.client.call(&wire, true).await.unwrap() else { panic!() };
    assert_eq!(Record::decode(&first).unwrap().receipt.status, Status::Success);
    let too_much = running.call(Body::call(0, token, &transfer(701))).await;
    assert_eq!(too_much.receipt.status, Status::Reverted);
    let mut forged = running.wire(Body::call(0, token, &transfer(1))).await;
    *forged.last_mut().unwrap() ^= 1;
    let refused = refusal(running.client.call(&forged, true).await);
    assert_eq!(refused.code, AnswerCode::AuthenticationFailed);
    assert_eq!(running.balance_of(token.0, owner).await, 700);
    let before = running.client.chain().await.unwrap();
    running.stop().await;

    let running = start(dir.path(), &identity).await;
    assert_eq!(running.client.chain().await.unwrap(), before);
    assert_eq!(running.balance_of(token.0, owner).await, 700);
    assert_eq!(running.balance_of(token.0, other).await, 300);
    // A replay has the same record; the modules are known, the staged one and the one that is state.
    assert_eq!(running.client.call(&wire, true).await.unwrap(), CallAnswer::Duplicate(first));
    assert_eq!(running.client.chain().await.unwrap(), before);
    for module in [TOKEN, COUNTER] {
        assert_eq!(running.client.upload(module, options, |_| {}).await.unwrap().known, 1);
    }
    assert_eq!(running.node.lock().damaged_staged(), []);
    running.stop().await;
}

/// The stream stays open and the rest is never sent: the refusal cannot have waited for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_byte_in_the_middle_is_refused_before_the_rest_arrives() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path(), &Identity::generate().unwrap()).await;
    let engine = zvm_host::contract::engine();
    let (bad, at, error) = (TOKEN.len() / 2..)
        .find_map(|at| {
            let mut bad = TOKEN.to_vec();
            bad[at] = 0xff;
            let seen = zvm_host::contract_stream(&engine).feed(&bad[..=at]).err();
            seen.map(|error| (bad, at, error))
        })
        .unwrap();
    assert!(at < TOKEN.len() * 3 / 4);
    let (mut send, recv) = running.client.raw_stream().await;
    send.write_all(&Send::new(&bad, [0; 32], false).start().encode()).await.unwrap();
    send.write_all(&bad[..=at]).await.unwrap();
    let refused = running.client.raw_answer(recv).await.unwrap_err();
    assert_eq!(refused.code, AnswerCode::ModuleRefused);
    assert_eq!((refused.detail, refused.offset), (error.code(), error.offset()));
    assert_eq!(refused.text, error.to_string());
    drop(send);

    // What a contract must not import, and what it lacks, have the host's numbers.
    let memory = r#"(module (import "env" "nope" (func)) (memory (export "memory") 1))"#;
    for (text, detail) in [(memory, 0x0502), ("(module)", 0x0505)] {
        let module = wat::parse_str(text).unwrap();
        let refused = refusal(running.client.upload(&module, UploadOptions::default(), |_| {}).await);
        assert_eq!((refused.code, refused.detail), (AnswerCode::ModuleRefused, detail));
    }

    let whole = refusal(running.client.upload(&bad, UploadOptions::default(), |_| {}).await);
    assert_eq!(whole, refused);
    assert!(!running.node.lock().has_module(&zvm_host::crypto::blake3(&bad)).unwrap());
    assert_eq!(running.client.health().await.unwrap().staged, 0);
    assert_eq!(running.client.upload(TOKEN, UploadOptions::default(), |_| {}).await.unwrap().known, 0);
    running.stop().await;
}
