//! Contracts that call, create and migrate contracts: what goes along, what comes back, what is undone, and what is
//! refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
mod puppet;

use std::sync::Arc;

use common::*;
use puppet::{puppet, script};
use zvm_host::natives::{Native, NativeCall, NativeEnd};
use zvm_host::state::{StateBackend, storage_key};
use zvm_host::table::host_gas::{self, Price};
use zvm_host::{
    Address, Answer, Body, Chain, ChainConfig, Envelope, MemoryBackend, Record, RefusalCode, Status,
};

/// The value of a puppet's key.
fn stored(net: &Net, at: Address, key: u8) -> Option<u8> {
    net.store.snapshot().unwrap().value(&storage_key(&at, &[key])).unwrap().map(|value| value[0])
}

/// Two puppets with 1,000 units each, the second one re-entrant if told.
fn two(reentrant: bool) -> (Net, Address, Address) {
    let mut net = Net::new();
    let one = net.deployed(&puppet(reentrant), &script().end());
    let other = net.deployed(&puppet(reentrant), &script().store(99, 1).end());
    for to in [one, other] {
        let body = Body { value: 1_000, ..Body::call(net.nonce(&alice()), to, &script().end()) };
        assert_eq!(net.included(&alice(), body).receipt.status, Status::Success);
    }
    (net, one, other)
}

fn success(record: &Record) -> &[u8] {
    assert_eq!(record.receipt.status, Status::Success, "{:?}", record.diagnostics);
    &record.return_data
}

#[test]
fn a_call_runs_the_other_contract_and_brings_back_what_it_returned() {
    let (mut net, one, other) = two(false);
    let inner = script().op(12, &[]).store(1, 2).op(8, &[&[5]]).end();
    let outer = script().call_with(other, 300, u64::MAX, 0, &inner).op(7, &[]).op(8, &[&[6]]).end();
    let record = net.call(&alice(), one, &outer);
    let want = [&[0, 36][..], &one.0, &300u128.to_le_bytes()].concat();
    assert_eq!(success(&record), want, "status, length, caller, value");
    assert_eq!((stored(&net, other, 1), stored(&net, one, 1)), (Some(2), None));
    assert_eq!((net.balance(&one), net.balance(&other)), (700, 1_300));
    let logs: Vec<_> = record.logs.iter().map(|entry| (entry.address, entry.data[0])).collect();
    assert_eq!(logs, [(other, 5), (one, 6)]);
}

#[test]
fn a_failing_callee_undoes_its_own_frame_only() {
    let (mut net, one, other) = two(false);
    let body = script().store(1, 2).op(8, &[&[5]]).op(9, &[&[7, 7]]);
    for (ending, status) in [(body.clone().revert(), 8), (body.clone().trap(), 5), (body.op(13, &[]).0, 1)] {
        let outer = script()
            .store(3, 4)
            .call_with(other, 300, 3_000_000, 0, &ending)
            .op(7, &[])
            .call_with(other, 0, u64::MAX, 0, &script().op(10, &[&[7]]).end())
            .op(7, &[]);
        let record = net.call(&alice(), one, &outer.end());
        assert_eq!(success(&record), [status, 0, 0, 1, 255], "what it wrote, transient too, is gone");
        assert_eq!((stored(&net, one, 3), stored(&net, other, 1)), (Some(4), None));
        assert_eq!((net.balance(&one), net.balance(&other)), (1_000, 1_000));
        assert!(record.logs.is_empty());
    }
}

#[test]
fn what_fails_outside_undoes_what_succeeded_inside() {
    let (mut net, one, other) = two(false);
    let record = net.call(&alice(), one, &script().call(other, &script().store(1, 2)).revert());
    assert_eq!((record.receipt.status, record.return_data.as_slice()), (Status::Reverted, &[0][..]));
    assert_eq!(stored(&net, other, 1), None);
}

#[test]
fn what_does_not_start_says_why() {
    let (mut net, one, other) = two(false);
    let nobody = Address([0x77; 20]);
    let asked = script()
        .call_with(other, 1_001, u64::MAX, 0, &script().end()) // no cover
        .call_with(one, 0, u64::MAX, 0, &script().end()) // runs already
        .call_with(other, 1, u64::MAX, 1, &script().end()) // static, with value
        .call_with(other, 0, 19_999, 0, &script().end()) // does not cover the instance
        .call_with(nobody, 0, u64::MAX, 0, b"x") // no code
        .call_with(nobody, 5, u64::MAX, 0, b"") // a plain payment
        .call_with(nobody, 0, u64::MAX, 0, b"");
    assert_eq!(success(&net.call(&alice(), one, &asked.end())), [8, 9, 9, 1, 4, 0, 0]);
    assert_eq!((net.balance(&nobody), net.balance(&one)), (5, 995));
    let record = net.call(&alice(), one, &script().call_with(other, 0, 0, 4, &[]).end());
    assert_eq!((record.receipt.status, record.receipt.trap_code), (Status::RuntimeError, 131));
}

#[test]
fn a_static_call_changes_nothing_however_deep() {
    let (mut net, one, other) = two(true);
    let third = net.deployed(&puppet(true), &script().end());
    for inner in [script().store(1, 2), script().op(8, &[&[1]]), script().op(9, &[&[1, 1]])] {
        let middle = script().call(third, &inner).op(7, &[]).end();
        let record =
            net.call(&alice(), one, &script().call_with(other, 0, u64::MAX, 1, &middle).op(7, &[]).end());
        assert_eq!(success(&record), [0, 2, 9, 0]);
    }
    // Reading is allowed; flag 2 asks `query`.
    let inner = script().op(14, &[&[99]]).end();
    let record = net.call(&alice(), one, &script().call_with(other, 0, u64::MAX, 2, &inner).op(7, &[]).end());
    assert_eq!(success(&record), [0, 1, 1]);
    // A query may call, and all of it changes nothing.
    let asked = net.query(
        one,
        &script()
            .call(other, &script().store(1, 2))
            .call_with(other, 0, u64::MAX, 0, &inner)
            .op(7, &[])
            .end(),
    );
    assert_eq!((asked.status, asked.return_data.as_slice()), (Status::Success, &[9, 0, 1, 1][..]));
}

#[test]
fn who_runs_is_called_again_only_if_it_allows_that() {
    let (mut net, one, other) = two(true);
    let back = script().call(one, &script().store(1, 9)).store(2, 8);
    let record = net.call(&alice(), one, &script().store(1, 1).call(other, &back).op(14, &[&[1]]).end());
    assert_eq!(success(&record), [0, 9], "the first frame sees what the third wrote");
    let (mut net, one, other) = two(false);
    let back = script().call(one, &script().store(1, 9)).op(7, &[]);
    let record = net.call(&alice(), one, &script().call(other, &back).op(7, &[]).end());
    assert_eq!(success(&record), [0, 2, 9, 0]);
}

/// Sixteen frames on a thread with a small stack: a call of a contract nests no native frame.
#[test]
fn depth_is_bounded_by_the_rule_and_not_by_the_stack() {
    let (mut net, one, other) = two(true);
    let mut inner = script().store(1, 16).end();
    for depth in (0..16).rev() {
        let to = if depth % 2 == 0 { other } else { one };
        inner = script().call_with(to, 0, u64::MAX, 0, &inner).op(7, &[]).end();
    }
    let wire = net.sign(&alice(), Body::call(net.nonce(&alice()), one, &inner));
    let small = std::thread::Builder::new().stack_size(256 * 1024);
    let run = small.spawn(move || (net.chain.submit(&wire, 0).unwrap(), net)).unwrap();
    let (answer, net) = run.join().unwrap();
    let Answer::Included(record) = answer else { panic!("{answer:?}") };
    // Each returns the status of the one inside it, and what that returned; the innermost of them was refused.
    let data = success(&record);
    assert_eq!(data.len(), 2 * 16);
    assert_eq!(data[30..], [9, 0]);
    assert_eq!((stored(&net, one, 1), stored(&net, other, 1)), (None, None));
}

/// The gas of all frames adds up: what is given and not used comes back, and a call with exactly so much gas as one
/// with plenty used ends the same way.
#[test]
fn gas_is_exact_across_frames() {
    let (mut net, one, other) = two(true);
    let inner = script().store(1, 2).call(one, &script().store(3, 4)).op(7, &[]);
    let failing = script().call_with(other, 0, 2_000_000, 0, &script().op(13, &[]).0);
    for steps in
        [script().call(other, &inner), script().call_with(other, 7, 500_000, 0, &script().revert()), failing]
    {
        let input = steps.end();
        net.call(&alice(), one, &input);
        let used = net.call(&alice(), one, &input).receipt.gas_used;
        for (spare, want) in [(1u64 << 30, Status::Success), (40_000_000, Status::Success)] {
            let body = Body { gas_limit: used + spare, ..Body::call(net.nonce(&alice()), one, &input) };
            let record = net.included(&alice(), body);
            assert_eq!((record.receipt.status, record.receipt.gas_used), (want, used), "{spare}");
        }
        assert_eq!(net.all_balances(), 2 * SUPPLY);
    }
}

/// Out of gas at every point, also within callees and between frames: nothing is lost, and all is undone.
#[test]
fn out_of_gas_anywhere_undoes_everything() {
    let (mut net, one, other) = two(true);
    let code_hash = net.chain.account(&one).unwrap().code_hash;
    let input = script()
        .store(1, 1)
        .call_with(other, 5, u64::MAX, 0, &script().store(2, 2).call(one, &script().store(4, 4)).end())
        .create(&code_hash, 3, &script().store(5, 5).end())
        .end();
    let plenty = Body { gas_limit: 500_000_000, ..Body::call(net.nonce(&alice()), one, &input) };
    let used = net.included(&alice(), plenty).receipt.gas_used;
    let seen = |net: &Net| (net.balance(&one), net.balance(&other), net.chain.account(&one).unwrap().created);
    let mut failed = 0;
    let least = host_gas::intrinsic(zvm_host::envelope::FIXED_LEN + input.len());
    for step in 0..60 {
        let gas_limit = least + (used - least) * step / 60;
        let body = Body { gas_limit, ..Body::call(net.nonce(&alice()), one, &input) };
        let before = seen(&net);
        let record = net.included(&alice(), body);
        if record.receipt.status != Status::Success {
            failed += 1;
            assert_eq!((record.receipt.status, record.receipt.gas_used), (Status::OutOfGas, gas_limit));
            assert_eq!(seen(&net), before, "at {gas_limit} of {used}");
        }
        assert_eq!(net.all_balances(), 2 * SUPPLY);
    }
    assert!(failed > 40, "{failed}");
}

#[test]
fn a_contract_makes_others() {
    let (mut net, one, _) = two(false);
    let code_hash = net.chain.account(&one).unwrap().code_hash;
    let steps = script()
        .create(&code_hash, 10, &script().op(12, &[]).store(1, 2).end())
        .op(7, &[])
        .create(&code_hash, 20, &script().revert())
        .create(&[9; 32], 0, b"")
        .create(&code_hash, 5_000, &script().end());
    let record = net.call(&alice(), one, &steps.end());
    let data = success(&record).to_vec();
    let child = Address(data[1..21].try_into().unwrap());
    assert_eq!(child, zvm_host::envelope::contract_address(&one, 0, &code_hash));
    assert_eq!(data[0], 0);
    assert_eq!(data[21..58], [&[36][..], &one.0, &10u128.to_le_bytes()].concat());
    assert_eq!((data[58], data[79], data[100]), (8, 6, 8), "reverted, not in the state, not covered");
    assert!(data[59..79].iter().all(|byte| *byte == 0), "no address of what failed");
    let account = net.chain.account(&child).unwrap();
    assert_eq!((account.balance, account.admin, account.code_hash, account.nonce), (10, one, code_hash, 0));
    // The one that was reverted counts; those that did not start do not.
    assert_eq!(net.chain.account(&one).unwrap().created, 2);
    assert_eq!((net.balance(&one), stored(&net, child, 1)), (990, Some(2)));
    assert_eq!(net.all_balances(), 2 * SUPPLY);
}

#[test]
fn the_administrator_migrates() {
    let (mut net, one, other) = two(false);
    let new = net.stage(&puppet(true));
    let old = net.chain.account(&one).unwrap().code_hash;
    // By somebody else: status 9. By the administrator: `migrate` of the new code runs, and the storage stays.
    let body = |net: &Net, key: &_| Body::migrate(net.nonce(key), one, &new, &[]);
    let refused = net.included(&bob(), body(&net, &bob()));
    assert_eq!(refused.receipt.status, Status::PolicyDenied);
    assert_eq!(net.chain.account(&one).unwrap().code_hash, old);
    net.call(&alice(), one, &script().store(1, 2).end());
    success(&net.included(&alice(), body(&net, &alice())));
    assert_eq!(net.chain.account(&one).unwrap().code_hash, new);
    assert_eq!((stored(&net, one, 1), stored(&net, one, 0)), (Some(2), Some(0)));
    assert!(net.store.snapshot().unwrap().staged(&new).unwrap().is_none(), "it is in the state");
    // A contract that administers another one: only what is in the state, and not what runs.
    let ops = |to: Address, code: &[u8; 32]| script().op(6, &[&to.0, code]);
    assert_eq!(success(&net.call(&alice(), other, &ops(one, &old).end())), [9], "not its administrator");
    net.call(&alice(), other, &script().end());
    let child =
        success(&net.call(&alice(), other, &script().create(&old, 0, &script().end()).end())).to_vec();
    let child = Address(child[1..21].try_into().unwrap());
    let steps =
        ops(child, &[9; 32]).op(6, &[&child.0, &new]).op(11, &[&child.0, &one.0]).op(11, &[&child.0, &one.0]);
    assert_eq!(success(&net.call(&alice(), other, &steps.end())), [6, 0, 0, 9]);
    let account = net.chain.account(&child).unwrap();
    assert_eq!((account.code_hash, account.admin), (new, one));
}

#[test]
fn a_contract_signs_by_its_check_auth() {
    let (mut net, one, other) = two(false);
    let genesis_hash = net.chain.info().genesis_hash;
    net.included(
        &alice(),
        Body { value: 1_000_000_000, ..Body::call(net.nonce(&alice()), one, &script().end()) },
    );
    let call = |net: &Net, proof: &[u8], input: &[u8]| {
        let nonce = net.chain.account(&one).unwrap().nonce;
        let body =
            Body { gas_limit: 90_000_000, gas_price: 1, valid_until: 100, ..Body::call(nonce, other, input) };
        body.by_contract(one, proof.to_vec())
    };
    let paid_before = net.balance(&one);
    let envelope = call(&net, &[1], &script().store(1, 2).op(12, &[]).end());
    let Answer::Included(record) = net.chain.submit(&envelope.encode(), 0).unwrap() else { panic!() };
    assert_eq!(success(&record)[..20], one.0, "the account is the caller");
    assert_eq!(paid_before - net.balance(&one), u128::from(record.receipt.gas_used));
    assert_eq!((stored(&net, other, 1), stored(&net, one, 200)), (Some(2), Some(1)));
    // At the door a node refuses what the account does not agree to, or is not its call any more.
    for proof in [&[0][..], &[], &[2]] {
        let answer = net.chain.submit(&call(&net, proof, &script().end()).encode(), 0).unwrap();
        assert_eq!(refusal(answer), RefusalCode::Authentication);
    }
    let no_code = Body { gas_limit: 90_000_000, gas_price: 1, valid_until: 100, ..Body::call(0, other, &[]) };
    let answer = net.chain.submit(&no_code.by_contract(address(&bob()), vec![1]).encode(), 0).unwrap();
    assert_eq!(refusal(answer), RefusalCode::Authentication);
    // What `check_auth` wrote stays when the call itself fails.
    let Answer::Included(record) =
        net.chain.submit(&call(&net, &[1], &script().revert()).encode(), 0).unwrap()
    else {
        panic!()
    };
    assert_eq!(record.receipt.status, Status::Reverted);
    assert_eq!(stored(&net, one, 200), Some(2));
    // In a block of somebody else's it is included and paid, and does nothing.
    let envelope = call(&net, &[0], &script().store(5, 5).end());
    let record = in_block(&mut net, &envelope, genesis_hash);
    assert_eq!(record.receipt.status, Status::PolicyDenied);
    assert_eq!((stored(&net, other, 5), net.chain.account(&one).unwrap().nonce), (None, 3));
    assert_eq!(net.all_balances(), 2 * SUPPLY);
}

/// Puts a call into a block without asking at the door.
fn in_block(net: &mut Net, envelope: &Envelope, genesis_hash: [u8; 32]) -> Record {
    use zvm_host::block::{Added, Builder, Env, Ready};
    let reader = net.chain.reader().unwrap();
    let machine = machine(&net.chain);
    let env = Env { timestamp: reader.head().timestamp + 1, sealer: SEALER };
    let mut builder =
        Builder::new(&machine, reader.head(), reader.info().head_hash, reader.view().clone(), env);
    let ready = Ready::new(envelope.clone(), envelope.claimed_signer(), &genesis_hash);
    assert_eq!(builder.add(&ready).unwrap(), Added::Included);
    let tree = rebuilt(net);
    let (built, _) = builder.end().unwrap().seal_with(&tree);
    let calls: Vec<Vec<u8>> = built.calls.iter().map(|call| call.to_vec()).collect();
    net.chain.take_block(&built.header, &calls).unwrap();
    net.chain.receipt(&ready.call_id).unwrap().unwrap()
}

fn machine(chain: &Chain) -> zvm_host::exec::apply::Machine {
    zvm_host::exec::apply::Machine {
        cache: zvm_host::cache::ModuleCache::new(chain.engine().clone(), 1 << 24),
        instances: zvm_host::exec::instance::Instances::new(chain.engine(), 1 << 24).unwrap(),
        natives: zvm_host::natives::Natives::NONE,
        policy: None,
        stop: ghost_wasm::Interrupt::new(),
    }
}

fn rebuilt(net: &Net) -> zvm_host::state::Tree {
    let mut all = Vec::new();
    let mut add = |key: &[u8], value: &[u8]| {
        all.push((key.to_vec(), value.to_vec()));
        Ok(())
    };
    net.store.snapshot().unwrap().values(&mut add).unwrap();
    zvm_host::state::Tree::default().with(all.iter().map(|(key, value)| (&key[..], Some(&value[..]))))
}

/// The example of a native module: keeps the last input, returns what it got, fails when told.
fn note(call: &mut NativeCall<'_>) -> Result<(), NativeEnd> {
    let input = call.input();
    call.charge(1_000)?;
    if input.is_empty() {
        let kept = call.read(b"note")?.unwrap_or_default();
        return Ok(call.return_data(&kept)?);
    }
    call.write(b"note", Some(&input))?;
    call.log(&[[1; 32]], &call.caller().0.clone())?;
    let answer = [&call.caller().0[..], &call.value().to_le_bytes()].concat();
    call.return_data(&answer)?;
    if input.starts_with(b"fail") { Err(NativeEnd::Reverted(3)) } else { Ok(()) }
}

const NOTE: Address = Address([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
static NATIVES: &[Native] = &[Native {
    address: NOTE,
    name: "note",
    entry: note,
    cost: Price { base: 5_000, per_unit: 1, unit_len: 16 },
    since: 1,
}];

#[test]
fn native_modules_are_called_like_contracts() {
    let store: Arc<dyn StateBackend> = Arc::new(MemoryBackend::new());
    let config = ChainConfig { natives: NATIVES, ..ChainConfig::default() };
    let chain = Chain::open(store.clone(), &genesis(), config).unwrap();
    assert_ne!(chain.info().profile_hash, Net::new().chain.info().profile_hash, "they are part of the rules");
    let mut net = Net { chain, store };
    let record = net.included(&alice(), Body { value: 7, ..Body::call(0, NOTE, b"hello") });
    assert_eq!(success(&record), [&address(&alice()).0[..], &7u128.to_le_bytes()].concat());
    assert_eq!((record.logs.len(), net.balance(&NOTE)), (1, 7));
    assert_eq!(net.query(NOTE, b"").return_data, b"hello");
    assert_eq!(net.query(NOTE, b"x").status, Status::PolicyDenied);
    // Its failure undoes what it did, as a contract's.
    let record = net.included(&alice(), Body { value: 7, ..Body::call(1, NOTE, b"fail") });
    assert_eq!((record.receipt.status, record.receipt.revert_code), (Status::Reverted, 3));
    assert_eq!((net.balance(&NOTE), net.query(NOTE, b"").return_data.as_slice()), (7, &b"hello"[..]));
    // From a contract, also statically.
    let one = net.deployed(&puppet(false), &script().end());
    let steps = script()
        .call_with(NOTE, 0, u64::MAX, 0, b"again")
        .op(7, &[])
        .call_with(NOTE, 0, u64::MAX, 1, b"never")
        .call_with(NOTE, 0, u64::MAX, 1, b"")
        .op(7, &[]);
    let record = net.call(&alice(), one, &steps.end());
    let want = [&[0, 36][..], &one.0, &[0; 16], &[9, 0, 5], b"again"].concat();
    assert_eq!(success(&record), want);
    assert_eq!(net.all_balances(), 2 * SUPPLY);
}

/// A policy that lets nobody store under key 66, and lets bob do nothing.
#[derive(Debug)]
struct NoSixtySix;

impl zvm_host::exec::policy::Policy for NoSixtySix {
    fn id(&self) -> &str {
        "no 66, v1"
    }
    fn admit(
        &self,
        _: &mut zvm_host::exec::policy::PolicyView<'_>,
        call: &zvm_host::exec::policy::Proposed<'_>,
    ) -> Result<zvm_host::exec::policy::Verdict, zvm_host::exec::host::HostEnd> {
        use zvm_host::exec::policy::Verdict;
        Ok(if call.signer == address(&bob()) { Verdict::Refuse(5) } else { Verdict::Allow })
    }
    fn judge(
        &self,
        state: &mut zvm_host::exec::policy::PolicyView<'_>,
        _: &zvm_host::exec::policy::Proposed<'_>,
        effects: &zvm_host::exec::policy::Effects,
    ) -> Result<zvm_host::exec::policy::Verdict, zvm_host::exec::host::HostEnd> {
        use zvm_host::exec::policy::Verdict;
        state.charge(effects.writes.len() as u64 * 100)?;
        let is_bad = effects.writes.iter().any(|(key, _)| key.len() == 22 && key[21] == 66);
        Ok(if is_bad { Verdict::Refuse(66) } else { Verdict::Allow })
    }
}

#[test]
fn a_policy_judges_what_a_call_does() {
    let store: Arc<dyn StateBackend> = Arc::new(MemoryBackend::new());
    let config = ChainConfig { policy: Some(Arc::new(NoSixtySix)), ..ChainConfig::default() };
    let chain = Chain::open(store.clone(), &genesis(), config).unwrap();
    assert_ne!(chain.info().profile_hash, Net::new().chain.info().profile_hash);
    let mut net = Net { chain, store };
    let one = net.deployed(&puppet(false), &script().end());
    success(&net.call(&alice(), one, &script().store(1, 1).end()));
    let record = net.call(&alice(), one, &script().store(65, 1).store(66, 1).op(8, &[&[1]]).end());
    assert_eq!(
        (record.receipt.status, record.return_data.as_slice()),
        (Status::PolicyDenied, &66u32.to_le_bytes()[..])
    );
    assert_eq!((stored(&net, one, 65), stored(&net, one, 66), record.logs.len()), (None, None, 0));
    // What was undone within the call is not judged.
    let other = net.deployed(&puppet(false), &script().end());
    success(&net.call(
        &alice(),
        one,
        &script().call_with(other, 0, u64::MAX, 0, &script().store(66, 1).revert()).end(),
    ));
    let record = net.call(&bob(), one, &script().end());
    assert_eq!(
        (record.receipt.status, record.return_data.as_slice()),
        (Status::PolicyDenied, &5u32.to_le_bytes()[..])
    );
    assert_eq!((net.nonce(&bob()), net.all_balances()), (1, 2 * SUPPLY));
}

/// A call may be the first to touch 4,096 keys; one more is its trap, paid by it, and never a fault of the node.
#[test]
fn the_limit_of_keys_is_a_trap() {
    let imports = r#"(import "env" "storage_has" (func $has (param i32 i32) (result i32)))
        (import "env" "input_read" (func $input (param i32 i32) (result i32)))"#;
    let invoke = "(local $n i32) (drop (call $input (i32.const 8) (i32.const 4)))
        (loop $next (i32.store (i32.const 0) (local.get $n)) (drop (call $has (i32.const 0) (i32.const 4)))
            (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.load (i32.const 8)))))
        (i32.const 0)";
    let mut net = Net::new();
    let at = net.deployed(&contract(imports, "(i32.const 0)", invoke, "(i32.const 0)"), &[]);
    // Besides: the signer, the contract, the leaf of its code.
    for (count, status) in
        [(4_093u32, Status::Success), (4_094, Status::RuntimeError), (5_000, Status::RuntimeError)]
    {
        let record = net.call(&bob(), at, &count.to_le_bytes());
        assert_eq!(record.receipt.status, status, "{count}: {:?}", record.diagnostics);
        assert_eq!(record.receipt.trap_code, if status == Status::Success { 0 } else { 130 });
    }
    assert_eq!(net.all_balances(), 2 * SUPPLY);
}

#[test]
fn iteration_is_for_queries_and_goes_in_order() {
    let imports = r#"
        (import "env" "storage_iter" (func $iter (param i32 i32) (result i32)))
        (import "env" "storage_next" (func $next (param i32 i32 i32 i32 i32) (result i64)))
        (import "env" "storage_write" (func $write (param i32 i32 i32 i32)))
        (import "env" "return_data" (func $return (param i32 i32)))
        (data (i32.const 0) "abaababbb")
        (func $fill
            (call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 3))
            (call $write (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 2))
            (call $write (i32.const 2) (i32.const 2) (i32.const 0) (i32.const 1))
            (call $write (i32.const 6) (i32.const 1) (i32.const 0) (i32.const 0))
            (call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4)))"#;
    let step = "(i64.store (local.get $at) (call $next (local.get $h) (i32.add (local.get $at) (i32.const 8)) (i32.const 4)
        (i32.add (local.get $at) (i32.const 12)) (i32.const 4))) (local.set $at (i32.add (local.get $at) (i32.const 16)))";
    let query = format!(
        "(local $h i32) (local $at i32) (local.set $at (i32.const 100)) (local.set $h (call $iter (i32.const 0) (i32.const 1)))
         {step} {step} {step} {step} {step} (call $return (i32.const 100) (i32.const 80)) (i32.const 0)"
    );
    let mut net = Net::new();
    let at = net.deployed(
        &contract(
            imports,
            "(call $fill) (i32.const 0)",
            "(drop (call $iter (i32.const 0) (i32.const 0))) (i32.const 0)",
            &query,
        ),
        &[],
    );
    let answer = net.query(at, &[]);
    assert_eq!(answer.status, Status::Success, "{:?}", answer.diagnostics);
    let entry = |key: &[u8], value: &[u8]| {
        let mut entry = ((key.len() as u64) << 32 | value.len() as u64).to_le_bytes().to_vec();
        entry.extend_from_slice(key);
        entry.resize(12, 0);
        entry.extend_from_slice(value);
        entry.resize(16, 0);
        entry
    };
    let end = [&u64::MAX.to_le_bytes()[..], &[0; 8]].concat();
    let want = [entry(b"a", b"aba"), entry(b"aa", b"a"), entry(b"ab", b"ab"), end.clone(), end].concat();
    assert_eq!(answer.return_data, want, "b and the empty key have not the prefix");
    assert_eq!(net.call(&alice(), at, &[]).receipt.status, Status::PolicyDenied);
}
