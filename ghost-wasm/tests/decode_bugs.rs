//! Bug classes that other decoders met, one test each: lengths, ends, padding, reserved bytes, counts.

mod common;

use common::{Outcome, engine, function, leb, module, pieces, wat, whole};
use ghost_wasm::{ErrorCode, ErrorKind, Profile};

fn check(bytes: &[u8]) -> Outcome {
    let engine = engine(&Profile::WASM_2);
    let outcome = whole(&engine, bytes);
    assert_eq!(pieces(&engine, bytes.chunks(1)), outcome, "the law of chunks");
    outcome
}

#[track_caller]
fn fails(bytes: &[u8], code: ErrorCode, offset: u64) {
    let outcome = check(bytes);
    assert_eq!((outcome.code(), outcome.offset()), (Some(code), Some(offset)), "{outcome:?}");
}

#[track_caller]
fn passes(bytes: &[u8]) -> String {
    match check(bytes) {
        Outcome::Module { seen, .. } => seen,
        failed => panic!("{failed:?}"),
    }
}

/// Where the body of [`function`] starts, its count of locals included.
const BODY: u64 = 8 + 6 + 4 + 4;

#[test]
fn the_end_of_a_body_is_not_any_0x0b() {
    // 0x0b as a constant, as a local index, in a float.
    passes(&function(b"\x01\x0c\x7f\x41\x0b\x1a\x20\x0b\x1a\x43\x0b\x0b\x0b\x0b\x1a\x0b"));
}

#[test]
fn a_byte_after_the_final_end() {
    fails(&function(b"\x00\x0b\x00"), ErrorCode::SectionSizeMismatch, BODY + 2);
    fails(&function(b"\x00\x0b\x0b"), ErrorCode::SectionSizeMismatch, BODY + 2);
}

#[test]
fn a_body_without_its_end() {
    fails(&function(b"\x00\x01"), ErrorCode::UnexpectedEndOfSection, BODY + 2);
    fails(&function(b"\x00\x02\x40\x0b"), ErrorCode::UnexpectedEndOfSection, BODY + 4);
    // An operator that reaches beyond its body may not take the next one's bytes.
    let code = b"\x02\x03\x00\x41\x80\x04\x00\x41\x00\x0b";
    let bytes = module(&[(1, b"\x01\x60\x00\x00"), (3, b"\x02\x00\x00"), (10, code)]);
    fails(&bytes, ErrorCode::EndExpected, 8 + 6 + 5 + 5);
}

#[test]
fn a_body_longer_than_its_section() {
    let bytes = module(&[(1, b"\x01\x60\x00\x00"), (3, b"\x01\x00"), (10, b"\x01\x09\x00\x0b")]);
    fails(&bytes, ErrorCode::UnexpectedEndOfSection, BODY - 1);
}

#[test]
fn sections_that_are_longer_or_shorter_than_their_entries() {
    fails(&module(&[(1, b"\x01\x60\x00\x00\x00")]), ErrorCode::SectionSizeMismatch, 14);
    fails(&module(&[(1, b"\x02\x60\x00\x00")]), ErrorCode::UnexpectedEndOfSection, 14);
    fails(&module(&[(1, b"")]), ErrorCode::UnexpectedEndOfSection, 10);
    fails(&module(&[(8, b"")]), ErrorCode::UnexpectedEndOfSection, 10);
    // A section may not borrow from the next one.
    let bytes = module(&[(1, b"\x01\x60\x00\x00"), (3, b"\x01"), (10, b"\x00")]);
    fails(&bytes, ErrorCode::UnexpectedEndOfSection, 8 + 6 + 3);
}

#[test]
fn a_module_that_ends_inside_a_section() {
    let bytes = module(&[(1, b"\x01\x60\x00\x00")]);
    fails(&bytes[..bytes.len() - 1], ErrorCode::LengthOutOfBounds, 8);
    fails(&bytes[..9], ErrorCode::UnexpectedEnd, 8);
    fails(&bytes[..7], ErrorCode::UnexpectedEnd, 4);
    fails(b"", ErrorCode::UnexpectedEnd, 0);
}

#[test]
fn sections_twice_or_out_of_order() {
    let types = (1, &b"\x01\x60\x00\x00"[..]);
    fails(&module(&[types, types]), ErrorCode::UnexpectedContent, 14);
    fails(&module(&[(5, b"\x00"), types]), ErrorCode::UnexpectedContent, 11);
    // The data count section stands between elements and code.
    passes(&module(&[(9, b"\x00"), (12, b"\x00"), (10, b"\x00")]));
    fails(&module(&[(10, b"\x00"), (12, b"\x00")]), ErrorCode::UnexpectedContent, 11);
    fails(&module(&[(13, b"\x00")]), ErrorCode::BadSectionId, 8);
}

#[test]
fn functions_without_code_and_code_without_functions() {
    let types = (1, &b"\x01\x60\x00\x00"[..]);
    let two = (3, &b"\x02\x00\x00"[..]);
    let one_body = (10, &b"\x01\x02\x00\x0b"[..]);
    fails(&module(&[types, two]), ErrorCode::CodeCountMismatch, 8 + 6 + 5);
    fails(&module(&[types, two, one_body]), ErrorCode::CodeCountMismatch, 8 + 6 + 5 + 6);
    // The header of the data section excludes more code.
    fails(&module(&[types, two, one_body, (11, b"\x00")]), ErrorCode::CodeCountMismatch, 8 + 6 + 5 + 6);
    fails(&module(&[types, one_body]), ErrorCode::CodeCountMismatch, 8 + 6 + 2);
}

#[test]
fn data_count_that_is_not_the_number_of_segments() {
    let data = (11, &b"\x01\x01\x01a"[..]);
    passes(&module(&[(12, b"\x01"), data]));
    fails(&module(&[(12, b"\x00"), data]), ErrorCode::DataCountMismatch, 8 + 3 + 2);
    fails(&module(&[(12, b"\x02"), data]), ErrorCode::DataCountMismatch, 8 + 3 + 6);
    fails(&module(&[(12, b"\x01")]), ErrorCode::DataCountMismatch, 8 + 3);
    passes(&module(&[(12, b"\x00")]));
}

#[test]
fn the_data_count_must_come_before_operators_that_need_it() {
    fails(&function(b"\x00\xfc\x09\x00\x0b"), ErrorCode::DataCountRequired, BODY + 1);
    fails(
        &function(b"\x00\x41\x00\x41\x00\x41\x00\xfc\x08\x00\x00\x0b"),
        ErrorCode::DataCountRequired,
        BODY + 7,
    );
}

#[test]
fn block_types_that_are_not_canonical_or_not_there() {
    // -64 as one byte is the empty type; as two it is a negative index.
    passes(&function(b"\x00\x02\x40\x0b\x0b"));
    fails(&function(b"\x00\x02\xc0\x7f\x0b\x0b"), ErrorCode::BadBlockType, BODY + 1);
    fails(&function(b"\x00\x02\xff\xff\xff\xff\x7f\x0b\x0b"), ErrorCode::BadBlockType, BODY + 1);
    // A padded index 0 is an index, an index beyond the types is none.
    passes(&function(b"\x00\x02\x80\x00\x0b\x0b"));
    fails(&function(b"\x00\x02\x01\x0b\x0b"), ErrorCode::UnknownType, BODY + 1);
    fails(&function(b"\x00\x02\xff\xff\xff\xff\x0f\x0b\x0b"), ErrorCode::UnknownType, BODY + 1);
}

#[test]
fn the_alignment_field_names_no_memory_and_the_reserved_byte_is_no_number() {
    let with_memory = |body: &[u8]| {
        let mut code = vec![1];
        code.extend(leb(body.len() as u64));
        code.extend(body);
        module(&[(1, b"\x01\x60\x00\x00"), (3, b"\x01\x00"), (5, b"\x01\x00\x01"), (10, &code)])
    };
    let body = BODY + 5;
    passes(&with_memory(b"\x00\x41\x00\x28\x82\x00\x00\x1a\x0b"));
    // Bit 6 would announce a memory index.
    fails(&with_memory(b"\x00\x41\x00\x28\x42\x00\x00\x1a\x0b"), ErrorCode::BadMemArgFlags, body + 3);
    fails(&with_memory(b"\x00\x41\x00\x28\x20\x00\x1a\x0b"), ErrorCode::BadMemArgFlags, body + 3);
    fails(&with_memory(b"\x00\x41\x00\x28\x03\x00\x1a\x0b"), ErrorCode::BadAlignment, body + 3);
    passes(&with_memory(b"\x00\x3f\x00\x1a\x0b"));
    fails(&with_memory(b"\x00\x3f\x80\x00\x1a\x0b"), ErrorCode::ZeroByteExpected, body + 1);
    fails(&with_memory(b"\x00\x41\x00\x40\x01\x1a\x0b"), ErrorCode::ZeroByteExpected, body + 3);
}

#[test]
fn call_indirect_takes_a_padded_table_index() {
    let body = b"\x00\x41\x00\x11\x80\x80\x80\x80\x00\x80\x80\x80\x80\x00\x0b";
    let mut code = vec![1];
    code.extend(leb(body.len() as u64));
    code.extend(body);
    let sections: &[(u8, &[u8])] =
        &[(1, b"\x01\x60\x00\x00"), (3, b"\x01\x00"), (4, b"\x01\x70\x00\x01"), (10, &code)];
    passes(&module(sections));
    let one = whole(&engine(&Profile::WASM_1), &module(sections));
    assert_eq!(one.code(), Some(ErrorCode::ZeroByteExpected), "in 1.0 it is a byte");
}

#[test]
fn names_that_are_not_text() {
    let export = |name: &[u8]| {
        let mut content = vec![1];
        content.extend(leb(name.len() as u64));
        content.extend(name);
        content.extend([2, 0]);
        module(&[(5, b"\x01\x00\x01"), (7, &content)])
    };
    passes(&export("\u{10ffff}".as_bytes()));
    fails(&export(b"ab\xff"), ErrorCode::BadUtf8, 8 + 5 + 4 + 2);
    fails(&export(b"ab\xe2\x82"), ErrorCode::BadUtf8, 8 + 5 + 4 + 2);
    // A surrogate, and an overlong slash.
    fails(&export(b"\xed\xa0\x80"), ErrorCode::BadUtf8, 8 + 5 + 4);
    fails(&export(b"\xc0\xaf"), ErrorCode::BadUtf8, 8 + 5 + 4);
    // A name longer than its section.
    fails(
        &module(&[(5, b"\x01\x00\x01"), (7, b"\x01\x09a\x02\x00")]),
        ErrorCode::LengthOutOfBounds,
        8 + 5 + 3,
    );
    fails(&module(&[(0, b"\x05a")]), ErrorCode::LengthOutOfBounds, 10);
}

#[test]
fn a_malformed_name_section_is_dropped() {
    let names = |content: &[u8]| {
        let mut section = b"\x04name".to_vec();
        section.extend(content);
        passes(&module(&[(0, &section)]))
    };
    // The module's name, then two function names.
    let whole = names(b"\x00\x02\x01m\x01\x07\x02\x00\x01a\x05\x01b");
    assert!(whole.contains(r#"module: Some("m"), functions: [(0, "a"), (5, "b")]"#), "{whole}");
    let dropped: [&[u8]; 9] = [
        b"\x00\x02\x01",                         // cut
        b"\x00\x09\x01m",                        // longer than its section
        b"\x00\x03\x01mm",                       // longer than its name
        b"\x00\x02\x01\xff",                     // no text
        b"\x01\x07\x02\x05\x01a\x00\x01b",       // out of order
        b"\x01\x07\x02\x00\x01a\x00\x01b",       // twice
        b"\x01\x04\x01\x00\x02a",                // a name longer than its subsection
        b"\x01\x01\x00\x00\x02\x01m",            // subsections out of order
        b"\x01\x05\xff\xff\xff\xff\x0f\x00\x01", // a count that nothing follows
    ];
    for content in dropped {
        let seen = names(content);
        assert!(seen.contains("names: Names { module: None, functions: [] }"), "{content:x?}: {seen}");
    }
}

#[test]
fn a_declared_count_is_no_reason_to_allocate_or_to_refuse() {
    let huge = b"\xff\xff\xff\xff\x0f";
    for (id, at) in [(1, 15), (2, 15), (3, 15), (4, 15), (5, 15), (6, 15), (7, 15), (9, 15), (11, 15)] {
        fails(&module(&[(id, huge)]), ErrorCode::UnexpectedEndOfSection, at);
    }
    // Parameters, results, elements.
    let mut content = b"\x01\x60".to_vec();
    content.extend(huge);
    fails(&module(&[(1, &content)]), ErrorCode::UnexpectedEndOfSection, 17);
    let mut content = b"\x01\x60\x00".to_vec();
    content.extend(huge);
    fails(&module(&[(1, &content)]), ErrorCode::UnexpectedEndOfSection, 18);
    let mut content = b"\x01\x01\x00".to_vec();
    content.extend(huge);
    fails(&module(&[(9, &content)]), ErrorCode::UnexpectedEndOfSection, 18);
}

#[test]
fn br_table_with_too_many_targets() {
    // At the first target: the body cannot hold the others.
    let body = b"\x00\x41\x00\x0e\xff\xff\xff\xff\x0f\x00\x00\x0b";
    fails(&function(body), ErrorCode::UnexpectedEndOfSection, BODY + 9);
    fails(&function(b"\x00\x41\x00\x0e\x02\x00\x00\x0b"), ErrorCode::UnexpectedEndOfSection, BODY + 5);
    fails(&function(b"\x00\x41\x00\x0e\x02\x00\x00\x01\x0b"), ErrorCode::UnknownLabel, BODY + 7);
    passes(&function(b"\x00\x41\x00\x0e\x02\x00\x00\x00\x0b"));
}

#[test]
fn locals_whose_number_overflows() {
    let most = b"\xff\xff\xff\xff\x0f\x7f";
    let body = [b"\x02", &most[..], b"\x01\x7e\x0b"].concat();
    fails(&function(&body), ErrorCode::TooManyLocals, BODY + 7);
    // No more than the numbers allow, but more than the limit: placed at the run that passes it.
    let body = [b"\x02\x01\x7e", &most[..5], b"\x7f\x0b"].concat();
    assert_eq!(check(&function(&body)).code(), Some(ErrorCode::TooManyLocals));
    let outcome = check(&function(b"\x02\x01\x7e\xd0\x86\x03\x7f\x0b"));
    assert_eq!(outcome.code().map(ErrorCode::kind), Some(ErrorKind::Limit));
    assert_eq!(outcome.offset(), Some(BODY + 3));
}

#[test]
fn padded_numbers_up_to_their_width() {
    passes(&module(&[(1, b"\x81\x80\x80\x80\x00\x60\x80\x00\x80\x80\x00")]));
    fails(&module(&[(1, b"\x81\x80\x80\x80\x80\x00\x60\x00\x00")]), ErrorCode::IntegerTooLong, 10);
    fails(&module(&[(1, b"\x81\x80\x80\x80\x10\x60\x00\x00")]), ErrorCode::IntegerTooLarge, 10);
    fails(&module(&[(5, b"\x01\x02\x00")]), ErrorCode::IntegerTooLarge, 11);
    fails(&module(&[(5, b"\x01\x81\x00\x00")]), ErrorCode::IntegerTooLong, 11);
}

#[test]
fn element_segments_of_all_eight_kinds() {
    let bytes = wat("(module
        (table $t 4 funcref) (table $x 4 externref)
        (func $f)
        (elem (i32.const 0) $f)
        (elem func $f)
        (elem (table $t) (i32.const 0) func $f)
        (elem declare func $f)
        (elem (i32.const 0) funcref (ref.func $f) (ref.null func))
        (elem funcref (ref.func $f))
        (elem (table $x) (i32.const 0) externref (ref.null extern))
        (elem declare externref (ref.null extern)))");
    let seen = passes(&bytes);
    assert_eq!(seen.matches("ElemSegment {").count(), 8);
    assert!(seen.contains("items: [Func(0), Null]"), "{seen}");
    fails(&module(&[(9, b"\x01\x08")]), ErrorCode::BadSegmentFlags, 11);
    fails(&module(&[(9, b"\x01\x01\x01\x00")]), ErrorCode::BadElemKind, 12);
    fails(&module(&[(11, b"\x01\x03\x00")]), ErrorCode::BadSegmentFlags, 11);
}
