//! The rules that a call's outcome or its place in a block depends on, and their hash, which is in each header:
//! two builds with different rules cannot take each other's blocks. Owns no rule; gathers those of the tables.

use ghost_wasm::Engine;

use crate::block;
use crate::codec::Writer;
use crate::contract::{self, ContractRule};
use crate::crypto::{self, ed25519, secp256k1};
use crate::envelope::{self, Kind, PAYLOAD_LEN_MAX, PROOF_LEN_MAX, VALID_BLOCKS_MAX};
use crate::exec::DEPTH_MAX;
use crate::exec::auth::CHECK_AUTH_GAS_MAX;
use crate::exec::functions::output::{DEBUG_LEN_MAX, DEBUG_TEXT_LEN_MAX};
use crate::exec::functions::storage::ITERATORS_MAX;
use crate::exec::host::HostTrap;
use crate::exec::policy::{POLICY_GAS_MAX, Policy};
use crate::exec::transaction::{CREATIONS_MAX, JOURNAL_LEN_MAX};
use crate::hot;
use crate::natives::Natives;
use crate::receipt::{
    self, LOG_DATA_LEN_MAX, LOG_DATA_TOTAL_MAX, LOG_ENTRIES_MAX, RETURN_DATA_LEN_MAX, Status, TOPICS_MAX,
};
use crate::state::{FIRST_READS_LEN_MAX, FIRST_READS_MAX, UNDO_LEN_MAX, USER_KEY_LEN_MAX, VALUE_LEN_MAX};
use crate::table::host_fns::{HOST_FNS, Legal, Place, canonical_row};
use crate::table::host_gas::{CONSTANTS, PRICES};
use crate::types::Hash;

/// One rule: its name, and the bytes that stand for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The table it is from, and its name there.
    pub name: String,
    /// Its canonical bytes; numbers are u64.
    pub bytes: Vec<u8>,
}

/// Limits and numbers of the host that stand in no table of their own.
const NUMBERS: &[(&str, u64)] = &[
    ("payload_len", PAYLOAD_LEN_MAX as u64),
    ("valid_blocks", VALID_BLOCKS_MAX),
    ("call_gas", envelope::GAS_LIMIT_MAX),
    ("return_data_len", RETURN_DATA_LEN_MAX as u64),
    ("log_data_len", LOG_DATA_LEN_MAX as u64),
    ("log_data_total", LOG_DATA_TOTAL_MAX as u64),
    ("log_entries", LOG_ENTRIES_MAX as u64),
    ("topics", TOPICS_MAX as u64),
    ("debug_text_len", DEBUG_TEXT_LEN_MAX as u64),
    ("debug_len", DEBUG_LEN_MAX as u64),
    ("user_key_len", USER_KEY_LEN_MAX as u64),
    ("value_len", VALUE_LEN_MAX as u64),
    ("journal_len", JOURNAL_LEN_MAX),
    ("undo_len", UNDO_LEN_MAX as u64),
    ("first_reads", FIRST_READS_MAX as u64),
    ("first_reads_len", FIRST_READS_LEN_MAX as u64),
    ("creations", CREATIONS_MAX),
    ("depth", DEPTH_MAX as u64),
    ("iterators", ITERATORS_MAX as u64),
    ("check_auth_gas", CHECK_AUTH_GAS_MAX),
    ("policy_gas", POLICY_GAS_MAX),
    ("block_calls", block::CALLS_MAX as u64),
    ("block_calls_len", block::CALLS_LEN_MAX as u64),
    ("hot_promotion_blocks", hot::PROMOTION_BLOCKS as u64),
    ("hot_move_distance", hot::MOVE_DISTANCE),
    ("hot_evictions", hot::EVICTIONS_MAX as u64),
    ("hot_weight_base", contract::WEIGHT_BASE),
    ("hot_weight_byte", contract::WEIGHT_BYTE),
    ("hot_weight_item", contract::WEIGHT_ITEM),
    ("hot_weight_work", contract::WEIGHT_WORK),
    ("envelope_version", envelope::VERSION as u64),
    ("proof_len", PROOF_LEN_MAX as u64),
    ("scheme_ed25519", envelope::SCHEME_ED25519 as u64),
    ("scheme_contract", envelope::SCHEME_CONTRACT as u64),
    ("kind_deploy", Kind::Deploy as u64),
    ("kind_call", Kind::Call as u64),
    ("kind_migrate", Kind::Migrate as u64),
    ("receipt_version", receipt::VERSION as u64),
    ("ed25519_rule", ed25519::RULE as u64),
    ("secp256k1_rule", secp256k1::RULE as u64),
];

/// All rules of a chain whose blocks have this gas limit, with its own modules and policy.
pub fn rules(
    engine: &Engine,
    block_gas_limit: u64,
    natives: Natives,
    policy: Option<&dyn Policy>,
) -> Vec<Rule> {
    let number = |name: String, number: u64| Rule { name, bytes: number.to_le_bytes().into() };
    let mut rules = vec![
        Rule { name: "engine profile".into(), bytes: engine.profile().canonical_bytes() },
        number("block gas limit".into(), block_gas_limit),
    ];
    rules.extend(HOST_FNS.iter().map(|row| {
        let name = format!("host function {}", row.name);
        Rule { name, bytes: canonical_row(row) }
    }));
    rules.extend(PRICES.iter().map(|(name, price)| {
        let mut bytes = Writer::default();
        bytes.u64(price.base).u64(price.per_unit).u64(price.unit_len);
        Rule { name: format!("price {name}"), bytes: bytes.finish() }
    }));
    rules.extend(CONSTANTS.iter().map(|(name, value)| number(format!("constant {name}"), *value)));
    rules.extend(NUMBERS.iter().map(|(name, value)| number(format!("number {name}"), *value)));
    rules
        .extend(Status::ALL.iter().map(|status| number(format!("status {}", status.name()), *status as u64)));
    rules.extend(HostTrap::ALL.iter().map(|trap| number(format!("trap {trap:?}"), *trap as u64)));
    for (segment, (count, weight)) in ["probation", "protected"].iter().zip(hot::BOUNDS) {
        rules.push(number(format!("hot set {segment} count"), u64::from(count)));
        rules.push(number(format!("hot set {segment} weight"), weight));
    }
    rules.extend(Legal::ALL.iter().flat_map(|legal| {
        Place::ALL.iter().map(move |place| {
            let name = format!("legal {legal:?} {place:?}");
            Rule { name, bytes: vec![legal.allows(*place).into(), legal.in_start().into()] }
        })
    }));
    rules.extend(natives.rows().iter().map(|row| {
        let mut bytes = Writer::default();
        bytes.bytes(&row.address.0).u32(row.since);
        bytes.u64(row.cost.base).u64(row.cost.per_unit).u64(row.cost.unit_len);
        Rule { name: format!("native module {}", row.name), bytes: bytes.finish() }
    }));
    rules.extend(policy.map(|policy| Rule { name: "policy".into(), bytes: policy.id().into() }));
    rules.extend(ContractRule::ALL.iter().map(|rule| number(format!("module rule {rule:?}"), *rule as u64)));
    rules
}

/// The hash of rules: SHA-256("zvm-profile-v2" ‖ (sized(name) ‖ sized(bytes))*), sized = u32 length + bytes.
pub fn hash(rules: &[Rule]) -> Hash {
    let mut out = Writer::default();
    out.bytes(b"zvm-profile-v2");
    for rule in rules {
        out.sized(rule.name.as_bytes()).sized(&rule.bytes);
    }
    crypto::sha256(&out.finish())
}

/// The hash of all rules of such a chain.
pub fn profile_hash(
    engine: &Engine,
    block_gas_limit: u64,
    natives: Natives,
    policy: Option<&dyn Policy>,
) -> Hash {
    hash(&rules(engine, block_gas_limit, natives, policy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::hex;

    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/rules.txt");
    const GAS_LIMIT: u64 = 10_000_000_000;

    fn all() -> Vec<Rule> {
        rules(&contract::engine(), GAS_LIMIT, Natives::NONE, None)
    }

    /// Two builds with this list take each other's blocks; a changed line is a change of consensus and of CHANGELOG.
    #[test]
    fn golden_rules() {
        let mut list = format!("{}\n", hex(&hash(&all())));
        for rule in all() {
            // The engine's profile has a page of its own; its hash is enough here.
            let bytes = if rule.bytes.len() > 100 { &crypto::sha256(&rule.bytes)[..] } else { &rule.bytes };
            list += &format!("{} {}\n", rule.name, hex(bytes));
        }
        if std::env::var_os("ZVM_BLESS").is_some() {
            std::fs::write(GOLDEN, &list).unwrap();
        }
        let found = std::fs::read_to_string(GOLDEN).unwrap_or_default();
        assert!(list == found, "{GOLDEN} differs: if the rules shall change, run this test with ZVM_BLESS=1");
    }

    #[test]
    fn every_rule_is_in_the_hash() {
        let rules = all();
        let whole = hash(&rules);
        for at in 0..rules.len() {
            let mut without = rules.clone();
            without.remove(at);
            assert_ne!(hash(&without), whole, "{}", rules[at].name);
            for byte in 0..rules[at].bytes.len() {
                let mut changed = rules.clone();
                changed[at].bytes[byte] ^= 1;
                assert_ne!(hash(&changed), whole, "{} byte {byte}", rules[at].name);
            }
        }
        assert_ne!(profile_hash(&contract::engine(), GAS_LIMIT - 1, Natives::NONE, None), whole);
        let mut names: Vec<_> = rules.iter().map(|rule| &rule.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), rules.len(), "each has a name of its own");
    }

    /// Each part of a host function's row shows in its bytes, its roles among them.
    #[test]
    fn every_part_of_a_row_counts() {
        use crate::table::host_fns::{HOST_FNS, Legal, Role};
        let row = HOST_FNS.iter().find(|row| row.name == "ed25519_verify").copied().unwrap();
        let bytes = canonical_row(&row);
        let mut changed = [row; 8];
        changed[0].name = "other";
        changed[1].params = &row.params[1..];
        changed[2].result = None;
        changed[3].price.base += 1;
        changed[4].price.per_unit += 1;
        changed[5].price.unit_len += 1;
        changed[6].legal = Legal::Changing;
        changed[7].since += 1;
        for (at, changed) in changed.iter().enumerate() {
            assert_ne!(canonical_row(changed), bytes, "{at}");
        }
        let roles = [
            Role::Ptr,
            Role::Len,
            Role::In(32),
            Role::In(20),
            Role::Out(32),
            Role::Topics,
            Role::Count,
            Role::I32,
        ];
        let with = |role: Role| {
            let mut row = row;
            row.params = Box::leak(Box::new([("x", role)]));
            canonical_row(&row)
        };
        for (at, a) in roles.iter().enumerate() {
            for b in &roles[..at] {
                assert_ne!(with(*a), with(*b), "{a:?} {b:?}");
            }
        }
    }
}
