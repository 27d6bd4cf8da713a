//! A node's door and the block ask the same conditions of a call.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use ghost_wasm::Interrupt;
use proptest::prelude::*;
use zvm_host::cache::ModuleCache;
use zvm_host::exec::apply::{self, ApplyError, Call, Machine};
use zvm_host::exec::host::BlockContext;
use zvm_host::exec::instance::Instances;
use zvm_host::exec::transaction::Transaction;
use zvm_host::natives::Natives;
use zvm_host::state::Journal;
use zvm_host::table::host_gas;
use zvm_host::{Address, Answer, Body, Chain, Envelope, RefusalCode};

const NOBODY: Address = Address([0x77; 20]);

fn machine(chain: &Chain) -> Machine {
    let engine = chain.engine();
    Machine {
        cache: ModuleCache::new(engine.clone(), 0),
        instances: Instances::new(engine, 0).unwrap(),
        natives: Natives::NONE,
        policy: None,
        stop: Interrupt::new(),
    }
}

/// What the block itself says of a call that would be next.
fn in_block(net: &Net, wire: &[u8]) -> Result<(), RefusalCode> {
    let info = net.chain.info();
    let envelope = Envelope::decode(wire).unwrap();
    let call = Call {
        envelope: &envelope,
        call_id: envelope.call_id(&info.genesis_hash),
        signer: envelope.authenticate(&info.genesis_hash).unwrap(),
        block_gas_left: info.gas_limit,
    };
    let block = BlockContext { chain_id: info.chain_id, height: info.height + 1, timestamp: 1 };
    let journal = Journal::new(net.store.snapshot().unwrap());
    let tx = Box::new(Transaction::new(journal, block));
    match apply::apply(&machine(&net.chain), &Interrupt::new(), tx, &call).1 {
        Ok(_) => Ok(()),
        Err(ApplyError::NotIncludable(refused)) => Err(refused.code),
        Err(other) => panic!("{other:?}"),
    }
}

fn at_door(net: &mut Net, wire: &[u8]) -> Result<(), RefusalCode> {
    match net.chain.submit(wire, 0).unwrap() {
        Answer::Included(_) => Ok(()),
        // The one difference: these wait.
        Answer::Queued(_) => Err(RefusalCode::NonceTooFar),
        Answer::Refused(refused) => Err(refused.code),
        Answer::Duplicate(_) => panic!("new calls only"),
    }
}

fn body() -> impl Strategy<Value = Body> {
    // About what the envelope itself costs.
    let intrinsic = host_gas::intrinsic(300);
    let gas_limit = prop_oneof![
        3 => Just(50_000_000),
        1 => intrinsic - 5_000..intrinsic + 5_000,
        1 => 10_000_000_000 - 1..10_000_000_002u64,
        // Beyond, the bytes are malformed.
        1 => 0..=1u64 << 62,
    ];
    let price = prop_oneof![3 => Just(1u64), 1 => 1u64..200_000_000_000, 1 => Just(u64::MAX)];
    let until = prop_oneof![3 => Just(9u64), 1 => 0u64..4, 1 => 65_535u64..65_541, 1 => any::<u64>()];
    let nonce = prop_oneof![3 => Just(1u64), 1 => 0u64..4, 1 => 64u64..68, 1 => Just(u64::MAX)];
    let value = prop_oneof![3 => Just(0u128), 1 => 0..SUPPLY + 2, 1 => Just(u128::MAX)];
    (gas_limit, price, until, nonce, value).prop_map(|(gas_limit, gas_price, valid_until, nonce, value)| {
        Body { gas_limit, gas_price, valid_until, value, ..Body::call(nonce, NOBODY, &[]) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_door_and_the_block_agree(body in body()) {
        let mut net = Net::new();
        net.included(&alice(), Body::call(0, NOBODY, &[]));
        let wire = body.clone().sign(&alice(), &net.chain.info().genesis_hash).encode();
        let block = in_block(&net, &wire);
        let door = at_door(&mut net, &wire);
        prop_assert_eq!(block.is_ok(), door.is_ok());
        // Where several conditions fail, the first is told: gas at the door, which does not know the account yet,
        // a nonce ahead in the block.
        if door != Err(RefusalCode::GasLimit) && body.nonce <= 1 {
            prop_assert_eq!(block, door);
        }
    }
}

/// A call whose gas does not even cover its envelope is not for a block, whoever makes it.
#[test]
fn a_block_takes_no_call_below_its_intrinsic_gas() {
    let mut net = Net::new();
    let mut body = Body::call(0, NOBODY, &[]);
    (body.gas_price, body.valid_until) = (1, 9);
    let sign = |net: &Net, gas_limit: u64, body: &Body| {
        Body { gas_limit, ..body.clone() }.sign(&alice(), &net.chain.info().genesis_hash).encode()
    };
    let intrinsic = host_gas::intrinsic(sign(&net, 0, &body).len());
    let below = sign(&net, intrinsic - 1, &body);
    assert_eq!(in_block(&net, &below), Err(RefusalCode::GasLimit));
    assert_eq!(at_door(&mut net, &below), Err(RefusalCode::GasLimit));
    let exact = sign(&net, intrinsic, &body);
    assert_eq!(in_block(&net, &exact), Ok(()));
    assert_eq!(at_door(&mut net, &exact), Ok(()));
}
