use super::*;
use crate::types::{hex, unhex};

const GENESIS: Hash = [7; 32];

fn sample() -> Envelope {
    let key = key::from_passphrase(b"ghost");
    let mut body = Body::call(3, Address([0x22; 20]), b"\xaa\xbb\xcc");
    (body.valid_until, body.gas_limit, body.gas_price, body.value) = (100, 1_000_000, 2, 5);
    body.sign(&key, &GENESIS)
}

/// The layout, byte by byte; the signature is Ed25519's own and deterministic.
#[test]
fn golden_call() {
    let envelope = sample();
    let body = concat!(
        "0300000000000000",
        "6400000000000000",
        "40420f0000000000",
        "0200000000000000",
        "02",
        "2222222222222222222222222222222222222222",
        "05000000000000000000000000000000",
        "03000000",
        "aabbcc",
    );
    let key = "5eca5a32724cf1baf9dcb6611d39769c2bd7963aec39eec7bcedbfca6ba4272a";
    let wire = hex(&envelope.encode());
    assert_eq!(wire.get(..wire.len() - 128).unwrap(), format!("0100{body}{key}"));
    let signed = format!("{}{}0100{key}{body}", hex(b"zvm-call-v1"), "07".repeat(32));
    assert_eq!(hex(&envelope.signed_bytes(&GENESIS)), signed);
    assert_eq!(envelope.call_id(&GENESIS), crypto::sha256(&unhex(&signed).unwrap()));
    assert_eq!(hex(&envelope.call_id(&GENESIS)), GOLDEN_CALL_ID);
    let Auth::Key { signature, .. } = envelope.auth else { panic!("a key signs") };
    assert_eq!(hex(&signature), GOLDEN_SIGNATURE);
    assert_eq!(envelope.wire_len(), envelope.encode().len());
}

const GOLDEN_CALL_ID: &str = "709648829bd4a7b6599f5213d85a0765f2cbb98d47102781200b0a99e81959a2";
const GOLDEN_SIGNATURE: &str = "414041e03240eaaadc04cc55a3eea7d06241ee6a18978f3bfcbf3741211e33cdf0a592f5fb32a5eda911ae862d87c7d1b40e567a61b16bb7c08305f74e1cb80e";

#[test]
fn golden_contract_address() {
    let address = contract_address(&Address([1; 20]), 2, &[3; 32]);
    let preimage = [&b"zvm-contract-v1"[..], &[1; 20], &2u64.to_le_bytes(), &[3; 32]].concat();
    assert_eq!(address.0, crypto::keccak256(&preimage)[..20]);
    assert_eq!(address.to_string(), "0x27fe0b8bddd72a81bde80231fab2b4f80b2dd405");
}

#[test]
fn what_is_written_is_read_back() {
    let envelope = sample();
    assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope.clone()));
    let signer = envelope.authenticate(&GENESIS).unwrap();
    assert_eq!(signer.to_string(), "0x9c949ba1bc36b62185b5a3cf399b20a1bcad6cc9");
}

#[test]
fn a_signature_is_for_one_chain_and_one_body() {
    let envelope = sample();
    assert!(envelope.authenticate(&[8; 32]).is_err());
    let wire = envelope.encode();
    for index in 2..wire.len() {
        let mut other = wire.clone();
        other[index] ^= 1;
        let accepted = Envelope::decode(&other).and_then(|envelope| envelope.authenticate(&GENESIS));
        assert!(accepted.is_err(), "byte {index}");
    }
}

#[test]
fn strict_decoding() {
    let wire = sample().encode();
    let with = |index: usize, byte: u8| {
        let mut other = wire.clone();
        other[index] = byte;
        Envelope::decode(&other).unwrap_err()
    };
    assert_eq!(with(0, 0), EnvelopeError::Version(0));
    assert_eq!(with(0, 2), EnvelopeError::Version(2));
    assert_eq!(with(1, 2), EnvelopeError::Scheme(2));
    for kind in [0, 4, 5, 255] {
        assert_eq!(with(34, kind), EnvelopeError::Kind(kind));
    }
    assert_eq!(with(34, 1), EnvelopeError::BadDeploy);
    assert_eq!(with(34, 3), EnvelopeError::BadMigration);
    // The top byte of the gas limit.
    assert_eq!(with(25, 0x41), EnvelopeError::GasLimit);
    // The length of the payload: one more, one less, four billion.
    assert_eq!(with(71, 4), EnvelopeError::Malformed(CodecError::UnexpectedEnd));
    assert_eq!(with(71, 2), EnvelopeError::Malformed(CodecError::TrailingBytes));
    assert_eq!(with(74, 0xff), EnvelopeError::Malformed(CodecError::TooLong("payload")));
    for len in 0..wire.len() {
        assert!(matches!(Envelope::decode(&wire[..len]), Err(EnvelopeError::Malformed(_))), "cut at {len}");
    }
    let longer = [&wire[..], &[0]].concat();
    assert_eq!(Envelope::decode(&longer), Err(EnvelopeError::Malformed(CodecError::TrailingBytes)));
}

#[test]
fn limits_are_inclusive() {
    let key = SigningKey::from_seed(&[1; 32]);
    let mut body = Body::call(0, Address([1; 20]), &vec![0; PAYLOAD_LEN_MAX]);
    body.gas_limit = GAS_LIMIT_MAX;
    let wire = body.clone().sign(&key, &GENESIS).encode();
    assert_eq!(wire.len(), FIXED_LEN + PAYLOAD_LEN_MAX);
    assert!(Envelope::decode(&wire).is_ok());
    let by_contract = |proof_len| body.clone().by_contract(Address([2; 20]), vec![0; proof_len]).encode();
    let wire = by_contract(PROOF_LEN_MAX);
    assert_eq!(wire.len(), WIRE_LEN_MAX);
    assert!(Envelope::decode(&wire).is_ok());
    let too_long = |field| Err(EnvelopeError::Malformed(CodecError::TooLong(field)));
    assert_eq!(Envelope::decode(&by_contract(PROOF_LEN_MAX + 1)), too_long("envelope"));
    body.payload.clear();
    let proof = body.clone().by_contract(Address([2; 20]), vec![0; PROOF_LEN_MAX + 1]).encode();
    assert_eq!(Envelope::decode(&proof), too_long("proof"));
    body.payload = vec![0; PAYLOAD_LEN_MAX + 1];
    assert_eq!(Envelope::decode(&body.sign(&key, &GENESIS).encode()), too_long("payload"));
}

#[test]
fn a_deploy_begins_with_its_code_hash() {
    let key = SigningKey::from_seed(&[1; 32]);
    let envelope = Body::deploy(0, &[9; 32], b"input").sign(&key, &GENESIS);
    let read = Envelope::decode(&envelope.encode()).unwrap();
    assert_eq!(read.body.code_parts(), Some(([9; 32], &b"input"[..])));
    let mut short = Body::deploy(0, &[9; 32], b"");
    short.payload.pop();
    assert_eq!(Envelope::decode(&short.sign(&key, &GENESIS).encode()), Err(EnvelopeError::BadDeploy));
}

/// The layout of a call by an account that is a contract.
#[test]
fn golden_call_by_contract() {
    let envelope = Body { payload: vec![0xaa], ..Body::call(1, Address([2; 20]), &[]) };
    let envelope = envelope.by_contract(Address([3; 20]), vec![4, 5]);
    let body = hex(&envelope.body.bytes());
    let account = "03".repeat(20);
    assert_eq!(hex(&envelope.encode()), format!("0101{body}{account}02000405"));
    let signed = format!("{}{}0101{account}{body}", hex(b"zvm-call-v1"), "07".repeat(32));
    assert_eq!(hex(&envelope.signed_bytes(&GENESIS)), signed);
    assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope.clone()));
    assert_eq!(envelope.authenticate(&GENESIS), Ok(Address([3; 20])));
    assert_eq!((envelope.key(), envelope.proof()), (None, &[4, 5][..]));
    for len in 0..envelope.wire_len() {
        assert!(Envelope::decode(&envelope.encode()[..len]).is_err(), "cut at {len}");
    }
    let nobody = Body::call(1, Address([2; 20]), &[]).by_contract(Address::ZERO, vec![]);
    assert_eq!(nobody.authenticate(&GENESIS), Err(EnvelopeError::ZeroSigner));
}

proptest::proptest! {
    /// No bytes panic, and nothing is accepted that is not written back the same.
    #[test]
    fn fuzz_one_encoding_per_call(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        if let Ok(envelope) = Envelope::decode(&bytes) {
            proptest::prop_assert_eq!(envelope.encode(), bytes);
        }
    }

    #[test]
    fn prop_any_body_round_trips(
        nonce: u64, valid_until: u64, gas_limit in 0..=GAS_LIMIT_MAX, gas_price: u64, target: [u8; 20],
        value: u128, payload in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100),
    ) {
        let body = Body {
            nonce, valid_until, gas_limit, gas_price, kind: Kind::Call, target: Address(target), value, payload,
        };
        let envelope = body.sign(&SigningKey::from_seed(&[1; 32]), &GENESIS);
        proptest::prop_assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope));
    }
}
