"""Reads what libautograd wrote and writes what it is to read, from the published formats alone.

interchange.py PROGRAM FOLDER: PROGRAM is tests/interchange. Python's safetensors and NumPy are used
too where they are installed.
"""
import json
import os
import struct
import subprocess
import sys
import zlib

program, folder = sys.argv[1:]
passed = 0


def run(*arguments):
    done = subprocess.run((program,) + arguments, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8")


def expect(what, actual, expected):
    global passed
    if actual != expected:
        sys.exit(f"failed: {what}: {actual!r} instead of {expected!r}")
    passed += 1


def bits(values):
    return " ".join("%08x" % struct.unpack("<I", struct.pack("<f", v)) for v in values)


def path(name):
    return os.path.join(folder, name)


def read_safetensors(name):
    """The metadata, and each tensor's shape and bytes."""
    data = open(path(name), "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length].decode("utf-8"))
    metadata = header.pop("__metadata__", {})
    tensors, covered = {}, 0
    for tensor, entry in header.items():
        begin, end = entry["data_offsets"]
        expect("offset of " + tensor, begin, covered)
        expect("type of " + tensor, entry["dtype"], "F32")
        tensors[tensor] = (entry["shape"], data[8 + length + begin:8 + length + end])
        covered = end
    expect("size of " + name, 8 + length + covered, len(data))
    return metadata, tensors, data


# ---- written there, read here ----

words = run("write", folder).split()
written = b"".join(struct.pack("<I", int(word, 16)) for word in words[2:])
weight = 'layer "0".wäight'

metadata, tensors, _ = read_safetensors("w.safetensors")
expect("metadata", metadata, {"note": "b\\ä\n"})
expect("tensors", tensors, {weight: ([2, 3, 5], written)})

metadata, tensors, data = read_safetensors("w.checkpoint")
expect("names", sorted(tensors),
       [weight, "optimizer.0.exp_avg", "optimizer.0.exp_avg_sq"])
expect("weights", tensors[weight], ([2, 3, 5], written))
expect("step", metadata["autograd.step"], "12")
expect("note", metadata["note"], "b\\ä\n")
digits = metadata["autograd.crc32"].encode()
expect("checksum", b"%08x" % zlib.crc32(data.replace(digits, b"00000000", 1)), digits)

npy = open(path("w.npy"), "rb").read()
(length,) = struct.unpack("<H", npy[8:10])
expect("npy", npy[:8], b"\x93NUMPY\1\0")
expect("npy header", eval(npy[10:10 + length]),
       {"descr": "<f4", "fortran_order": False, "shape": (2, 3, 5)})
expect("npy elements", npy[10 + length:], written)

# ---- written here, read there ----

values = [1.0, -2.5, 3e-39]
header = {"__metadata__": {"maker": "py\u00e4\n\"\\"},
          "b": {"dtype": "F32", "shape": [3], "data_offsets": [24, 36]},
          "\U0001f600/d": {"dtype": "F64", "shape": [3, 1], "data_offsets": [0, 24]},
          "h": {"dtype": "F16", "shape": [], "data_offsets": [36, 38]}}
for escaped in (True, False):
    text = json.dumps(header, ensure_ascii=escaped, indent=1 if escaped else None).encode("utf-8")
    with open(path("py.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + struct.pack("<3d", *values) +
                   struct.pack("<3f", *values) + struct.pack("<e", 0.333))
    half = struct.unpack("<e", struct.pack("<e", 0.333))
    expect("safetensors from Python", run("safetensors", path("py.safetensors")),
           "maker=pyä\n\"\\\n" + f"b 3 {bits(values)}\n\U0001f600/d 3x1 {bits(values)}\n"
           f"h 1 {bits(half)}\n")

# ---- the libraries themselves ----

try:
    import safetensors
except ImportError:
    print("skipped: Python's safetensors is not installed")
else:
    with safetensors.safe_open(path("w.safetensors"), "numpy") as file:
        expect("safetensors", file.get_tensor(weight).tobytes(), written)

try:
    import numpy
except ImportError:
    print("skipped: NumPy is not installed")
else:
    expect("numpy.load", numpy.load(path("w.npy")).tobytes(), written)
    random = numpy.random.default_rng(1)
    for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"):
        for order in "<>":
            array = (random.standard_normal((3, 2)) * 100).astype(order + code)
            if code in ("i8", "u8"):
                array = random.integers(0, 2**62, (3, 2)).astype(order + code)
            numpy.save(path("n.npy"), array)
            floats = array.astype("<f4")
            expect(order + code, run("npy", path("n.npy")),
                   f"n.npy 3x2 {bits(floats.ravel().tolist())}\n")
    for version in ((1, 0), (2, 0), (3, 0)):
        with open(path("v.npy"), "wb") as file:
            numpy.lib.format.write_array(file, numpy.float32([1, 2]), version)
        expect(f"version {version}", run("npy", path("v.npy")), f"v.npy 2 {bits([1, 2])}\n")

print(f"{passed} passed, 0 failed")
