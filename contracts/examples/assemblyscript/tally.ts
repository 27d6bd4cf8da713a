// A number that anyone may raise, under a name given at the deploy.
//
//   init(string)                    the name, at most 32 bytes
//   add(uint64) -> uint64           raises it, returns the new number, logs Added(address,uint64)
//   total() -> uint64, name() -> string
//
// Keys: "t", the number, u64; "n", the name.

@external("env", "input_len") declare function input_len(): u32;
@external("env", "input_read") declare function input_read(out: usize, cap: u32): u32;
@external("env", "caller") declare function caller(out: usize): void;
@external("env", "value") declare function value(out: usize): void;
@external("env", "return_data") declare function return_data(data: usize, len: u32): void;
@external("env", "revert") declare function revert(code: i32, data: usize, len: u32): void;
@external("env", "emit") declare function emit(topics: usize, count: u32, data: usize, len: u32): void;
@external("env", "storage_read")
declare function storage_read(key: usize, key_len: u32, out: usize, cap: u32): i32;
@external("env", "storage_write")
declare function storage_write(key: usize, key_len: u32, value: usize, len: u32): void;

// Of `zvm selector 'add(uint64)' 'total()' 'name()' 'Added(address,uint64)'`.
const ADD: u32 = 0x7b881196;
const TOTAL: u32 = 0x2ddbd13a;
const NAME: u32 = 0x06fdde03;
const ADDED = memory.data<u8>([
  0xfb, 0x7c, 0x82, 0xa1, 0x13, 0x24, 0x5a, 0xc1, 0x7e, 0xbf, 0x3e, 0xb4, 0xa2, 0xe5, 0x76, 0x3f,
  0x55, 0x1f, 0x70, 0xae, 0x25, 0xaa, 0x75, 0x36, 0x7b, 0xaa, 0x16, 0x41, 0xa7, 0x9e, 0x05, 0x28,
]);

const NAME_MAX: u32 = 32;
const INPUT_MAX: u32 = 4 + NAME_MAX;
const T = memory.data<u8>([0x74]);
const N = memory.data<u8>([0x6e]);
// Buffers: memory is fresh in each call.
const input = memory.data(36);
const word = memory.data(16);
const data = memory.data(72);

// What may happen: a code and Error(string), undone and told to the caller. What must never happen is an
// `assert` or `throw`: AssemblyScript calls the host's `abort` with text and place, which stand in the receipt.
function fail(code: i32, text: string): void {
  const utf8 = String.UTF8.encode(text);
  const len = <u32>utf8.byteLength;
  store<u32>(data, 0xa079c308);
  store<u32>(data, len, 4);
  memory.copy(data + 8, changetype<usize>(utf8), len);
  revert(code, data, 8 + len);
}

// Reads the input, returns its length.
function begin(): u32 {
  value(word);
  if ((load<u64>(word) | load<u64>(word, 8)) != 0) fail(3, "tally: coins are not accepted");
  const len = input_len();
  if (len > INPUT_MAX) fail(2, "tally: malformed arguments");
  input_read(input, len);
  return len;
}

function expect(len: u32, right: u32): void {
  if (len != right) fail(2, "tally: malformed arguments");
}

function readTotal(): u64 {
  assert(storage_read(T, 1, word, 8) == 8, "there is no number");
  return load<u64>(word);
}

function returnWord(number: u64): void {
  store<u64>(word, number);
  return_data(word, 8);
}

function add(len: u32): void {
  expect(len, 12);
  const before = readTotal();
  const total = before + load<u64>(input, 4);
  assert(total >= before, "integer overflow");
  store<u64>(word, total);
  storage_write(T, 1, word, 8);
  // 32 bytes of hash, then the address behind 12 zeros.
  memory.copy(data, ADDED, 32);
  memory.fill(data + 32, 0, 12);
  caller(data + 44);
  emit(data, 2, input + 4, 8);
  returnWord(total);
}

function name(): void {
  const len = storage_read(N, 1, data + 4, NAME_MAX);
  store<u32>(data, len);
  return_data(data, 4 + len);
}

function dispatch(mayChange: bool): i32 {
  const len = begin();
  // Memory is little-endian, a selector is not.
  const selector = len >= 4 ? bswap(load<u32>(input)) : 0;
  if (selector == ADD && mayChange) {
    add(len);
  } else if (selector == TOTAL) {
    expect(len, 4);
    returnWord(readTotal());
  } else if (selector == NAME) {
    expect(len, 4);
    name();
  } else {
    fail(1, "tally: unknown method");
  }
  return 0;
}

export function init(): i32 {
  const len = begin();
  const text = load<u32>(input);
  if (len < 4 || text != len - 4) fail(2, "tally: malformed arguments");
  storage_write(N, 1, input + 4, text);
  store<u64>(word, 0);
  storage_write(T, 1, word, 8);
  return 0;
}

export function invoke(): i32 {
  return dispatch(true);
}

export function query(): i32 {
  return dispatch(false);
}
