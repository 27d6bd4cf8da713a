//! The signed call: its exact bytes, how it is signed, what refuses it before any state is looked at.
//! Nonces, balances and heights are the chain's business.

use std::fmt;

use crate::codec::{CodecError, Reader, Writer};
use crate::crypto::{self, SigningKey, VerifyError};
use crate::key;
use crate::types::{Address, Hash};

/// The version of the layout.
pub const VERSION: u8 = 1;
/// A single Ed25519 key signs.
pub const SCHEME_ED25519: u8 = 0;
/// An account that is a contract judges the call by its `check_auth`.
pub const SCHEME_CONTRACT: u8 = 1;
/// Bytes at most that such an account is shown.
pub const PROOF_LEN_MAX: usize = 1_024;
/// Bytes of a payload at most.
pub const PAYLOAD_LEN_MAX: usize = 128 * 1024;
/// Gas of a call at most, whatever the block allows.
pub const GAS_LIMIT_MAX: u64 = 1 << 62;
/// How many blocks ahead `valid_until` may lie.
pub const VALID_BLOCKS_MAX: u64 = 65_536;
/// Bytes of an envelope signed by a key, without its payload: version, scheme, body, key, signature.
pub const FIXED_LEN: usize = 2 + BODY_FIXED_LEN + 96;
/// Bytes of an envelope at most.
pub const WIRE_LEN_MAX: usize = 2 + BODY_FIXED_LEN + 22 + PROOF_LEN_MAX + PAYLOAD_LEN_MAX;

const BODY_FIXED_LEN: usize = 4 * 8 + 1 + 20 + 16 + 4;
const DOMAIN: &[u8] = b"zvm-call-v1";

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A new contract: target zero, payload = code hash, then the input of `init`.
    Deploy = 1,
    /// A call of `invoke`, or a transfer to an address without code.
    Call = 2,
    /// Other code for a contract: payload = code hash, then the input of `migrate`.
    Migrate = 3,
}

/// What is signed about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The signer's count of calls so far.
    pub nonce: u64,
    /// The last height of a block that may include the call.
    pub valid_until: u64,
    /// Gas the signer pays for at most.
    pub gas_limit: u64,
    /// Base units per gas.
    pub gas_price: u64,
    /// Deploy, call or migrate.
    pub kind: Kind,
    /// The called address; zero in a deploy.
    pub target: Address,
    /// Base units that go along.
    pub value: u128,
    /// Code hash and init input, or the call's input.
    pub payload: Vec<u8>,
}

/// Why bytes are not a signed call. Each has a number that answers carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeError {
    /// Cut, too long, trailing bytes.
    Malformed(CodecError),
    /// Not version 1.
    Version(u8),
    /// No scheme has this number.
    Scheme(u8),
    /// No kind has this number.
    Kind(u8),
    /// A deploy with a target, or a payload shorter than a code hash.
    BadDeploy,
    /// A migration with a payload shorter than a code hash.
    BadMigration,
    /// A gas limit above 2^62.
    GasLimit,
    /// The signature does not count.
    Signature(VerifyError),
    /// The signer's address is zero.
    ZeroSigner,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvelopeError::Malformed(error) => write!(f, "malformed signed call: {error}"),
            EnvelopeError::Version(found) => write!(f, "signed call of unknown version {found}"),
            EnvelopeError::Scheme(found) => write!(f, "signed call of unknown scheme {found}"),
            EnvelopeError::Kind(found) => write!(f, "signed call of unknown kind {found}"),
            EnvelopeError::BadDeploy => {
                f.write_str("a deploy has target zero and a payload that begins with a code hash")
            }
            EnvelopeError::BadMigration => f.write_str("the payload of a migration begins with a code hash"),
            EnvelopeError::GasLimit => f.write_str("gas limit above 2^62"),
            EnvelopeError::Signature(error) => write!(f, "authentication failed: {error}"),
            EnvelopeError::ZeroSigner => f.write_str("authentication failed: the zero address cannot sign"),
        }
    }
}

impl std::error::Error for EnvelopeError {}

impl From<CodecError> for EnvelopeError {
    fn from(error: CodecError) -> EnvelopeError {
        EnvelopeError::Malformed(error)
    }
}

impl Body {
    /// A deploy of the module with this hash.
    pub fn deploy(nonce: u64, code_hash: &Hash, init_input: &[u8]) -> Body {
        Body {
            nonce,
            valid_until: 0,
            gas_limit: 0,
            gas_price: 0,
            kind: Kind::Deploy,
            target: Address::ZERO,
            value: 0,
            payload: [code_hash, init_input].concat(),
        }
    }

    /// A call of `target`.
    pub fn call(nonce: u64, target: Address, input: &[u8]) -> Body {
        Body {
            nonce,
            valid_until: 0,
            gas_limit: 0,
            gas_price: 0,
            kind: Kind::Call,
            target,
            value: 0,
            payload: input.to_vec(),
        }
    }

    /// Other code for `target`.
    pub fn migrate(nonce: u64, target: Address, code_hash: &Hash, input: &[u8]) -> Body {
        Body { kind: Kind::Migrate, target, ..Body::deploy(nonce, code_hash, input) }
    }

    /// The bytes of the body.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(BODY_FIXED_LEN.saturating_add(self.payload.len()));
        out.u64(self.nonce).u64(self.valid_until).u64(self.gas_limit).u64(self.gas_price);
        out.u8(self.kind as u8).bytes(&self.target.0).u128(self.value).sized(&self.payload);
        out.finish()
    }

    /// Signs for the chain with this genesis.
    pub fn sign(self, key: &SigningKey, genesis_hash: &Hash) -> Envelope {
        let auth = Auth::Key { key: key.public(), signature: [0; 64] };
        let mut envelope = Envelope { body: self, auth };
        let signature = key.sign(&envelope.signed_bytes(genesis_hash));
        envelope.auth = Auth::Key { key: key.public(), signature };
        envelope
    }

    /// For an account that is a contract, which is shown `proof`.
    pub fn by_contract(self, account: Address, proof: Vec<u8>) -> Envelope {
        Envelope { body: self, auth: Auth::Contract { account, proof } }
    }

    /// The code hash and the input of a deploy or a migration.
    pub fn code_parts(&self) -> Option<(Hash, &[u8])> {
        match self.kind {
            Kind::Deploy | Kind::Migrate => {
                self.payload.split_first_chunk::<32>().map(|(hash, input)| (*hash, input))
            }
            Kind::Call => None,
        }
    }
}

/// Who shall have signed, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// A key.
    Key {
        /// The signer's Ed25519 key.
        key: [u8; 32],
        /// The signature.
        signature: [u8; 64],
    },
    /// An account that is a contract.
    Contract {
        /// The account.
        account: Address,
        /// What its `check_auth` is shown.
        proof: Vec<u8>,
    },
}

/// A call with its signature, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What is signed.
    pub body: Body,
    /// Who signed.
    pub auth: Auth,
}

impl Envelope {
    /// Reads the wire form. Whatever it accepts, [`Envelope::encode`] writes back the same.
    pub fn decode(wire: &[u8]) -> Result<Envelope, EnvelopeError> {
        if wire.len() > WIRE_LEN_MAX {
            return Err(CodecError::TooLong("envelope").into());
        }
        let mut reader = Reader::new(wire);
        match reader.u8()? {
            VERSION => {}
            other => return Err(EnvelopeError::Version(other)),
        }
        let scheme = match reader.u8()? {
            scheme @ (SCHEME_ED25519 | SCHEME_CONTRACT) => scheme,
            other => return Err(EnvelopeError::Scheme(other)),
        };
        let (nonce, valid_until, gas_limit, gas_price) =
            (reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?);
        let kind = match reader.u8()? {
            1 => Kind::Deploy,
            2 => Kind::Call,
            3 => Kind::Migrate,
            other => return Err(EnvelopeError::Kind(other)),
        };
        let target = Address(reader.array()?);
        let value = reader.u128()?;
        let payload = reader.sized(PAYLOAD_LEN_MAX, "payload")?;
        let auth = if scheme == SCHEME_ED25519 {
            Auth::Key { key: reader.array()?, signature: reader.array()? }
        } else {
            let account = Address(reader.array()?);
            let len = usize::from(u16::from_le_bytes(reader.array()?));
            if len > PROOF_LEN_MAX {
                return Err(CodecError::TooLong("proof").into());
            }
            Auth::Contract { account, proof: reader.bytes(len)?.to_vec() }
        };
        reader.end()?;
        if gas_limit > GAS_LIMIT_MAX {
            return Err(EnvelopeError::GasLimit);
        }
        if kind == Kind::Deploy && (!target.is_zero() || payload.len() < 32) {
            return Err(EnvelopeError::BadDeploy);
        }
        if kind == Kind::Migrate && payload.len() < 32 {
            return Err(EnvelopeError::BadMigration);
        }
        let body =
            Body { nonce, valid_until, gas_limit, gas_price, kind, target, value, payload: payload.to_vec() };
        Ok(Envelope { body, auth })
    }

    /// The wire form.
    pub fn encode(&self) -> Vec<u8> {
        let body = self.body.bytes();
        let mut out = Writer::with_capacity(self.wire_len());
        out.u8(VERSION).u8(self.scheme()).bytes(&body);
        match &self.auth {
            Auth::Key { key, signature } => out.bytes(key).bytes(signature),
            Auth::Contract { account, proof } => {
                // Not longer than `PROOF_LEN_MAX` if it can be decoded again.
                let len = u16::try_from(proof.len()).unwrap_or(u16::MAX);
                out.bytes(&account.0).bytes(&len.to_le_bytes()).bytes(proof)
            }
        };
        out.finish()
    }

    /// The number of the scheme.
    pub fn scheme(&self) -> u8 {
        match self.auth {
            Auth::Key { .. } => SCHEME_ED25519,
            Auth::Contract { .. } => SCHEME_CONTRACT,
        }
    }

    /// Whether the account that signed is a contract.
    pub fn is_by_contract(&self) -> bool {
        matches!(self.auth, Auth::Contract { .. })
    }

    /// The key that signed, if one did.
    pub fn key(&self) -> Option<[u8; 32]> {
        match self.auth {
            Auth::Key { key, .. } => Some(key),
            Auth::Contract { .. } => None,
        }
    }

    /// What the account that signed is shown; nothing if a key signed.
    pub fn proof(&self) -> &[u8] {
        match &self.auth {
            Auth::Key { .. } => &[],
            Auth::Contract { proof, .. } => proof,
        }
    }

    /// Bytes of the wire form.
    pub fn wire_len(&self) -> usize {
        let auth_len = match &self.auth {
            Auth::Key { .. } => 96,
            Auth::Contract { proof, .. } => proof.len().saturating_add(22),
        };
        self.body.payload.len().saturating_add(2 + BODY_FIXED_LEN).saturating_add(auth_len)
    }

    /// What the signature covers, on the chain with this genesis.
    pub fn signed_bytes(&self, genesis_hash: &Hash) -> Vec<u8> {
        let body = self.body.bytes();
        let mut out = Writer::with_capacity(body.len().saturating_add(80));
        out.bytes(DOMAIN).bytes(genesis_hash).u8(VERSION).u8(self.scheme());
        match &self.auth {
            Auth::Key { key, .. } => out.bytes(key),
            Auth::Contract { account, .. } => out.bytes(&account.0),
        };
        out.bytes(&body);
        out.finish()
    }

    /// The call's name. The signature is not part of it: two signatures of one call are one call.
    pub fn call_id(&self, genesis_hash: &Hash) -> Hash {
        crypto::sha256(&self.signed_bytes(genesis_hash))
    }

    /// Who shall have signed, whether or not the signature counts.
    pub fn claimed_signer(&self) -> Address {
        match &self.auth {
            Auth::Key { key, .. } => key::address(key),
            Auth::Contract { account, .. } => *account,
        }
    }

    /// Checks a key's signature and gives the signer. Of an account that is a contract, its code judges, in the block.
    pub fn authenticate(&self, genesis_hash: &Hash) -> Result<Address, EnvelopeError> {
        if let Auth::Key { key, signature } = &self.auth {
            crypto::verify(key, signature, &self.signed_bytes(genesis_hash))
                .map_err(EnvelopeError::Signature)?;
        }
        let signer = self.claimed_signer();
        if signer.is_zero() { Err(EnvelopeError::ZeroSigner) } else { Ok(signer) }
    }
}

/// The address of a contract: of its deployer, the deployer's nonce and the code.
pub fn contract_address(deployer: &Address, nonce: u64, code_hash: &Hash) -> Address {
    let mut bytes = Writer::default();
    bytes.bytes(b"zvm-contract-v1").bytes(&deployer.0).u64(nonce).bytes(code_hash);
    let hash = crypto::keccak256(&bytes.finish());
    Address(hash.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests;
