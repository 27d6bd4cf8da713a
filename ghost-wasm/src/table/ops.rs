//! Every WebAssembly operator, one row each: the single source from which the decoder's tables, the
//! validator's fixed signatures, the feature check, the gas class, the text name in diagnostics and the
//! opcode page are derived. A list of operators anywhere else is a bug.
//!
//! A row is: encoding, name, text name, immediates, signature (`poly` where the stack decides and the
//! validator has hand-written code), gas class, proposal that brought it. An encoding above `0xff` is a
//! prefix byte and a sub-opcode (`0xfc0a` is `0xfc 10`).
//!
//! Source: WebAssembly core specification 2.0, "Binary Format / Instructions" and appendix "Index of
//! Instructions"; for what came later, the overviews of the proposals (links in `features.rs`).

use super::features::Feature;
use super::gas::GasClass;
use crate::types::ValType;

/// Calls `$mac!` with all rows of the operator table.
#[rustfmt::skip]
macro_rules! for_each_op {
    ($mac:ident) => {
        $mac! {
            0x00,   Unreachable,       "unreachable",           Nil,          (poly),                   Structure,    Mvp;
            0x01,   Nop,               "nop",                   Nil,          ([] => []),               Structure,    Mvp;
            0x02,   Block,             "block",                 Block,        (poly),                   Structure,    Mvp;
            0x03,   Loop,              "loop",                  Block,        (poly),                   Structure,    Mvp;
            0x04,   If,                "if",                    Block,        (poly),                   If,           Mvp;
            0x05,   Else,              "else",                  Nil,          (poly),                   Structure,    Mvp;
            0x0b,   End,               "end",                   Nil,          (poly),                   Structure,    Mvp;
            0x0c,   Br,                "br",                    Label,        (poly),                   Br,           Mvp;
            0x0d,   BrIf,              "br_if",                 Label,        (poly),                   BrIf,         Mvp;
            0x0e,   BrTable,           "br_table",              BrTable,      (poly),                   BrTable,      Mvp;
            0x0f,   Return,            "return",                Nil,          (poly),                   Return,       Mvp;
            0x10,   Call,              "call",                  Func,         (poly),                   Call,         Mvp;
            0x11,   CallIndirect,      "call_indirect",         CallIndirect, (poly),                   CallIndirect, Mvp;
            0x12,   ReturnCall,        "return_call",           Func,         (poly),                   Call,         TailCall;
            0x13,   ReturnCallIndirect, "return_call_indirect", CallIndirect, (poly),                   CallIndirect, TailCall;
            0x1a,   Drop,              "drop",                  Nil,          (poly),                   Structure,    Mvp;
            0x1b,   Select,            "select",                Nil,          (poly),                   Select,       Mvp;
            0x1c,   SelectT,           "select",                SelectTypes,  (poly),                   Select,       ReferenceTypes;
            0x20,   LocalGet,          "local.get",             Local,        (poly),                   Local,        Mvp;
            0x21,   LocalSet,          "local.set",             Local,        (poly),                   Local,        Mvp;
            0x22,   LocalTee,          "local.tee",             Local,        (poly),                   Local,        Mvp;
            0x23,   GlobalGet,         "global.get",            Global,       (poly),                   Global,       Mvp;
            0x24,   GlobalSet,         "global.set",            Global,       (poly),                   Global,       Mvp;
            0x25,   TableGet,          "table.get",             Table,        (poly),                   Reference,    ReferenceTypes;
            0x26,   TableSet,          "table.set",             Table,        (poly),                   Reference,    ReferenceTypes;
            0x28,   I32Load,           "i32.load",              MemArg(2),    ([I32] => [I32]),         Load,         Mvp;
            0x29,   I64Load,           "i64.load",              MemArg(3),    ([I32] => [I64]),         Load,         Mvp;
            0x2a,   F32Load,           "f32.load",              MemArg(2),    ([I32] => [F32]),         Load,         Mvp;
            0x2b,   F64Load,           "f64.load",              MemArg(3),    ([I32] => [F64]),         Load,         Mvp;
            0x2c,   I32Load8S,         "i32.load8_s",           MemArg(0),    ([I32] => [I32]),         Load,         Mvp;
            0x2d,   I32Load8U,         "i32.load8_u",           MemArg(0),    ([I32] => [I32]),         Load,         Mvp;
            0x2e,   I32Load16S,        "i32.load16_s",          MemArg(1),    ([I32] => [I32]),         Load,         Mvp;
            0x2f,   I32Load16U,        "i32.load16_u",          MemArg(1),    ([I32] => [I32]),         Load,         Mvp;
            0x30,   I64Load8S,         "i64.load8_s",           MemArg(0),    ([I32] => [I64]),         Load,         Mvp;
            0x31,   I64Load8U,         "i64.load8_u",           MemArg(0),    ([I32] => [I64]),         Load,         Mvp;
            0x32,   I64Load16S,        "i64.load16_s",          MemArg(1),    ([I32] => [I64]),         Load,         Mvp;
            0x33,   I64Load16U,        "i64.load16_u",          MemArg(1),    ([I32] => [I64]),         Load,         Mvp;
            0x34,   I64Load32S,        "i64.load32_s",          MemArg(2),    ([I32] => [I64]),         Load,         Mvp;
            0x35,   I64Load32U,        "i64.load32_u",          MemArg(2),    ([I32] => [I64]),         Load,         Mvp;
            0x36,   I32Store,          "i32.store",             MemArg(2),    ([I32 I32] => []),        Store,        Mvp;
            0x37,   I64Store,          "i64.store",             MemArg(3),    ([I32 I64] => []),        Store,        Mvp;
            0x38,   F32Store,          "f32.store",             MemArg(2),    ([I32 F32] => []),        Store,        Mvp;
            0x39,   F64Store,          "f64.store",             MemArg(3),    ([I32 F64] => []),        Store,        Mvp;
            0x3a,   I32Store8,         "i32.store8",            MemArg(0),    ([I32 I32] => []),        Store,        Mvp;
            0x3b,   I32Store16,        "i32.store16",           MemArg(1),    ([I32 I32] => []),        Store,        Mvp;
            0x3c,   I64Store8,         "i64.store8",            MemArg(0),    ([I32 I64] => []),        Store,        Mvp;
            0x3d,   I64Store16,        "i64.store16",           MemArg(1),    ([I32 I64] => []),        Store,        Mvp;
            0x3e,   I64Store32,        "i64.store32",           MemArg(2),    ([I32 I64] => []),        Store,        Mvp;
            0x3f,   MemorySize,        "memory.size",           Memory,       ([] => [I32]),            Global,       Mvp;
            0x40,   MemoryGrow,        "memory.grow",           Memory,       ([I32] => [I32]),         MemoryGrow,   Mvp;
            0x41,   I32Const,          "i32.const",             I32,          ([] => [I32]),            Const,        Mvp;
            0x42,   I64Const,          "i64.const",             I64,          ([] => [I64]),            Const,        Mvp;
            0x43,   F32Const,          "f32.const",             F32,          ([] => [F32]),            Const,        Mvp;
            0x44,   F64Const,          "f64.const",             F64,          ([] => [F64]),            Const,        Mvp;
            0x45,   I32Eqz,            "i32.eqz",               Nil,          ([I32] => [I32]),         Alu,          Mvp;
            0x46,   I32Eq,             "i32.eq",                Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x47,   I32Ne,             "i32.ne",                Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x48,   I32LtS,            "i32.lt_s",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x49,   I32LtU,            "i32.lt_u",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x4a,   I32GtS,            "i32.gt_s",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x4b,   I32GtU,            "i32.gt_u",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x4c,   I32LeS,            "i32.le_s",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x4d,   I32LeU,            "i32.le_u",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x4e,   I32GeS,            "i32.ge_s",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x4f,   I32GeU,            "i32.ge_u",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x50,   I64Eqz,            "i64.eqz",               Nil,          ([I64] => [I32]),         Alu,          Mvp;
            0x51,   I64Eq,             "i64.eq",                Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x52,   I64Ne,             "i64.ne",                Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x53,   I64LtS,            "i64.lt_s",              Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x54,   I64LtU,            "i64.lt_u",              Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x55,   I64GtS,            "i64.gt_s",              Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x56,   I64GtU,            "i64.gt_u",              Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x57,   I64LeS,            "i64.le_s",              Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x58,   I64LeU,            "i64.le_u",              Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x59,   I64GeS,            "i64.ge_s",              Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x5a,   I64GeU,            "i64.ge_u",              Nil,          ([I64 I64] => [I32]),     Alu,          Mvp;
            0x5b,   F32Eq,             "f32.eq",                Nil,          ([F32 F32] => [I32]),     FloatCmp,     Mvp;
            0x5c,   F32Ne,             "f32.ne",                Nil,          ([F32 F32] => [I32]),     FloatCmp,     Mvp;
            0x5d,   F32Lt,             "f32.lt",                Nil,          ([F32 F32] => [I32]),     FloatCmp,     Mvp;
            0x5e,   F32Gt,             "f32.gt",                Nil,          ([F32 F32] => [I32]),     FloatCmp,     Mvp;
            0x5f,   F32Le,             "f32.le",                Nil,          ([F32 F32] => [I32]),     FloatCmp,     Mvp;
            0x60,   F32Ge,             "f32.ge",                Nil,          ([F32 F32] => [I32]),     FloatCmp,     Mvp;
            0x61,   F64Eq,             "f64.eq",                Nil,          ([F64 F64] => [I32]),     FloatCmp,     Mvp;
            0x62,   F64Ne,             "f64.ne",                Nil,          ([F64 F64] => [I32]),     FloatCmp,     Mvp;
            0x63,   F64Lt,             "f64.lt",                Nil,          ([F64 F64] => [I32]),     FloatCmp,     Mvp;
            0x64,   F64Gt,             "f64.gt",                Nil,          ([F64 F64] => [I32]),     FloatCmp,     Mvp;
            0x65,   F64Le,             "f64.le",                Nil,          ([F64 F64] => [I32]),     FloatCmp,     Mvp;
            0x66,   F64Ge,             "f64.ge",                Nil,          ([F64 F64] => [I32]),     FloatCmp,     Mvp;
            0x67,   I32Clz,            "i32.clz",               Nil,          ([I32] => [I32]),         Alu,          Mvp;
            0x68,   I32Ctz,            "i32.ctz",               Nil,          ([I32] => [I32]),         Alu,          Mvp;
            0x69,   I32Popcnt,         "i32.popcnt",            Nil,          ([I32] => [I32]),         Mul,          Mvp;
            0x6a,   I32Add,            "i32.add",               Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x6b,   I32Sub,            "i32.sub",               Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x6c,   I32Mul,            "i32.mul",               Nil,          ([I32 I32] => [I32]),     Mul,          Mvp;
            0x6d,   I32DivS,           "i32.div_s",             Nil,          ([I32 I32] => [I32]),     Div,          Mvp;
            0x6e,   I32DivU,           "i32.div_u",             Nil,          ([I32 I32] => [I32]),     Div,          Mvp;
            0x6f,   I32RemS,           "i32.rem_s",             Nil,          ([I32 I32] => [I32]),     Div,          Mvp;
            0x70,   I32RemU,           "i32.rem_u",             Nil,          ([I32 I32] => [I32]),     Div,          Mvp;
            0x71,   I32And,            "i32.and",               Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x72,   I32Or,             "i32.or",                Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x73,   I32Xor,            "i32.xor",               Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x74,   I32Shl,            "i32.shl",               Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x75,   I32ShrS,           "i32.shr_s",             Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x76,   I32ShrU,           "i32.shr_u",             Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x77,   I32Rotl,           "i32.rotl",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x78,   I32Rotr,           "i32.rotr",              Nil,          ([I32 I32] => [I32]),     Alu,          Mvp;
            0x79,   I64Clz,            "i64.clz",               Nil,          ([I64] => [I64]),         Alu,          Mvp;
            0x7a,   I64Ctz,            "i64.ctz",               Nil,          ([I64] => [I64]),         Alu,          Mvp;
            0x7b,   I64Popcnt,         "i64.popcnt",            Nil,          ([I64] => [I64]),         Mul,          Mvp;
            0x7c,   I64Add,            "i64.add",               Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x7d,   I64Sub,            "i64.sub",               Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x7e,   I64Mul,            "i64.mul",               Nil,          ([I64 I64] => [I64]),     Mul,          Mvp;
            0x7f,   I64DivS,           "i64.div_s",             Nil,          ([I64 I64] => [I64]),     Div,          Mvp;
            0x80,   I64DivU,           "i64.div_u",             Nil,          ([I64 I64] => [I64]),     Div,          Mvp;
            0x81,   I64RemS,           "i64.rem_s",             Nil,          ([I64 I64] => [I64]),     Div,          Mvp;
            0x82,   I64RemU,           "i64.rem_u",             Nil,          ([I64 I64] => [I64]),     Div,          Mvp;
            0x83,   I64And,            "i64.and",               Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x84,   I64Or,             "i64.or",                Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x85,   I64Xor,            "i64.xor",               Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x86,   I64Shl,            "i64.shl",               Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x87,   I64ShrS,           "i64.shr_s",             Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x88,   I64ShrU,           "i64.shr_u",             Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x89,   I64Rotl,           "i64.rotl",              Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x8a,   I64Rotr,           "i64.rotr",              Nil,          ([I64 I64] => [I64]),     Alu,          Mvp;
            0x8b,   F32Abs,            "f32.abs",               Nil,          ([F32] => [F32]),         Alu,          Mvp;
            0x8c,   F32Neg,            "f32.neg",               Nil,          ([F32] => [F32]),         Alu,          Mvp;
            0x8d,   F32Ceil,           "f32.ceil",              Nil,          ([F32] => [F32]),         FloatAlu,     Mvp;
            0x8e,   F32Floor,          "f32.floor",             Nil,          ([F32] => [F32]),         FloatAlu,     Mvp;
            0x8f,   F32Trunc,          "f32.trunc",             Nil,          ([F32] => [F32]),         FloatAlu,     Mvp;
            0x90,   F32Nearest,        "f32.nearest",           Nil,          ([F32] => [F32]),         FloatAlu,     Mvp;
            0x91,   F32Sqrt,           "f32.sqrt",              Nil,          ([F32] => [F32]),         FloatDiv,     Mvp;
            0x92,   F32Add,            "f32.add",               Nil,          ([F32 F32] => [F32]),     FloatAlu,     Mvp;
            0x93,   F32Sub,            "f32.sub",               Nil,          ([F32 F32] => [F32]),     FloatAlu,     Mvp;
            0x94,   F32Mul,            "f32.mul",               Nil,          ([F32 F32] => [F32]),     FloatAlu,     Mvp;
            0x95,   F32Div,            "f32.div",               Nil,          ([F32 F32] => [F32]),     FloatDiv,     Mvp;
            0x96,   F32Min,            "f32.min",               Nil,          ([F32 F32] => [F32]),     FloatAlu,     Mvp;
            0x97,   F32Max,            "f32.max",               Nil,          ([F32 F32] => [F32]),     FloatAlu,     Mvp;
            0x98,   F32Copysign,       "f32.copysign",          Nil,          ([F32 F32] => [F32]),     FloatAlu,     Mvp;
            0x99,   F64Abs,            "f64.abs",               Nil,          ([F64] => [F64]),         Alu,          Mvp;
            0x9a,   F64Neg,            "f64.neg",               Nil,          ([F64] => [F64]),         Alu,          Mvp;
            0x9b,   F64Ceil,           "f64.ceil",              Nil,          ([F64] => [F64]),         FloatAlu,     Mvp;
            0x9c,   F64Floor,          "f64.floor",             Nil,          ([F64] => [F64]),         FloatAlu,     Mvp;
            0x9d,   F64Trunc,          "f64.trunc",             Nil,          ([F64] => [F64]),         FloatAlu,     Mvp;
            0x9e,   F64Nearest,        "f64.nearest",           Nil,          ([F64] => [F64]),         FloatAlu,     Mvp;
            0x9f,   F64Sqrt,           "f64.sqrt",              Nil,          ([F64] => [F64]),         FloatDiv,     Mvp;
            0xa0,   F64Add,            "f64.add",               Nil,          ([F64 F64] => [F64]),     FloatAlu,     Mvp;
            0xa1,   F64Sub,            "f64.sub",               Nil,          ([F64 F64] => [F64]),     FloatAlu,     Mvp;
            0xa2,   F64Mul,            "f64.mul",               Nil,          ([F64 F64] => [F64]),     FloatAlu,     Mvp;
            0xa3,   F64Div,            "f64.div",               Nil,          ([F64 F64] => [F64]),     FloatDiv,     Mvp;
            0xa4,   F64Min,            "f64.min",               Nil,          ([F64 F64] => [F64]),     FloatAlu,     Mvp;
            0xa5,   F64Max,            "f64.max",               Nil,          ([F64 F64] => [F64]),     FloatAlu,     Mvp;
            0xa6,   F64Copysign,       "f64.copysign",          Nil,          ([F64 F64] => [F64]),     FloatAlu,     Mvp;
            0xa7,   I32WrapI64,        "i32.wrap_i64",          Nil,          ([I64] => [I32]),         Convert,      Mvp;
            0xa8,   I32TruncF32S,      "i32.trunc_f32_s",       Nil,          ([F32] => [I32]),         FloatConvert, Mvp;
            0xa9,   I32TruncF32U,      "i32.trunc_f32_u",       Nil,          ([F32] => [I32]),         FloatConvert, Mvp;
            0xaa,   I32TruncF64S,      "i32.trunc_f64_s",       Nil,          ([F64] => [I32]),         FloatConvert, Mvp;
            0xab,   I32TruncF64U,      "i32.trunc_f64_u",       Nil,          ([F64] => [I32]),         FloatConvert, Mvp;
            0xac,   I64ExtendI32S,     "i64.extend_i32_s",      Nil,          ([I32] => [I64]),         Convert,      Mvp;
            0xad,   I64ExtendI32U,     "i64.extend_i32_u",      Nil,          ([I32] => [I64]),         Convert,      Mvp;
            0xae,   I64TruncF32S,      "i64.trunc_f32_s",       Nil,          ([F32] => [I64]),         FloatConvert, Mvp;
            0xaf,   I64TruncF32U,      "i64.trunc_f32_u",       Nil,          ([F32] => [I64]),         FloatConvert, Mvp;
            0xb0,   I64TruncF64S,      "i64.trunc_f64_s",       Nil,          ([F64] => [I64]),         FloatConvert, Mvp;
            0xb1,   I64TruncF64U,      "i64.trunc_f64_u",       Nil,          ([F64] => [I64]),         FloatConvert, Mvp;
            0xb2,   F32ConvertI32S,    "f32.convert_i32_s",     Nil,          ([I32] => [F32]),         FloatConvert, Mvp;
            0xb3,   F32ConvertI32U,    "f32.convert_i32_u",     Nil,          ([I32] => [F32]),         FloatConvert, Mvp;
            0xb4,   F32ConvertI64S,    "f32.convert_i64_s",     Nil,          ([I64] => [F32]),         FloatConvert, Mvp;
            0xb5,   F32ConvertI64U,    "f32.convert_i64_u",     Nil,          ([I64] => [F32]),         FloatConvert, Mvp;
            0xb6,   F32DemoteF64,      "f32.demote_f64",        Nil,          ([F64] => [F32]),         FloatConvert, Mvp;
            0xb7,   F64ConvertI32S,    "f64.convert_i32_s",     Nil,          ([I32] => [F64]),         FloatConvert, Mvp;
            0xb8,   F64ConvertI32U,    "f64.convert_i32_u",     Nil,          ([I32] => [F64]),         FloatConvert, Mvp;
            0xb9,   F64ConvertI64S,    "f64.convert_i64_s",     Nil,          ([I64] => [F64]),         FloatConvert, Mvp;
            0xba,   F64ConvertI64U,    "f64.convert_i64_u",     Nil,          ([I64] => [F64]),         FloatConvert, Mvp;
            0xbb,   F64PromoteF32,     "f64.promote_f32",       Nil,          ([F32] => [F64]),         FloatConvert, Mvp;
            0xbc,   I32ReinterpretF32, "i32.reinterpret_f32",   Nil,          ([F32] => [I32]),         Convert,      Mvp;
            0xbd,   I64ReinterpretF64, "i64.reinterpret_f64",   Nil,          ([F64] => [I64]),         Convert,      Mvp;
            0xbe,   F32ReinterpretI32, "f32.reinterpret_i32",   Nil,          ([I32] => [F32]),         Convert,      Mvp;
            0xbf,   F64ReinterpretI64, "f64.reinterpret_i64",   Nil,          ([I64] => [F64]),         Convert,      Mvp;
            0xc0,   I32Extend8S,       "i32.extend8_s",         Nil,          ([I32] => [I32]),         Convert,      SignExtension;
            0xc1,   I32Extend16S,      "i32.extend16_s",        Nil,          ([I32] => [I32]),         Convert,      SignExtension;
            0xc2,   I64Extend8S,       "i64.extend8_s",         Nil,          ([I64] => [I64]),         Convert,      SignExtension;
            0xc3,   I64Extend16S,      "i64.extend16_s",        Nil,          ([I64] => [I64]),         Convert,      SignExtension;
            0xc4,   I64Extend32S,      "i64.extend32_s",        Nil,          ([I64] => [I64]),         Convert,      SignExtension;
            0xd0,   RefNull,           "ref.null",              RefType,      (poly),                   Const,        ReferenceTypes;
            0xd1,   RefIsNull,         "ref.is_null",           Nil,          (poly),                   Alu,          ReferenceTypes;
            0xd2,   RefFunc,           "ref.func",              Func,         ([] => [FuncRef]),        Reference,    ReferenceTypes;
            0xfc00, I32TruncSatF32S,   "i32.trunc_sat_f32_s",   Nil,          ([F32] => [I32]),         FloatConvert, SaturatingConversion;
            0xfc01, I32TruncSatF32U,   "i32.trunc_sat_f32_u",   Nil,          ([F32] => [I32]),         FloatConvert, SaturatingConversion;
            0xfc02, I32TruncSatF64S,   "i32.trunc_sat_f64_s",   Nil,          ([F64] => [I32]),         FloatConvert, SaturatingConversion;
            0xfc03, I32TruncSatF64U,   "i32.trunc_sat_f64_u",   Nil,          ([F64] => [I32]),         FloatConvert, SaturatingConversion;
            0xfc04, I64TruncSatF32S,   "i64.trunc_sat_f32_s",   Nil,          ([F32] => [I64]),         FloatConvert, SaturatingConversion;
            0xfc05, I64TruncSatF32U,   "i64.trunc_sat_f32_u",   Nil,          ([F32] => [I64]),         FloatConvert, SaturatingConversion;
            0xfc06, I64TruncSatF64S,   "i64.trunc_sat_f64_s",   Nil,          ([F64] => [I64]),         FloatConvert, SaturatingConversion;
            0xfc07, I64TruncSatF64U,   "i64.trunc_sat_f64_u",   Nil,          ([F64] => [I64]),         FloatConvert, SaturatingConversion;
            0xfc08, MemoryInit,        "memory.init",           MemoryInit,   ([I32 I32 I32] => []),    BulkMemory,   BulkMemory;
            0xfc09, DataDrop,          "data.drop",             Data,         ([] => []),               Drop,         BulkMemory;
            0xfc0a, MemoryCopy,        "memory.copy",           MemoryCopy,   ([I32 I32 I32] => []),    BulkMemory,   BulkMemory;
            0xfc0b, MemoryFill,        "memory.fill",           Memory,       ([I32 I32 I32] => []),    BulkMemory,   BulkMemory;
            0xfc0c, TableInit,         "table.init",            TableInit,    ([I32 I32 I32] => []),    BulkTable,    BulkMemory;
            0xfc0d, ElemDrop,          "elem.drop",             Elem,         ([] => []),               Drop,         BulkMemory;
            0xfc0e, TableCopy,         "table.copy",            TableCopy,    ([I32 I32 I32] => []),    BulkTable,    BulkMemory;
            0xfc0f, TableGrow,         "table.grow",            Table,        (poly),                   BulkTable,    ReferenceTypes;
            0xfc10, TableSize,         "table.size",            Table,        ([] => [I32]),            Reference,    ReferenceTypes;
            0xfc11, TableFill,         "table.fill",            Table,        (poly),                   BulkTable,    ReferenceTypes;
            0xfc13, I64Add128,         "i64.add128",            Nil,          ([I64 I64 I64 I64] => [I64 I64]), Mul,  WideArithmetic;
            0xfc14, I64Sub128,         "i64.sub128",            Nil,          ([I64 I64 I64 I64] => [I64 I64]), Mul,  WideArithmetic;
            0xfc15, I64MulWideS,       "i64.mul_wide_s",        Nil,          ([I64 I64] => [I64 I64]), Mul,          WideArithmetic;
            0xfc16, I64MulWideU,       "i64.mul_wide_u",        Nil,          ([I64 I64] => [I64 I64]), Mul,          WideArithmetic;
        }
    };
}

/// The immediates that follow an opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imm {
    /// None.
    Nil,
    /// A block type (s33).
    Block,
    /// A label index.
    Label,
    /// A vector of label indices and a default; the targets are items of their own.
    BrTable,
    /// A function index.
    Func,
    /// A type index and a table index.
    CallIndirect,
    /// A local index.
    Local,
    /// A global index.
    Global,
    /// A table index.
    Table,
    /// Alignment exponent and offset; the field is the exponent of the natural alignment.
    MemArg(u8),
    /// A memory index (before multi-memory: the byte zero).
    Memory,
    /// A signed 32-bit constant.
    I32,
    /// A signed 64-bit constant.
    I64,
    /// Four bytes, little-endian.
    F32,
    /// Eight bytes, little-endian.
    F64,
    /// A reference type.
    RefType,
    /// A vector of value types, which must have one element.
    SelectTypes,
    /// A data segment index and a memory index.
    MemoryInit,
    /// A data segment index.
    Data,
    /// Destination and source memory indices.
    MemoryCopy,
    /// An element segment index and a table index.
    TableInit,
    /// An element segment index.
    Elem,
    /// Destination and source table indices.
    TableCopy,
}

/// What an operator pops and pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Always the same types.
    Fixed {
        /// Popped, the last one first.
        params: &'static [ValType],
        /// Pushed.
        results: &'static [ValType],
    },
    /// Depends on the stack or on the module.
    Poly,
}

macro_rules! signature {
    (poly) => {
        Signature::Poly
    };
    ([$($p:ident)*] => [$($r:ident)*]) => {
        Signature::Fixed { params: &[$(ValType::$p),*], results: &[$(ValType::$r),*] }
    };
}

macro_rules! define_ops {
    ($($code:literal, $name:ident, $text:literal, $imm:expr, ($($sig:tt)*), $class:ident, $feature:ident;)*) => {
        /// An operator. The discriminant is the row's position in the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Op {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        impl Op {
            /// All operators, in the order of the table.
            pub const ALL: &'static [Op] = &[$(Op::$name),*];
            const ROWS: &'static [Row] = &{
                use Imm::*;
                [$(Row {
                    code: $code,
                    name: stringify!($name),
                    text: $text,
                    imm: $imm,
                    signature: signature!($($sig)*),
                    class: GasClass::$class,
                    feature: Feature::$feature,
                }),*]
            };
        }
    };
}
for_each_op!(define_ops);

struct Row {
    code: u16,
    name: &'static str,
    text: &'static str,
    imm: Imm,
    signature: Signature,
    class: GasClass,
    feature: Feature,
}

impl Op {
    const fn row(self) -> &'static Row {
        &Self::ROWS[self as usize]
    }

    /// The encoding: one byte, or prefix byte and sub-opcode.
    pub const fn code(self) -> u16 {
        self.row().code
    }

    /// The name in the text format.
    pub const fn text(self) -> &'static str {
        self.row().text
    }

    /// The name of the variant.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The immediates that follow.
    pub const fn imm(self) -> Imm {
        self.row().imm
    }

    /// What it pops and pushes.
    pub const fn signature(self) -> Signature {
        self.row().signature
    }

    /// What it costs by.
    pub const fn class(self) -> GasClass {
        self.row().class
    }

    /// The proposal that brought it.
    pub const fn feature(self) -> Feature {
        self.row().feature
    }

    /// Whether the extended-const proposal admits it to constant expressions.
    pub const fn is_extended_const(self) -> bool {
        matches!(self, Op::I32Add | Op::I32Sub | Op::I32Mul | Op::I64Add | Op::I64Sub | Op::I64Mul)
    }

    /// The operator of a one-byte encoding.
    pub const fn from_byte(byte: u8) -> Option<Op> {
        BYTE_TABLE[byte as usize]
    }

    /// The operator of a sub-opcode behind a prefix byte.
    pub const fn from_prefixed(prefix: u8, sub: u32) -> Option<Op> {
        if prefix != 0xfc || sub >= FC_TABLE.len() as u32 {
            return None;
        }
        FC_TABLE[sub as usize]
    }

    /// Whether `byte` announces a sub-opcode.
    pub const fn is_prefix(byte: u8) -> bool {
        byte == 0xfc
    }
}

const fn decode_table<const N: usize>(base: u16) -> [Option<Op>; N] {
    let mut table = [None; N];
    let mut row = 0;
    while row < Op::ALL.len() {
        let code = Op::ROWS[row].code;
        if code >= base && ((code - base) as usize) < N {
            let at = (code - base) as usize;
            assert!(table[at].is_none(), "two operators with one encoding");
            table[at] = Some(Op::ALL[row]);
        }
        row += 1;
    }
    table
}

static BYTE_TABLE: [Option<Op>; 256] = decode_table::<256>(0);
static FC_TABLE: [Option<Op>; 32] = decode_table::<32>(0xfc00);
