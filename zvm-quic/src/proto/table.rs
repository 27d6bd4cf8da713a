//! The protocol's numbers, each declared once: request kinds, answer codes, stop and close codes, limits.
//! The codec, both peers and `docs/protocol.md` are derived from here. Knows no layout and no state.

/// The protocol's name in the handshake.
pub const ALPN: &[u8] = b"ghostchain-vm";
/// The version byte of every request.
pub const VERSION: u8 = 1;

/// Declares an enum of numbered codes with names and explanations.
macro_rules! codes {
    ($(#[$meta:meta])* $Name:ident: $repr:ty { $($Variant:ident = $number:literal, $name:literal, $doc:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr($repr)]
        pub enum $Name { $(#[doc = $doc] $Variant = $number,)* }

        impl $Name {
            /// All of them, in order.
            pub const ALL: &'static [$Name] = &[$($Name::$Variant,)*];

            /// The number on the wire.
            pub const fn number(self) -> $repr {
                self as $repr
            }

            /// The one with this number.
            pub const fn from_number(number: $repr) -> Option<$Name> {
                match number { $($number => Some($Name::$Variant),)* _ => None }
            }

            /// The stable name, for texts and JSON.
            pub const fn name(self) -> &'static str {
                match self { $($Name::$Variant => $name,)* }
            }

            /// What it means.
            pub const fn doc(self) -> &'static str {
                match self { $($Name::$Variant => $doc,)* }
            }
        }

        impl core::fmt::Display for $Name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

codes! {
    /// What a stream asks for: the first byte of a request.
    Kind: u8 {
        Upload = 0x10, "upload", "stream a module; it is validated while it arrives";
        Call = 0x11, "call", "submit a signed call";
        Query = 0x12, "query", "run a contract's `query`, unsigned, without effect";
        Receipt = 0x15, "receipt", "the record of an executed call";
        Account = 0x16, "account", "nonce, balance and code of an address";
        Chain = 0x17, "chain", "which chain this is, its head, and what it accepts";
        Simulate = 0x18, "simulate", "run a call on the newest state, without effect; its signature is not looked at";
        Proof = 0x19, "proof", "what a state holds under a key, with the proof";
        Health = 0x30, "health", "whether the node answers";
    }
}

codes! {
    /// How a request ended: the first two bytes of an answer. Below 0x0100 the body is the kind's; from
    /// 0x0100 on it is an `Error`.
    AnswerCode: u16 {
        Ok = 0x0000, "ok", "done; the body is the kind's";
        Accepted = 0x0001, "accepted", "the call waits for its block; the body is its id";
        Duplicate = 0x0002, "duplicate", "the call was executed before; the body is its stored record";
        UnknownKind = 0x0100, "unknown_kind", "no request has this kind";
        UnknownVersion = 0x0101, "unknown_version", "the request's version is not 1";
        Malformed = 0x0102, "malformed", "the bytes are not this request; the offset is the first at fault";
        TooLong = 0x0103, "too_long", "the request has more bytes than its kind may";
        Unsupported = 0x0104, "unsupported", "a flag that this version reserves";
        LengthRefused = 0x0200, "length_refused", "an upload of no bytes, or of more than the node takes";
        ProfileRefused = 0x0201, "profile_refused", "the node does not validate by this profile";
        ModuleRefused = 0x0202, "module_refused", "the module is at fault; detail is the validator's code, offset the byte";
        LengthMismatch = 0x0203, "length_mismatch", "the upload has another number of bytes than it announced";
        DigestMismatch = 0x0204, "digest_mismatch", "the BLAKE3 digest is another than announced";
        Sha256Mismatch = 0x0205, "sha256_mismatch", "the SHA-256 is another than announced";
        TooManyUploads = 0x0206, "too_many_uploads", "the peer or the node has too many uploads under way";
        TooSlow = 0x0207, "too_slow", "the upload paused too long, trickled, or held a place that others wait for below the fair rate";
        SpoolFull = 0x0208, "spool_full", "the uploads under way leave no room for this one";
        StoreFailed = 0x0209, "store_failed", "the node could not store the module or the block: its disk is full, or failed; nothing was kept";
        StagingFull = 0x020a, "staging_full", "the modules that wait for their deploys leave no room for this one; nothing was kept";
        CallRefused = 0x0300, "call_refused", "admission refused the call; detail is the node's code";
        AuthenticationFailed = 0x0301, "authentication_failed", "the call's signature or key is not acceptable (status 7)";
        NotFound = 0x0302, "not_found", "the node does not know what was asked for";
        QueryFailed = 0x0303, "query_failed", "the query could not be run; detail is the node's code";
        Busy = 0x0400, "busy", "try again later";
        ShuttingDown = 0x0401, "shutting_down", "the node ends";
        Internal = 0x0402, "internal", "a fault of the node";
    }
}

impl AnswerCode {
    /// Whether the body is an `Error`.
    pub const fn is_error(self) -> bool {
        self.number() >= 0x0100
    }

    /// Whether the same request may be granted later: the client tries again by itself.
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            AnswerCode::TooManyUploads | AnswerCode::TooSlow | AnswerCode::Busy | AnswerCode::ShuttingDown
        )
    }
}

codes! {
    /// Why one side stops or resets a stream.
    StopCode: u32 {
        Done = 0, "done", "nothing more is needed";
        AlreadyHave = 1, "already_have", "the module is known; the answer is on its way";
        Refused = 2, "refused", "the request is refused; the answer says why";
        Cancelled = 3, "cancelled", "the sender gave up";
    }
}

codes! {
    /// Why one side closes the connection.
    CloseCode: u32 {
        Done = 0, "done", "nothing more to ask";
        ShuttingDown = 1, "shutting_down", "the node ends";
        Refused = 2, "refused", "too many connections";
    }
}

/// Declares the limits: field, type, default, unit, reason.
macro_rules! limits {
    ($($field:ident: $ty:ty = $default:expr, $unit:literal, $reason:literal;)*) => {
        /// Every configurable limit of the protocol.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits { $(#[doc = concat!("In ", $unit, ": ", $reason, ".")] pub $field: $ty,)* }

        impl Default for Limits {
            fn default() -> Limits {
                Limits { $($field: $default,)* }
            }
        }

        impl Limits {
            /// Name, default, unit and reason of each.
            pub fn rows() -> Vec<(&'static str, String, &'static str, &'static str)> {
                let limits = Limits::default();
                vec![$((stringify!($field), limits.$field.to_string(), $unit, $reason),)*]
            }
        }
    };
}

limits! {
    module_bytes_max: u64 = 2 << 20, "bytes", "what an upload may announce";
    uploads_per_peer: u32 = 4, "uploads", "under way for one peer";
    uploads_total: u32 = 256, "uploads", "under way for all peers";
    uploads_waiting: u32 = 1_024, "uploads", "that wait for a place, one of a peer";
    fair_bytes_per_s: u64 = 64_000, "bytes a second", "an upload at this rate never loses its place";
    fair_lag_ms: u64 = 2_000, "milliseconds", "the node may have waited longer for an upload's bytes than they take at the fair rate; beyond this it loses its place to one that waits";
    spool_bytes_max: u64 = 64 << 20, "bytes", "of all uploads under way, on disk";
    idle_ms: u64 = 60_000, "milliseconds", "a connection or a request without a byte ends";
    pace_bytes: u64 = 16 << 10, "bytes", "what a request must bring within `pace_ms`, unless it ends";
    pace_ms: u64 = 5_000, "milliseconds", "the window of `pace_bytes`; the node's own work does not count";
    work_per_poll: u64 = 65_536, "units of validation", "done before other streams get their turn";
    stream_window_bytes: u32 = 128 << 10, "bytes", "in flight on one stream";
    connection_window_bytes: u32 = 1 << 20, "bytes", "in flight on one connection";
    streams_per_connection: u32 = 32, "streams", "open at once; unidirectional ones: none";
    requests_at_once: u32 = 64, "requests", "begun inside the node or waiting for it, of those that change it and of those that read, each; beyond them a client hears `busy`";
    requests_per_peer: u32 = 16, "requests", "the same for one peer";
    calls_at_once: u32 = 16_384, "calls", "that wait for their blocks; beyond them a client hears `busy`";
    calls_per_peer: u32 = 2_048, "calls", "the same for one peer";
    answer_bytes_total: u64 = 64 << 20, "bytes", "of answers that nobody has taken yet; beyond them a client hears `busy`, or of a call that was executed `accepted`";
    answer_bytes_per_peer: u64 = 8 << 20, "bytes", "the same for one peer";
    queries_at_once: u32 = 2, "queries", "under way for all peers: nobody pays for them";
    queries_waiting: u32 = 16, "queries", "that wait for their turn; beyond them a client hears `busy`";
    queries_per_peer: u32 = 1, "queries", "under way or waiting for one peer; beyond them it hears `busy`";
    connections_max: u32 = 1_024, "connections", "open at once";
    connections_per_peer: u32 = 128, "connections", "open at once for one peer: an eighth of all; beyond half of it the peer's address must prove itself first";
    connections_before_retry: u32 = 256, "connections", "beyond them a new address must prove itself first";
    retry_initial_ms: u64 = 100, "milliseconds", "the client's first pause after a cut";
    retry_pause_ms_max: u64 = 5_000, "milliseconds", "its longest pause";
    retry_attempts_max: u32 = 8, "attempts", "then it gives up";
    connect_ms_max: u64 = 5_000, "milliseconds", "the client's patience with one handshake";
    answer_ms_max: u64 = 120_000, "milliseconds", "the client's patience with one answer";
}

/// Bytes of an envelope in a call at most: its payload (128 KiB), what shows who signed, and what surrounds them.
pub const ENVELOPE_BYTES_MAX: usize = (128 << 10) + 2_048;
/// Bytes of a query's input at most.
pub const QUERY_INPUT_BYTES_MAX: usize = 128 << 10;
/// Bytes of a full key at most: its kind, an address, and a contract's own 256.
pub const KEY_BYTES_MAX: usize = 1 + 20 + 256;
/// Bytes of a stored value at most.
pub const VALUE_BYTES_MAX: usize = 64 << 10;
/// Bytes of a header at most.
pub const HEADER_BYTES_MAX: usize = 512;
/// Bytes of a proof of one key at most: 256 siblings and a leaf.
pub const PROOF_BYTES_MAX: usize = 16 << 10;
/// Bytes of return data at most.
pub const RETURN_DATA_BYTES_MAX: usize = 64 << 10;
/// Bytes of a record at most.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Bytes of an error's text at most.
pub const TEXT_BYTES_MAX: usize = 1_024;
/// Bytes of a query's diagnostics at most: as much as a record keeps.
pub const DIAGNOSTICS_BYTES_MAX: usize = 4 << 10;
/// Bytes of an answer's body at most.
pub const ANSWER_BYTES_MAX: usize = RECORD_BYTES_MAX + 64;
/// Bytes hashed and written down at once: BLAKE3 is ten times slower on packets.
pub const GROUP_BYTES: usize = 16 << 10;

const _: () = {
    assert!(RETURN_DATA_BYTES_MAX + DIAGNOSTICS_BYTES_MAX + TEXT_BYTES_MAX < ANSWER_BYTES_MAX);
    assert!(QUERY_INPUT_BYTES_MAX <= ENVELOPE_BYTES_MAX);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_their_rows() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::from_number(kind.number()), Some(kind));
            assert!(!(0x20..0x30).contains(&kind.number()), "0x20..0x2f stay free");
        }
        for &code in AnswerCode::ALL {
            assert_eq!(AnswerCode::from_number(code.number()), Some(code));
        }
        assert_eq!(Kind::from_number(0x13), None);
        assert!(AnswerCode::UnknownKind.is_error());
        assert!(!AnswerCode::Duplicate.is_error());
    }
}
