//! The protocol driven without a network: every split, cut and order, and bytes that mean harm.

use core::time::Duration;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::codec::{Blob, Text, Wire};
use super::doc::golden;
use super::frame::*;
use super::message::*;
use super::pace::{Pace, Peer};
use super::receive::{Receive, Received, admit_length};
use super::send::{Backoff, Send};
use super::sink::{ModuleSink, RejectInfo, SinkProgress};
use super::table::*;

/// Takes anything but one byte value, and counts a function for every line.
#[derive(Debug, Default)]
struct Lines {
    seen: u64,
    lines: u32,
}

const BAD: u8 = 0xff;

impl ModuleSink for Lines {
    type Module = u64;

    fn feed(&mut self, bytes: &[u8], work: u64) -> Result<usize, RejectInfo> {
        let mut used = 0;
        for &byte in bytes {
            if used as u64 > work {
                break;
            }
            if byte == BAD {
                return Err(RejectInfo { code: 77, offset: self.seen, text: "bad byte".into() });
            }
            self.lines += u32::from(byte == b'\n');
            self.seen += 1;
            used += 1;
        }
        Ok(used)
    }

    fn progress(&self) -> SinkProgress {
        SinkProgress { functions_valid: self.lines, work: self.seen }
    }

    fn finish(self, _: &Hash) -> Result<u64, RejectInfo> {
        if self.lines == 0 {
            return Err(RejectInfo { code: 78, offset: self.seen, text: "no line".into() });
        }
        Ok(self.seen)
    }
}

/// What a server does with the bytes of an upload's stream, without its disk.
struct ServerSide {
    reader: Option<RequestReader>,
    receive: Option<Receive<Lines>>,
    spool: Vec<u8>,
    work: u64,
}

impl ServerSide {
    fn new(work: u64) -> ServerSide {
        ServerSide { reader: Some(RequestReader::new()), receive: None, spool: Vec::new(), work }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let mut rest = bytes;
        if let Some(reader) = &mut self.reader {
            match reader.feed(bytes)? {
                Taken::More => return Ok(()),
                Taken::Upload { start, used } => {
                    admit_length(&start, &Limits::default())?;
                    rest = &bytes[used..];
                    self.reader = None;
                    self.receive = Some(Receive::new(start, Lines::default()));
                }
            }
        }
        let receive = self.receive.as_mut().unwrap();
        while !rest.is_empty() {
            let fed = receive.feed(rest, self.work)?;
            assert!(fed.used > 0, "no progress");
            if let Some(group) = fed.group {
                assert_eq!(group.len(), GROUP_BYTES);
                self.spool.extend(group);
            }
            rest = &rest[fed.used..];
        }
        Ok(())
    }

    fn end(self) -> Result<(Received<u64>, Vec<u8>), Refusal> {
        match (self.reader, self.receive) {
            (Some(reader), _) => match reader.end() {
                Err(refusal) => Err(refusal),
                Ok(request) => Err(Refusal::new(AnswerCode::Ok, format!("no upload: {request:?}"))),
            },
            (None, receive) => {
                let received = receive.unwrap().finish()?;
                let spool = [self.spool, received.tail.clone()].concat();
                Ok((received, spool))
            }
        }
    }
}

fn stream(module: &[u8], sha256: bool) -> Vec<u8> {
    let send = Send::new(module, [0; 32], sha256);
    [send.start().encode(), module.to_vec()].concat()
}

fn serve(chunks: &[&[u8]], work: u64) -> Result<(Received<u64>, Vec<u8>), Refusal> {
    let mut server = ServerSide::new(work);
    for chunk in chunks {
        server.feed(chunk)?;
    }
    server.end()
}

fn module(len: usize) -> Vec<u8> {
    (0..len).map(|i| if i % 50 == 49 || i == 0 { b'\n' } else { (i % 100 + 100) as u8 }).collect()
}

#[test]
fn every_split_gives_the_same_module() {
    let module = module(300);
    for sha256 in [false, true] {
        let bytes = stream(&module, sha256);
        for at in 0..=bytes.len() {
            let (received, spool) = serve(&[&bytes[..at], &bytes[at..]], 7).unwrap();
            assert_eq!(spool, module);
            assert_eq!(received.module, 300);
            assert_eq!(received.answer.functions_total, 7);
            assert_eq!(received.answer.code_hash, Hash::from(blake3::hash(&module)));
        }
        for size in [1, 2, 3, 64, 299] {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(serve(&chunks, u64::MAX).unwrap().1, module);
        }
    }
}

#[test]
fn the_answer_says_what_was_valid_before_the_last_arrival() {
    let module = module(300);
    let bytes = stream(&module, false);
    let all_but = |last: usize| serve(&[&bytes[..bytes.len() - last], &bytes[bytes.len() - last..]], 3);
    assert_eq!(all_but(1).unwrap().0.answer.functions_valid_before_last_chunk, 6);
    assert_eq!(all_but(120).unwrap().0.answer.functions_valid_before_last_chunk, 4);
    assert_eq!(serve(&[&bytes], 3).unwrap().0.answer.functions_valid_before_last_chunk, 0);
}

#[test]
fn groups_are_written_whole_and_in_order() {
    for len in [GROUP_BYTES - 1, GROUP_BYTES, GROUP_BYTES + 1, 3 * GROUP_BYTES + 5] {
        let module = module(len);
        let bytes = stream(&module, true);
        for size in [1_200, 16_384, 70_000] {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(serve(&chunks, 65_536).unwrap().1, module);
        }
    }
}

#[test]
fn every_cut_is_refused_and_nothing_comes_out() {
    let module = module(300);
    let bytes = stream(&module, true);
    for at in 0..bytes.len() {
        let refusal = serve(&[&bytes[..at]], 9).unwrap_err();
        let header = bytes.len() - module.len();
        let wanted = if at < header { AnswerCode::Malformed } else { AnswerCode::LengthMismatch };
        assert_eq!(refusal.code, wanted, "cut at {at}");
    }
}

#[test]
fn the_first_bad_byte_ends_it_in_every_split() {
    let mut module = module(200);
    module[120] = BAD;
    let bytes = stream(&module, false);
    let header = bytes.len() - module.len();
    for at in 0..=bytes.len() {
        let mut server = ServerSide::new(11);
        let first = server.feed(&bytes[..at]);
        assert_eq!(first.is_err(), at > header + 120, "refused exactly when the byte is here: {at}");
        let refusal = first.and_then(|()| server.feed(&bytes[at..])).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.detail, refusal.offset),
            (AnswerCode::ModuleRefused, 77, Some(120))
        );
    }
}

#[test]
fn swapped_or_changed_bytes_never_match_the_digest() {
    let module = module(200);
    let bytes = stream(&module, false);
    let header = bytes.len() - module.len();
    for size in [10, 50, 100] {
        let mut chunks: Vec<&[u8]> = bytes[header..].chunks(size).collect();
        chunks.swap(0, 1);
        chunks.insert(0, &bytes[..header]);
        assert_eq!(serve(&chunks, 64).unwrap_err().code, AnswerCode::DigestMismatch);
    }
    for at in header..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(serve(&[&changed], 64).unwrap_err().code, AnswerCode::DigestMismatch);
    }
}

#[test]
fn a_wrong_sha256_alone_is_refused() {
    let module = module(200);
    let mut send = stream(&module, true);
    let place = UPLOAD_HEADER_BYTES + 3;
    assert_eq!(send[UPLOAD_HEADER_BYTES..][..32], Sha256::digest(&module)[..]);
    send[place] ^= 1;
    assert_eq!(serve(&[&send], 64).unwrap_err().code, AnswerCode::Sha256Mismatch);
}

#[test]
fn one_byte_too_many_is_seen_in_every_split() {
    let mut bytes = stream(&module(100), false);
    bytes.push(b'x');
    for at in 0..=bytes.len() {
        let refusal = serve(&[&bytes[..at], &bytes[at..]], 5).unwrap_err();
        assert_eq!((refusal.code, refusal.offset), (AnswerCode::LengthMismatch, Some(100)));
    }
}

#[test]
fn what_ends_early_for_the_validator_is_refused_at_the_end() {
    let bytes = stream(b"no line here", false);
    let refusal = serve(&[&bytes], 64).unwrap_err();
    assert_eq!((refusal.code, refusal.detail), (AnswerCode::ModuleRefused, 78));
}

#[test]
fn lengths_out_of_bounds_are_refused_before_any_byte() {
    for length in [0, Limits::default().module_bytes_max + 1, u64::MAX] {
        let header = UploadHeader { flags: 0, length, profile: [0; 32], digest: [0; 32] };
        let bytes = UploadStart { header, sha256: None }.encode();
        let mut server = ServerSide::new(1);
        let refusal = server.feed(&bytes).unwrap_err();
        assert_eq!((refusal.code, refusal.offset), (AnswerCode::LengthRefused, Some(3)));
    }
}

#[test]
fn requests_fail_at_the_byte_that_shows_it() {
    let code = |bytes: &[u8]| RequestReader::new().feed(bytes).unwrap_err();
    for kind in 0..=u8::MAX {
        let known = Kind::from_number(kind).is_some();
        assert_eq!(RequestReader::new().feed(&[kind]).is_ok(), known, "{kind:#x}");
    }
    assert_eq!(code(&[0x13, 1]).code, AnswerCode::UnknownKind);
    assert_eq!(code(&[0x10, 2]).code, AnswerCode::UnknownVersion);
    for reserved in [2, 4, 0x80, 3] {
        assert_eq!(code(&[0x10, 1, reserved]).code, AnswerCode::Unsupported);
    }
    assert_eq!(code(&[0x17, 1, 0]).code, AnswerCode::TooLong);
    assert_eq!(code(&[&[0x16, 1][..], &[0; 21]].concat()).code, AnswerCode::TooLong);
    let call = |flags| {
        let envelope = Blob::new(vec![1]).unwrap();
        let mut reader = RequestReader::new();
        reader.feed(&Request::Call(CallRequest { flags, envelope }).encode()).unwrap();
        reader.end()
    };
    assert!(call(CALL_NO_WAIT).is_ok());
    assert_eq!(call(2).unwrap_err().code, AnswerCode::Unsupported);
}

fn read_request(chunks: &[&[u8]]) -> Result<Request, Refusal> {
    let mut reader = RequestReader::new();
    for chunk in chunks {
        assert_eq!(reader.feed(chunk)?, Taken::More);
    }
    reader.end()
}

fn read_answer(chunks: &[&[u8]]) -> Result<Result<Answer, Refusal>, super::codec::Malformed> {
    let mut reader = AnswerReader::new();
    for chunk in chunks {
        reader.feed(chunk)?;
    }
    reader.end()
}

#[test]
fn golden_frames_read_back_in_every_split_and_in_no_cut() {
    for sample in golden() {
        let bytes = &sample.bytes;
        for at in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(at);
            if sample.name.starts_with("answer") {
                match read_answer(&[head, tail]).unwrap() {
                    Ok(answer) => {
                        assert_eq!(answer.code.number().to_le_bytes(), bytes[..2]);
                        assert_eq!(answer.body, bytes[ANSWER_PREFIX_BYTES..]);
                    }
                    Err(refusal) => assert_eq!(encode_refusal(&refusal), *bytes),
                }
                assert_eq!(read_answer(&[head]).is_ok(), tail.is_empty(), "{} cut at {at}", sample.name);
            } else if sample.name.starts_with("upload") {
                let mut reader = RequestReader::new();
                let mut taken = reader.feed(head).unwrap();
                if taken == Taken::More {
                    taken = reader.feed(tail).unwrap();
                }
                let Taken::Upload { start, .. } = taken else { panic!("{}", sample.name) };
                assert_eq!(start.encode(), *bytes);
            } else {
                assert_eq!(read_request(&[head, tail]).unwrap().encode(), *bytes);
                assert_eq!(read_request(&[head]).is_ok(), tail.is_empty(), "{} cut at {at}", sample.name);
            }
        }
    }
}

#[test]
fn answers_with_wild_lengths_are_refused_at_once() {
    for len in [ANSWER_BYTES_MAX as u32 + 1, u32::MAX] {
        let prefix = [&[0, 0][..], &len.to_le_bytes()].concat();
        assert!(AnswerReader::new().feed(&prefix).is_err());
    }
    assert!(AnswerReader::new().feed(&[0, 0, 0, 0, 0, 0, 1]).is_err());
    let unknown = [0x34, 0x12, 0, 0, 0, 0];
    assert!(read_answer(&[&unknown]).is_err());
}

#[test]
fn an_upload_answer_must_be_about_the_module_sent() {
    let send = Send::new(b"\n", [0; 32], false);
    let mut answer = UploadAnswer {
        known: 1,
        functions_valid_before_last_chunk: 0,
        functions_total: 0,
        bytes: 0,
        work: 0,
        code_hash: blake3::hash(b"\n").into(),
    };
    let body = |answer: &UploadAnswer| Ok(Answer { code: AnswerCode::Ok, body: encode(answer) });
    assert_eq!(send.answer(body(&answer)).unwrap().unwrap(), answer);
    answer.code_hash = [0; 32];
    assert!(send.answer(body(&answer)).is_err());
}

#[test]
fn the_sender_stops_when_told_and_begins_again_after_a_cut() {
    let module = module(100);
    let mut send = Send::new(&module, [0; 32], false);
    assert_eq!(send.next(60), Some(0..60));
    send.sent(60);
    assert_eq!(send.next(60), Some(60..100));
    send.stop();
    assert_eq!(send.next(60), None);
    send.restart();
    assert_eq!(send.next(1_000), Some(0..100));
    send.sent(100);
    assert_eq!(send.next(1), None);
}

#[test]
fn pauses_grow_within_bounds_and_end() {
    let limits = Limits::default();
    for random in [0, 1, u64::MAX, 123_456_789_012] {
        let mut backoff = Backoff::new(&limits);
        let pauses: Vec<Duration> = std::iter::from_fn(|| backoff.next(random)).collect();
        assert_eq!(pauses.len() as u32, limits.retry_attempts_max - 1);
        for (i, pause) in pauses.iter().enumerate() {
            let whole = Duration::from_millis((limits.retry_initial_ms << i).min(limits.retry_pause_ms_max));
            assert!(*pause >= whole / 2);
            assert!(*pause <= whole);
        }
    }
}

#[test]
fn slow_senders_end_and_busy_receivers_are_no_excuse_to_end_them() {
    let limits = Limits::default();
    let ms = Duration::from_millis;
    let mut silent = Pace::new(&limits, ms(0));
    assert_eq!(silent.deadline(), ms(5_000));
    assert!(silent.check(ms(4_999)).is_ok());
    assert_eq!(silent.check(ms(5_000)).unwrap_err().code, AnswerCode::TooSlow);

    let mut steady = Pace::new(&limits, ms(0));
    for i in 1..100 {
        steady.received(ms(i * 1_000), 4 << 10);
        assert!(steady.check(ms(i * 1_000)).is_ok(), "{i}");
    }
    let mut trickle = Pace::new(&limits, ms(0));
    let end = (1..100).find(|&i| {
        trickle.received(ms(i * 1_000), 100);
        trickle.check(ms(i * 1_000)).is_err()
    });
    assert_eq!(end, Some(5));

    let mut waited_for_us = Pace::new(&limits, ms(0));
    waited_for_us.received(ms(1_000), 10);
    waited_for_us.excuse(ms(100_000));
    assert!(waited_for_us.check(ms(100_000)).is_ok());
    assert!(waited_for_us.check(ms(104_000)).is_err());

    let patient = Limits { pace_bytes: 0, ..Limits::default() };
    let mut idle = Pace::new(&patient, ms(0));
    assert!(idle.check(ms(59_999)).is_ok());
    assert_eq!(idle.check(ms(60_000)).unwrap_err().code, AnswerCode::TooSlow);
}

#[test]
fn peers_are_told_apart_by_their_networks() {
    let peer = |text: &str| Peer::of(text.parse().unwrap());
    assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
    assert_ne!(peer("10.0.0.1"), peer("10.0.0.2"));
    assert_eq!(peer("2001:db8:0:aa00::1"), peer("2001:db8:0:aaff::2"));
    assert_ne!(peer("2001:db8:0:aa00::1"), peer("2001:db8:0:ab00::1"));
}

#[test]
fn texts_are_clipped_between_characters() {
    assert_eq!(Text::<5>::clipped("ab€€").as_str(), "ab€");
    assert_eq!(Text::<4>::clipped("ab€€").as_str(), "ab");
    assert!(Blob::<3>::new(vec![0; 4]).is_err());
}

fn round_trip<M: Wire + PartialEq + core::fmt::Debug>(message: &M) {
    let bytes = encode(message);
    assert_eq!(decode::<M>(&bytes, 0).as_ref(), Ok(message));
    assert!(decode::<M>(&[&bytes[..], &[0]].concat(), 0).is_err());
    if let Some(short) = bytes.len().checked_sub(1) {
        assert!(decode::<M>(&bytes[..short], 0).is_err());
    }
}

proptest! {
    #[test]
    fn messages_round_trip(
        flags: u8, number: u32, long: u64, wide: u128, code: i32, hash: [u8; 32], address: [u8; 20],
        bytes in prop::collection::vec(any::<u8>(), 0..500), text in ".{0,100}",
    ) {
        let blob = bytes.clone();
        round_trip(&UploadHeader { flags, length: long, profile: hash, digest: hash });
        round_trip(&UploadAnswer {
            known: flags, functions_valid_before_last_chunk: number, functions_total: number,
            bytes: long, work: long, code_hash: hash,
        });
        round_trip(&CallRequest { flags, envelope: Blob::new(blob.clone()).unwrap() });
        round_trip(&CallId { call_id: hash });
        round_trip(&RecordAnswer { record: Blob::new(blob.clone()).unwrap() });
        round_trip(&QueryRequest { target: address, gas_limit: long, input: Blob::new(blob.clone()).unwrap() });
        round_trip(&QueryAnswer {
            status: flags, code, gas_used: long, return_data: Blob::new(blob.clone()).unwrap(), text: Text::clipped(&text),
            diagnostics: Blob::new(blob).unwrap(),
        });
        round_trip(&ReceiptRequest { call_id: hash });
        round_trip(&AccountRequest { address });
        round_trip(&AccountAnswer { nonce: long, balance: wide, code_hash: hash });
        round_trip(&ChainAnswer {
            chain_id: long, genesis_hash: hash, height: long, block_hash: hash, state_root: hash, timestamp: long,
            gas_price_floor: long, block_gas_limit: long, profile: hash, module_bytes_max: long,
            envelope_bytes_max: number,
        });
        round_trip(&HealthAnswer { height: long, uploads: number, staged: number });
        round_trip(&ErrorBody { detail: number, offset: long, text: Text::clipped(&text) });
    }

    #[test]
    fn any_bytes_in_any_chunks_end_alike(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        kind in prop::sample::select(Kind::ALL.to_vec()),
        size in 1usize..40,
    ) {
        let bytes = [&[kind.number(), VERSION][..], &bytes].concat();
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        let whole = serve(&[&bytes], 64);
        let parts = serve(&chunks, 64);
        prop_assert_eq!(whole.map(|r| r.1), parts.map(|r| r.1));
        prop_assert_eq!(read_answer(&[&bytes]), read_answer(&chunks));
    }

    #[test]
    fn changed_golden_frames_never_panic(which in 0usize..17, at in 0usize..400, to: u8, cut in 0usize..400) {
        let mut bytes = golden().swap_remove(which).bytes;
        let len = bytes.len();
        bytes[at % len] = to;
        bytes.truncate(cut.max(1));
        if let Ok(Ok(answer)) = read_answer(&[&bytes]) {
            let _ = answer.message::<QueryAnswer>();
            let _ = answer.message::<UploadAnswer>();
        }
        let mut reader = RequestReader::new();
        if let Ok(Taken::More) = reader.feed(&bytes)
            && let Ok(request) = reader.end()
        {
            prop_assert_eq!(request.encode(), bytes);
        }
    }
}
