"""Subjects that nobody should write, and sizes that nobody should ask for: what the attack on the commands tries."""

import textwrap

# Each begins so; `Subject` is what is checked.
START = """
import builtins, ctypes, gc, io, json, os, random, shutil, signal, subprocess, sys, tempfile, threading, time
import numpy as np
from examples.correct import Network as Plain

class Subject(Plain):
    done = 0
"""

FILES = {
    "raises when imported": "raise ValueError('[bold]no\\x1b[2J')",
    "raises what is no exception class of its own": "raise type('\\ud800', (Exception,), {})('\\udcff')",
    "exits when imported": "sys.exit(3)",
    "ends its process when imported": "os._exit(0)",
    "recurses when imported": "f = lambda: f(); f()",
    "nests too deep to be read": "x = " + "[" * 150 + "]" * 150,
    "prints for ever when imported": "while True: print('x' * 1000)",
    "sleeps for ever when imported": "time.sleep(1000)",
    "deletes its own file": "os.remove(__file__)",
    "deletes its folder of temporary files": (
        "[shutil.rmtree(each) for each in [os.environ.get('TMPDIR', '')] if 'keras-parity-' in each]"
    ),
    "changes the working directory, which is gone": "d = tempfile.mkdtemp(); os.chdir(d); os.rmdir(d)",
    "replaces builtins": "builtins.len = builtins.isinstance = builtins.print = None",
    "replaces open and getattr": "builtins.open = builtins.getattr = lambda *a: 1 / 0",
    "replaces NumPy": "np.array = np.asarray = np.dot = np.ndarray = np.zeros = None",
    "replaces sums of NumPy": "np.sum = np.matmul = lambda *a, **k: np.ones(3)",
    "replaces the clock": "time.monotonic = time.process_time = lambda: 0.0",
    "replaces the standard streams": "sys.stdout = sys.stderr = sys.stdin = None",
    "forgets all modules": "sys.modules.clear()",
    "traces and profiles": "sys.settrace(lambda *a: 1 / 0); sys.setprofile(lambda *a: None)",
    "allows no recursion": "sys.setrecursionlimit(60)",
    "ignores signals": "[signal.signal(n, signal.SIG_IGN) for n in (2, 15, 1)]",
    "asks for an alarm": "signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)",
    "leaves a thread that loops": "threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()",
    "leaves programs in sessions of their own": (
        "[subprocess.Popen(['sleep', '300'], start_new_session=True) for _ in '123']"
    ),
    "forks without end": "for _ in range(4): os.fork()",
    "leaves a fork that ignores signals": (
        "if not os.fork():\n    signal.signal(15, signal.SIG_IGN)\n    os.setsid()\n    while True: time.sleep(1)"
    ),
    "is no class": "Subject = 3",
    "is nothing": "Subject = None",
    "is a generator": "def Subject(sizes, rate): yield 1",
    "is a coroutine": "async def Subject(sizes, rate): return Plain(sizes, rate)",
    "answers to every name": "class Subject:\n    def __getattr__(self, name): return lambda *a, **k: Subject()",
    "fails at every name": (
        "class Subject:\n    def __init__(self, *a): pass\n"
        "    def __getattribute__(self, name): raise RuntimeError(name)"
    ),
    "has a metaclass that fails": (
        "class M(type):\n    def __getattribute__(cls, name): raise OSError(28, 'full')\n"
        "class Subject(metaclass=M): pass"
    ),
    "cannot be printed": (
        "class E(Exception):\n    __str__ = __repr__ = lambda self: 1 / 0\ndef Subject(sizes, rate): raise E"
    ),
    "exits in __init__": "def Subject(sizes, rate): sys.exit('[red]')",
    "takes a terabyte": "def Subject(sizes, rate): return np.ones(2**37)",
    "floods its streams": "os.write(1, b'x' * 10**6); os.write(2, b'x' * 10**6)",
    "closes everything": "os.closerange(0, 1024)",
}  # fmt: skip

STEPS = {
    "a text": "return 'low'",
    "nothing": "return None",
    "an object": "return object()",
    "NaN": "return float('nan')",
    "infinity": "return np.float64('-inf')",
    "a huge number": "return 10**400",
    "a complex number": "return 1j",
    "a generator": "yield 1",
    "an array": "return np.zeros((3, 3))",
    "itself": "return self",
    "an endless dict": "d = {}; d['loss'] = d; return d",
    "what raises when it is looked at": "return type('L', (), {'__array__': lambda *a, **k: 1 / 0})()",
}
WEIGHTS = {
    "none": "[]",
    "None": "None",
    "generated": "(w for w in super(Subject, self).get_weights())",
    "endless": "iter(lambda: np.zeros(3), None)",
    "texts": "[w.astype(str) for w in super().get_weights()]",
    "objects": "[w.astype(object) for w in super().get_weights()]",
    "NaN": "[w * np.nan for w in super().get_weights()]",
    "infinite": "[w + np.inf for w in super().get_weights()]",
    "complex": "[w * 1j for w in super().get_weights()]",
    "dates": "[w.astype('M8[s]') for w in super().get_weights()]",
    "structured": "[np.zeros(w.shape, 'f8, i4') for w in super().get_weights()]",
    "ragged": "[w.tolist() + [[1]] for w in super().get_weights()]",
    "huge": "[np.broadcast_to(0.0, (10**6, 10**6))] * 4",
    "of no dimension": "[np.float64(1)] * 4",
    "of many dimensions": "[np.zeros((1,) * 60)] * 4",
    "nested": "[[[[[]]]]]",
    "of a class that lies": "[type('A', (np.ndarray,), {'shape': (9, 9)})(w.shape) for w in super().get_weights()]",
}  # fmt: skip
LATER = {
    "kills its process": "os.kill(os.getpid(), 9)",
    "kills its group": "os.killpg(0, 9)",
    "stops its process": "os.kill(os.getpid(), signal.SIGSTOP)",
    "crashes": "ctypes.string_at(0)",
    "loops for ever": "while True: pass",
    "prints for ever": "while True: print('x' * 1000)",
    "recurses": "return self.train_on_batch(x, y)",
    "takes all memory": "hold = [bytearray(2**28) for _ in iter(int, 1)]",
    "raises what cannot be printed": "raise type('E', (BaseException,), {'__str__': lambda s: 1 / 0})",
    "raises half characters and escapes": "raise ValueError('\\ud800\\x1b[2J[/x]' * 5000)",
    "exits": "sys.exit()",
    "interrupts": "raise KeyboardInterrupt",
    "forks": "os.fork()",
    "writes garbage to every file": "[_write(f, b'garbage' * 99) for f in range(3, 64)]",
    "closes every file": "os.closerange(0, 1024)",
    "changes what it is given": "x[...] = 7; y[...] = 0",
    "fills its folder": "open(tempfile.mkstemp()[1], 'wb').write(bytes(10**7))",
    "rewrites its class": "Subject.get_weights = lambda self: 1 / 0",
}
_WRITE = """
def _write(file, content):
    try: os.write(file, content)
    except OSError: pass
"""

# Stands between the check and what answers there: each message may be changed, doubled, cut short or left out.
FORGER = """
from dataclasses import fields, is_dataclass
from compare.check.subject import serving, wire
from msgspec import structs
rng = random.Random({seed!r})
send = serving.send
ODD = [None, True, -1, 0, 3, 2**63, 1e308, float("nan"), float("inf"), "", "x" * 10**6, "[x]\\x1b[2J", [], [[]],
       {{}}, b"x", np.zeros((2, 2)), np.full((4, 5), np.nan), np.array(1), np.zeros((0, 9)), np.zeros(3, complex),
       [np.full((4, 5), np.inf), np.zeros(5), np.zeros((5, 3)), np.zeros(3)]]

def parts(value, found):
    names = [f.name for f in fields(value)] if is_dataclass(value) else list(getattr(value, "__struct_fields__", ()))
    found += [(value, name) for name in names]
    for inner in ([getattr(value, name) for name in names] + (list(value) if isinstance(value, list) else [])):
        parts(inner, found)
    if isinstance(value, dict):
        found += [(value, name) for name in (*value, "layer_sizes", "error", "train", "method", "dtype")]
    return found

def changed(value):
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
        other = value.copy()
        other.flat[rng.randrange(other.size)] = rng.choice([np.nan, np.inf, 1e308, 5e-324, 0.0])
        return rng.choice([other, other, value.T, value[:0], value.astype(np.float16), value * 1e300])
    if isinstance(value, list) and value:
        at = rng.randrange(len(value))
        return rng.choice([value[:at], value + value, value[:at] + [changed(value[at])] + value[at + 1:]])
    return rng.choice(ODD)

def forged(stream, number, message):
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        of, name = rng.choice(parts(message, []))
        if isinstance(of, dict): of[name] = changed(of.get(name))
        else:
            try: setattr(of, name, changed(getattr(of, name)))
            except Exception: pass
    kind = rng.randrange(30)
    try: data = wire.encode(message)
    except Exception: data = rng.randbytes(99)
    number += rng.choice([0] * 40 + [1, 2**40])
    if kind == 0: data = data[:rng.randrange(len(data))]
    elif kind == 1:
        data = rng.choice([b"\\x91" * 10**6, b"\\xdd\\xff\\xff\\xff\\xff", b"\\x00" * 10**7, rng.randbytes(50)])
    head = wire.HEAD.pack(wire.MARK, number, len(data) + (rng.choice([-1, 1, 2**29, 2**40]) if kind == 2 else 0))
    if kind == 3: head = rng.randbytes(len(head))
    for _ in range(2 if kind == 4 else 0 if kind == 5 else 1):
        stream.write(head + data)
    stream.flush()

serving.send = forged
"""

ABSURD = [
    *(10**9, 10**12, 10**12 + 1, 10**15, 2**31, 2**63, 2**64, 10**30, 10**300, -1, -(10**30), 0),
    *("1e9", "1e30", "1e308", "1e400", "-1e400", "1e-400", "0.5", "1.5", "-0.0", "inf", "-inf", "nan", "Infinity"),
    *("", " ", "many", "1,000", "0x10", "1_0", "+1", "٣", "1/2", "None", "true", "9" * 5000),
]
HUGE = 10**9  # of what is counted: nothing begins with so many
COUNTED = {"--epochs", "--replicates", "--pairs", "--layers", "--steps", "--workers"}


def subjects() -> dict[str, str]:
    """Every hostile subject's file, by what it does."""
    found = {name: f"{START}\n{text}\n" for name, text in FILES.items()}
    for name, text in STEPS.items():
        found[f"returns {name}"] = f"{START}\n    def train_on_batch(self, x, y):\n        {text}\n"
    for name, text in WEIGHTS.items():
        found[f"has weights that are {name}"] = f"{START}\n    def get_weights(self): return {text}\n"
    for name, text in LATER.items():
        body = textwrap.indent(text, " " * 12)
        step = "    def train_on_batch(self, x, y):\n        self.done += 1\n        if self.done > 1:\n"
        found[f"{name} in its second step"] = (
            f"{_WRITE}{START}{step}{body}\n        return super().train_on_batch(x, y)\n"
        )
    return found


def forging(seed: int) -> str:
    """The file of a subject that trains well, and forges what its process answers."""
    return START + FORGER.format(seed=seed)
