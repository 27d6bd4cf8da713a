//! Keccak-256 evaluated by the compiler, so that selectors and event topics are derived from
//! their signature text and cannot be mistyped. Nothing of it is left in the built module.

const RATE: usize = 136;

/// The step constants of iota come from the degree-8 LFSR of the Keccak specification, section 1.2.
const fn round_constant(round: usize) -> u64 {
    let mut constant = 0;
    let mut bit = 0;
    while bit < 7 {
        if lfsr(7 * round + bit) {
            constant |= 1 << ((1 << bit) - 1);
        }
        bit += 1;
    }
    constant
}

/// x^step mod x^8 + x^6 + x^5 + x^4 + 1, its constant term.
const fn lfsr(steps: usize) -> bool {
    let mut state: u16 = 1;
    let mut step = 0;
    while step < steps {
        state <<= 1;
        if state & 0x100 != 0 {
            state ^= 0x171;
        }
        step += 1;
    }
    state & 1 == 1
}

const fn permute(mut a: [u64; 25]) -> [u64; 25] {
    let mut round = 0;
    while round < 24 {
        // theta
        let mut column = [0; 5];
        let mut x = 0;
        while x < 5 {
            column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
            x += 1;
        }
        let mut i = 0;
        while i < 25 {
            a[i] ^= column[(i + 4) % 5] ^ column[(i + 1) % 5].rotate_left(1);
            i += 1;
        }
        // rho and pi: one walk over the 24 lanes other than (0, 0)
        let (mut x, mut y) = (1, 0);
        let mut moved = a[x + 5 * y];
        let mut t = 0;
        while t < 24 {
            let next = (y, (2 * x + 3 * y) % 5);
            x = next.0;
            y = next.1;
            let here = a[x + 5 * y];
            a[x + 5 * y] = moved.rotate_left((((t + 1) * (t + 2) / 2) % 64) as u32);
            moved = here;
            t += 1;
        }
        // chi
        let mut y = 0;
        while y < 25 {
            let row = [a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]];
            let mut x = 0;
            while x < 5 {
                a[y + x] = row[x] ^ (!row[(x + 1) % 5] & row[(x + 2) % 5]);
                x += 1;
            }
            y += 5;
        }
        // iota
        a[0] ^= round_constant(round);
        round += 1;
    }
    a
}

/// Keccak-256 of a text shorter than one block; longer ones do not compile.
pub const fn keccak256(text: &str) -> [u8; 32] {
    let text = text.as_bytes();
    assert!(text.len() < RATE, "signature texts fit in one block");
    let mut state = [0_u64; 25];
    let mut i = 0;
    while i < text.len() {
        state[i / 8] ^= (text[i] as u64) << (8 * (i % 8));
        i += 1;
    }
    state[i / 8] ^= 1 << (8 * (i % 8));
    state[(RATE - 1) / 8] ^= 0x80 << 56;
    let state = permute(state);
    let mut digest = [0; 32];
    let mut i = 0;
    while i < 32 {
        digest[i] = (state[i / 8] >> (8 * (i % 8))) as u8;
        i += 1;
    }
    digest
}

/// The first four bytes of the hash of a signature text.
pub const fn selector(signature: &str) -> [u8; 4] {
    let digest = keccak256(signature);
    [digest[0], digest[1], digest[2], digest[3]]
}

/// The published selector of the most called method there is: checked at every build.
const _: () = {
    let known = selector("transfer(address,uint256)");
    assert!(known[0] == 0xa9 && known[1] == 0x05 && known[2] == 0x9c && known[3] == 0xbb);
};
