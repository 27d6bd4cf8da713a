"""Runs every kernel's native build and compares it with the table in src/kernels.rs."""

import ctypes
import pathlib
import re
import sys

table = pathlib.Path(sys.argv[1]).read_text()
libraries = pathlib.Path(sys.argv[2])
row = re.compile(r"(\w+)\s*=>\s*run\(([\d_]+)\)\s*==\s*(-?[\d_]+),\s*smoke\(([\d_]+)\)\s*==\s*(-?[\d_]+);")

failed = 0
rows = row.findall(table)
for name, *numbers in rows:
    run = ctypes.CDLL(str(libraries / f"{name}.so")).run
    run.argtypes, run.restype = [ctypes.c_int32], ctypes.c_int64
    for argument, expected in (numbers[:2], numbers[2:]):
        result = run(int(argument))
        agrees = result == int(expected)
        failed += not agrees
        print(f"{name:10} run({argument}) = {result}{'' if agrees else '   but the table says ' + expected}")
if not rows:
    sys.exit("no rows found")
sys.exit(1 if failed else 0)
