// A byte-code machine with a stack: a switch in a loop, as in every interpreter that is itself
// compiled to WebAssembly. Its program sums the lengths of the Collatz sequences below n.
#include "kernel.h"

enum op { PUSH, LOAD, STORE, ADD, MUL, SUB, AND, SHR, LESS, JUMP, JUMP_IF_ZERO, HALT };
enum var { START, VALUE, STEPS, TOTAL, VARS };

static u8 code[128];
static u32 len;

static u32 emit(enum op op, u8 operand) {
    code[len] = op;
    code[len + 1] = operand;
    len += 2;
    return len - 1;
}

static void binary(enum op op, u8 var, u8 constant) {
    emit(LOAD, var);
    emit(PUSH, constant);
    emit(op, 0);
}

static void land(u32 jump) { code[jump] = (u8)len; }

static void assemble(void) {
    len = 0;
    u8 outer = (u8)len;
    emit(LOAD, VALUE), emit(STORE, VALUE);
    emit(LOAD, START), emit(STORE, VALUE);
    u8 inner = (u8)len;
    emit(PUSH, 1), emit(LOAD, VALUE), emit(LESS, 0);
    u32 done = emit(JUMP_IF_ZERO, 0);
    binary(ADD, STEPS, 1), emit(STORE, STEPS);
    binary(AND, VALUE, 1);
    u32 even = emit(JUMP_IF_ZERO, 0);
    binary(MUL, VALUE, 3), emit(PUSH, 1), emit(ADD, 0), emit(STORE, VALUE);
    emit(JUMP, inner);
    land(even);
    binary(SHR, VALUE, 1), emit(STORE, VALUE);
    emit(JUMP, inner);
    land(done);
    emit(LOAD, TOTAL), emit(LOAD, STEPS), emit(ADD, 0), emit(STORE, TOTAL);
    emit(PUSH, 0), emit(STORE, STEPS);
    binary(SUB, START, 1), emit(STORE, START);
    emit(LOAD, START);
    u32 end = emit(JUMP_IF_ZERO, 0);
    emit(JUMP, outer);
    land(end);
    emit(HALT, 0);
}

static NOINLINE u64 execute(const u8 *program, u64 start, u64 *turns) {
    u64 stack[16], vars[VARS] = {start, 1, 0, 0}, *sp = stack;
    u64 count = 0;
    for (const u8 *ip = program;;) {
        u8 operand = ip[1];
        count++;
        switch ((enum op)*ip) {
            case PUSH: *sp++ = operand; break;
            case LOAD: *sp++ = vars[operand]; break;
            case STORE: vars[operand] = *--sp; break;
            case ADD: sp--, sp[-1] += *sp; break;
            case MUL: sp--, sp[-1] *= *sp; break;
            case SUB: sp--, sp[-1] -= *sp; break;
            case AND: sp--, sp[-1] &= *sp; break;
            case SHR: sp--, sp[-1] >>= *sp & 63; break;
            case LESS: sp--, sp[-1] = sp[-1] < *sp; break;
            case JUMP: ip = program + operand; continue;
            case JUMP_IF_ZERO:
                if (*--sp == 0) {
                    ip = program + operand;
                    continue;
                }
                break;
            case HALT: *turns = count; return vars[TOTAL];
        }
        ip += 2;
    }
}

KERNEL i64 run(i32 n) {
    assemble();
    u64 turns;
    u64 total = execute(code, (u64)n, &turns);
    return (i64)(total << 32 ^ turns);
}
