"""Judges tests/golden/ed25519.txt with plain integers, from the rule's text in src/crypto/ed25519.rs alone.

Needs nothing but Python 3. Prints how many lines it judged; exits with 1 if it disagrees with one.
"""

import hashlib
import pathlib
import sys

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)
# Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, T = XY/Z: sums need no division.
IDENTITY = (0, 1, 1, 0)


def add(left, right):
    """The sum of two points: RFC 8032, 5.1.4."""
    (x1, y1, z1, t1), (x2, y2, z2, t2) = left, right
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def same(left, right):
    (x1, y1, z1, _), (x2, y2, z2, _) = left, right
    return (x1 * z2 - x2 * z1) % P == 0 and (y1 * z2 - y2 * z1) % P == 0


def mul(scalar, point):
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def decode(data):
    """The point of a canonical encoding, or None."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * SQRT_MINUS_ONE % P
    if x * x % P != square or (x == 0 and sign == 1):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def verdict(key, signature, message):
    point = decode(key)
    if point is None or same(mul(8, point), IDENTITY):
        return "bad_key"
    commitment = decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if commitment is None or s >= ORDER:
        return "bad_signature"
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    left = mul(8 * s, BASE)
    right = add(mul(8, commitment), mul(8 * k, point))
    return "counts" if same(left, right) else "bad_signature"


def main():
    path = pathlib.Path(__file__).parent / "golden" / "ed25519.txt"
    wrong = judged = 0
    for line in path.read_text().splitlines():
        kind, key, signature, message, wanted = line.split(" ")
        message = b"" if message == "-" else bytes.fromhex(message)
        found = verdict(bytes.fromhex(key), bytes.fromhex(signature), message)
        judged += 1
        if found != wanted:
            wrong += 1
            print(f"{kind} {key} {signature}: {found} here, {wanted} in the list")
    print(f"{judged - wrong} passed, {wrong} failed")
    sys.exit(1 if wrong or judged < 400 else 0)


main()
