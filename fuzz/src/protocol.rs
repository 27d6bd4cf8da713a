//! What decodes encodes to the same bytes; streams mean the same however they are cut; an upload is taken
//! exactly when its bytes are the ones announced and a module.

use arbitrary::{Result, Unstructured};
use ghost_wasm::{Config, Engine, ModuleStream, Profile};
use zvm_quic::proto::codec::Wire;
use zvm_quic::proto::frame::{
    AnswerReader, Refusal, Request, RequestReader, Taken, UploadStart, encode_answer, encode_refusal,
};
use zvm_quic::proto::message::{
    AccountAnswer, AccountRequest, CallId, CallRequest, ChainAnswer, ChainRequest, ErrorBody, HealthAnswer,
    HealthRequest, QueryAnswer, QueryRequest, ReceiptRequest, RecordAnswer, UploadAnswer, UploadHeader,
    decode, encode,
};
use zvm_quic::proto::receive::{Receive, Received};
use zvm_quic::proto::send::Send;
use zvm_quic::proto::table::AnswerCode;

use crate::validate::module_bytes;

/// The property.
pub fn check(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let _ = run(&mut u);
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let cuts: u64 = u.arbitrary()?;
    match u.int_in_range(0..=3)? {
        0 => messages(u.bytes(u.len())?),
        1 => request(u.bytes(u.len())?, cuts),
        2 => answer(u.bytes(u.len())?, cuts),
        _ => {
            let with_sha256 = u.arbitrary()?;
            let harm = u.int_in_range(0..=9_u8)?;
            let module = module_bytes(u)?;
            upload(&module, with_sha256, harm, cuts);
        }
    }
    Ok(())
}

fn messages(bytes: &[u8]) {
    fn one<M: Wire + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
        match decode::<M>(bytes, 0) {
            Ok(message) => assert_eq!(encode(&message), bytes, "{message:?}"),
            Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
        }
    }
    one::<UploadHeader>(bytes);
    one::<UploadAnswer>(bytes);
    one::<CallRequest>(bytes);
    one::<CallId>(bytes);
    one::<RecordAnswer>(bytes);
    one::<QueryRequest>(bytes);
    one::<QueryAnswer>(bytes);
    one::<ReceiptRequest>(bytes);
    one::<AccountRequest>(bytes);
    one::<AccountAnswer>(bytes);
    one::<ChainRequest>(bytes);
    one::<ChainAnswer>(bytes);
    one::<HealthRequest>(bytes);
    one::<HealthAnswer>(bytes);
    one::<ErrorBody>(bytes);
}

/// What a stream of a request amounts to.
#[derive(Debug, PartialEq)]
enum Meaning {
    Request(Request),
    /// The module begins at this byte.
    Upload(UploadStart, usize),
}

fn pieces(bytes: &[u8], cuts: u64) -> Vec<&[u8]> {
    let mut state = cuts | 1;
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let most = [1, 8, 100, 40_000][(state >> 60) as usize & 3];
        let (piece, after) = rest.split_at(((state >> 33) as usize % most + 1).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn read_request(pieces: &[&[u8]]) -> std::result::Result<Meaning, Refusal> {
    let mut reader = RequestReader::new();
    let mut before = 0;
    for piece in pieces {
        if let Taken::Upload { start, used } = reader.feed(piece)? {
            return Ok(Meaning::Upload(start, before + used));
        }
        before += piece.len();
    }
    reader.end().map(Meaning::Request)
}

fn request(bytes: &[u8], cuts: u64) {
    let whole = read_request(&[bytes]);
    let cut = read_request(&pieces(bytes, cuts));
    assert_eq!(whole, cut, "left is the whole");
    match whole {
        Ok(Meaning::Request(request)) => assert_eq!(request.encode(), bytes),
        Ok(Meaning::Upload(start, used)) => assert_eq!(start.encode(), bytes[..used]),
        Err(refusal) => {
            assert!(refusal.code.is_error(), "{refusal}");
            answer(&encode_refusal(&refusal), cuts);
        }
    }
}

fn read_answer(
    pieces: &[&[u8]],
) -> std::result::Result<std::result::Result<(u16, Vec<u8>), Refusal>, String> {
    let mut reader = AnswerReader::new();
    for piece in pieces {
        reader.feed(piece).map_err(|error| error.to_string())?;
    }
    let answer = reader.end().map_err(|error| error.to_string())?;
    Ok(answer.map(|answer| (answer.code.number(), answer.body)))
}

fn answer(bytes: &[u8], cuts: u64) {
    let whole = read_answer(&[bytes]);
    let cut = read_answer(&pieces(bytes, cuts));
    assert_eq!(whole, cut, "left is the whole");
    match whole {
        Ok(Ok((number, body))) => {
            let code = AnswerCode::from_number(number).expect("it was read");
            let mut again = encode_answer(code, &ChainRequest {});
            again.truncate(2);
            again.extend(u32::try_from(body.len()).expect("an answer is bounded").to_le_bytes());
            again.extend(&body);
            assert_eq!(again, bytes);
            messages(&body);
        }
        Ok(Err(refusal)) => assert_eq!(encode_refusal(&refusal), bytes),
        Err(_) => {}
    }
}

type Taking = std::result::Result<Received<ghost_wasm::Module>, Refusal>;

fn receive(start: UploadStart, pieces: &[&[u8]], work: u64) -> (Taking, Vec<u8>) {
    let engine = Engine::new(&Config::new(Profile::CONTRACT_V1));
    let mut receive = Receive::new(start, ModuleStream::new(&engine));
    let mut spool = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            match receive.feed(rest, work) {
                Ok(fed) => {
                    assert!(fed.used > 0, "no progress");
                    spool.extend(fed.group.unwrap_or_default());
                    rest = &rest[fed.used..];
                }
                Err(refusal) => return (Err(refusal), spool),
            }
        }
    }
    let result = receive.finish();
    if let Ok(received) = &result {
        spool.extend(&received.tail);
    }
    (result, spool)
}

fn upload(module: &[u8], with_sha256: bool, harm: u8, cuts: u64) {
    let mut start = Send::new(module, [0; 32], with_sha256).start().clone();
    let mut sent = module.to_vec();
    match harm {
        0 => start.header.digest[0] ^= 1,
        1 => start.header.length ^= 1,
        2 => drop(sent.pop()),
        3 => sent.push(0),
        4 => {
            if let Some(sha256) = &mut start.sha256 {
                sha256[31] ^= 1;
            }
        }
        _ => {}
    }
    let harmed = start != *Send::new(module, [0; 32], with_sha256).start() || sent != module;
    let encoded = start.encode();
    assert_eq!(
        read_request(&pieces(&encoded, cuts)),
        Ok(Meaning::Upload(start.clone(), encoded.len())),
        "the header"
    );
    let (whole, _) = receive(start.clone(), &[&sent], u64::MAX);
    let (cut, spool) = receive(start, &pieces(&sent, cuts), cuts % 50);
    match (whole, cut) {
        (Ok(whole), Ok(cut)) => {
            assert!(!harmed, "taken though it is not what was announced");
            assert_eq!(spool, module);
            assert_eq!(whole.answer.work, cut.answer.work);
            assert_eq!(whole.answer.code_hash, cut.answer.code_hash);
        }
        (Err(whole), Err(cut)) => assert_eq!(whole, cut, "left is the whole"),
        (whole, cut) => panic!("whole {:?}, cut {:?}", whole.map(|w| w.answer), cut.map(|c| c.answer)),
    }
}
