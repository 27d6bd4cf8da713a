//! A module of rustc at its default flags: copies and fills of a length known only at run time,
//! sign extension, saturating conversion, calls through function pointers.
#![no_std]

static mut BYTES: [u8; 512] = [0; 512];
static STEPS: [fn(i64) -> i64; 3] = [double, negate, fold];

fn double(x: i64) -> i64 {
    x.wrapping_mul(2)
}

fn negate(x: i64) -> i64 {
    x.wrapping_neg()
}

fn fold(x: i64) -> i64 {
    x ^ (x >> 9)
}

/// A checksum of n turns.
#[no_mangle]
pub extern "C" fn run(n: i32) -> i64 {
    // SAFETY: the module has one thread, and `run` is not called again before it returns.
    let bytes = unsafe { &mut *core::ptr::addr_of_mut!(BYTES) };
    bytes.fill(0);
    let mut sum = 1_i64;
    for turn in 0..n {
        let len = (turn as usize * 7) % 256;
        bytes[..len].fill(turn as u8);
        bytes.copy_within(..len, 256 - len);
        sum = sum.wrapping_mul(31) + i64::from(bytes[255] as i8) + i64::from(sum as i16);
        sum = sum.wrapping_add(i64::from((sum as f64 * 0.37) as i32));
        sum = sum.wrapping_add((sum as f32 * -1.5) as u64 as i64);
        sum = STEPS[turn as usize % STEPS.len()](sum);
    }
    sum
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
