"""Hostile code: contained, told in the outcome, unnoticed by the neighbour."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from raindrop.functions.confinement import Confinement
from raindrop.functions.limits import Limits
from raindrop.functions.pool import Pool
from tests.functions.conftest import MIB, Attack, node, python, run, texts


def tried(code: str) -> str:
    """An action that does this and gives ``found`` or the error."""
    body = textwrap.indent(textwrap.dedent(code).strip(), "        ")
    return (
        "import os, sys, ctypes, socket, subprocess\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"def main(args):\n    found = None\n    try:\n{body}\n"
        "    except BaseException as error:\n"
        "        return {'refused': f'{type(error).__name__}: {error}'}\n"
        "    return {'found': found}\n"
    )


def test_fork_bomb(attack: Attack) -> None:
    outcome = attack.run(
        """
import os
def main(args):
    made = 0
    try:
        while True:
            if os.fork() == 0:
                while True:
                    os.fork()
            made += 1
    except OSError as error:
        return {'made': made, 'error_was': str(error)}
""",
        processes=20,
        run_s=5,
    )
    assert outcome.status in {"success", "timeout"}, outcome
    if outcome.status == "success":
        assert outcome.result["made"] <= 24
        assert "unavailable" in outcome.result["error_was"]


def test_processes_at_their_limit_and_over(attack: Attack) -> None:
    text = """
import subprocess
def main(args):
    made = []
    try:
        for _ in range(args['n']):
            made.append(subprocess.Popen(['/usr/bin/sleep', '60']))
    except OSError:
        pass
    return {'made': len(made)}
"""
    # The launcher is one of the ten; what bubblewrap needs comes on top, up to four.
    assert attack.run(text, {"n": 9}, processes=10).result == {"made": 9}
    assert attack.run(text, {"n": 30}, processes=10).result["made"] <= 13


def test_memory_bomb(attack: Attack) -> None:
    outcome = attack.run(
        "def main(args):\n    held = []\n    while True:\n"
        "        held.append(bytearray(1 << 20))\n",
        memory_bytes=64 * MIB,
    )
    assert outcome.status in {"out_of_memory", "developer_error"}, outcome
    assert "memory" in outcome.result["error"].lower()


def test_memory_bomb_of_many_processes(attack: Attack) -> None:
    outcome = attack.run(
        """
import os, time
def main(args):
    for _ in range(20):
        if os.fork() == 0:
            held = bytearray(b'x') * (20 << 20)
            time.sleep(60)
    time.sleep(60)
""",
        memory_bytes=100 * MIB,
        run_s=5,
    )
    assert outcome.status in {"out_of_memory", "timeout"}, outcome


def test_memory_bomb_in_node(make_pool: Callable[..., Pool]) -> None:
    made = node(
        "function main() { const held = []; for (;;) held.push(Buffer.alloc(1 << 20, 1)) }",
        limits=Limits(memory_bytes=96 * MIB, run_s=20),
    )
    outcome = run(make_pool(), made)
    assert outcome.status in {"out_of_memory", "crashed", "developer_error"}, outcome


def test_disk_bomb(attack: Attack, confinement: Confinement) -> None:
    outcome = attack.run(
        tried(
            """
            for n in range(100):
                with open(f'/tmp/{n}', 'wb') as file:
                    for _ in range(100):
                        file.write(bytes(1 << 20))
            """
        ),
        disk_bytes=8 * MIB,
    )
    assert "No space left" in outcome.result["refused"] or "large" in outcome.result["refused"]
    everywhere = attack.run(
        """
import os
def main(args):
    places = []
    for folder, _, _ in os.walk('/'):
        if folder.startswith(('/proc', '/tmp', '/usr')):
            continue
        try:
            open(os.path.join(folder, 'x'), 'w').close()
            places.append(folder)
        except OSError:
            pass
    return {'places': places}
"""
    )
    assert everywhere.result == {"places": []}


def test_a_million_empty_files(attack: Attack) -> None:
    outcome = attack.run(
        "def main(args):\n    for n in range(1_000_000):\n        open(f'/tmp/{n}', 'w').close()\n",
        memory_bytes=48 * MIB,
        run_s=8,
    )
    assert outcome.status in {"out_of_memory", "crashed", "developer_error", "timeout"}, outcome


def test_endless_loop(attack: Attack) -> None:
    began = time.monotonic()
    outcome = attack.run("def main(args):\n    while True: pass\n", run_s=0.5)
    assert outcome.status == "timeout"
    assert outcome.result == {"error": "The action exceeded its time limit of 0.5 s."}
    assert 0.5 <= time.monotonic() - began < 3
    assert attack.run("import time\nwhile True: time.sleep(1)\n", init_s=0.5).status == "timeout"


def test_endless_output(attack: Attack) -> None:
    outcome = attack.run(
        "def main(args):\n    while True: print('x' * 1000)\n",
        log_bytes=10_000,
        output_bytes=MIB,
    )
    assert outcome.status == "crashed"
    assert "printed more than" in outcome.result["error"]
    assert outcome.is_log_truncated
    assert sum(map(len, texts(outcome)[:-1])) <= 10_000


def test_endless_answer_and_nonsense_on_the_channel(attack: Attack) -> None:
    endless = attack.run("import os\ndef main(args):\n    while True: os.write(3, b'x' * 65536)\n")
    assert endless.status == "crashed"
    assert "result is over" in endless.result["error"]
    for line in (b"hello", b"[]", b"{}", b'{"id": {}}', b"[" * 5000, b'{"id": 2, "status": "x"}'):
        text = "import os, time\ndef main(args):\n    os.write(3, %r)\n    time.sleep(5)\n"
        outcome = attack.run(text % (line + b"\n",), run_s=2)
        assert outcome.status == "crashed", (line, outcome)
    # Somebody else's number is nobody's answer.
    outcome = attack.run(
        "import os\ndef main(args):\n"
        '    os.write(3, b\'{"id": 99, "status": 200, "body": {"a": 1}}\\n\')\n'
        "    return {'mine': 1}\n"
    )
    assert outcome.result == {"mine": 1}


def test_the_sandbox_ends_itself(attack: Attack) -> None:
    outcome = attack.run(
        "import os\ndef main(args):\n    print('bye', flush=True)\n    os._exit(7)\n"
    )
    assert outcome.status == "crashed"
    assert texts(outcome) == ["bye"]
    outcome = attack.run("import os\ndef main(args):\n    os.kill(1, 9)\n    return {'alive': 1}\n")
    assert outcome.result == {"alive": 1}


def test_files_of_the_host(attack: Attack, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the host's")
    secret.chmod(0o644)
    for path in (
        str(secret), "/etc/shadow", "/root/.bashrc", __file__, "/proc/1/root/etc/shadow",
        f"/proc/{os.getpid()}/environ", "/proc/kcore", "/sys/class/net", "/var/log", "/home",
        "/dev/mem", "/dev/vda", "/dev/sda", "/run/docker.sock",
    ):  # fmt: skip
        outcome = attack.run(
            tried(
                f"path = {path!r}\n"
                "found = os.listdir(path) if os.path.isdir(path) else open(path).read(9)"
            )
        )
        assert "refused" in outcome.result, (path, outcome)
    seen = attack.run(tried("found = sorted(os.listdir('/'))")).result["found"]
    assert set(seen) <= {
        "bin", "code", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin",
        "tmp", "usr",
    }  # fmt: skip
    users = attack.run(tried("found = open('/etc/passwd').read()")).result["found"]
    assert users == "sandbox:x:1000:1000::/tmp:/bin/sh\n"


def test_environment_of_the_host(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAINDROP_SECRET", "s3cret")
    code = """
        pids = filter(str.isdigit, os.listdir('/proc'))
        found = ''.join(open(f'/proc/{pid}/environ').read() for pid in pids)
    """
    outcome = attack.run(tried(code))
    assert "s3cret" not in str(outcome.result)
    assert "RAINDROP" not in str(outcome.result)


def test_processes_of_the_host(attack: Attack) -> None:
    code = "found = [open(f'/proc/{n}/comm').read() for n in os.listdir('/proc') if n.isdigit()]"
    outcome = attack.run(tried(code))
    names = {name.strip() for name in outcome.result["found"]}
    assert names <= {"bwrap", "python3.11", "python3", Path(sys.executable).name}


def test_sockets_of_the_host(attack: Attack, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        port = server.getsockname()[1]
        local.bind("\0raindrop-test-abstract")
        local.listen()
        for code in (
            f"found = str(socket.create_connection(('127.0.0.1', {port}), 2))",
            "s = socket.socket(socket.AF_UNIX); s.connect('\\0raindrop-test-abstract'); found = 1",
            f"s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r}); found = 1",
            "found = str(socket.create_connection(('169.254.169.254', 80), 2))",
            "found = str(socket.create_connection(('100.100.100.200', 80), 2))",
            "found = str(socket.create_connection(('fd00:ec2::254', 80), 2))",
            "found = socket.getaddrinfo('example.com', 80)",
            "found = str(socket.socket(40, socket.SOCK_STREAM))",  # AF_VSOCK
            "found = str(socket.socket(socket.AF_PACKET, socket.SOCK_RAW))",
            "found = str(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))",
        ):
            outcome = attack.run(tried(code))
            assert "refused" in outcome.result, (code, outcome)
    names = attack.run(tried("found = [n for _, n in socket.if_nameindex()]")).result["found"]
    assert "eth0" not in names
    assert not any(name.startswith(("en", "wl")) for name in names)


@pytest.mark.parametrize(
    "code",
    [
        "found = libc.unshare(0x10000000); error = ctypes.get_errno(); assert found == 0, error",
        "found = libc.unshare(0x00020000); error = ctypes.get_errno(); assert found == 0, error",
        "found = subprocess.run(['unshare', '-Ur', 'true'], check=True).returncode",
        "found = subprocess.run(['mount', '-t', 'tmpfs', 'x', '/tmp'], check=True).returncode",
        # clone with CLONE_NEWUSER | SIGCHLD, and clone3.
        "found = libc.syscall(56, 0x10000011, 0, 0, 0, 0); assert found >= 0, ctypes.get_errno()",
        "found = libc.syscall(435, 0, 0); assert ctypes.get_errno() != 38, 'no such call'",
        # ptrace(PTRACE_TRACEME), process_vm_readv, bpf, io_uring_setup, keyctl, perf_event_open.
        "found = libc.ptrace(0, 0, 0, 0); assert found == 0, ctypes.get_errno()",
        "found = libc.syscall(310, 1, 0, 0, 0, 0, 0); assert ctypes.get_errno() != 1, 'EPERM'",
        "found = libc.syscall(321, 0, 0, 0); assert ctypes.get_errno() != 1, 'EPERM'",
        "found = libc.syscall(425, 1, 0); assert ctypes.get_errno() != 1, 'EPERM'",
        "found = libc.syscall(250, 0, -3, 1); assert ctypes.get_errno() != 1, 'EPERM'",
        "found = libc.syscall(298, 0, 0, 0, 0, 0); assert ctypes.get_errno() != 1, 'EPERM'",
        "os.setuid(0)\nfound = os.getuid()",
        "os.chroot('/tmp')\nfound = 1",
        "found = open('/proc/sys/kernel/hostname', 'w')",
        "found = open('/proc/sys/user/max_user_namespaces', 'w').write('9')",
    ],
)
def test_ways_out_of_namespaces(attack: Attack, code: str) -> None:
    if os.uname().machine != "x86_64" and "syscall(" in code:
        pytest.skip("the numbers are of x86-64")
    assert "refused" in attack.run(tried(code)).result


def test_code_is_read_only(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(prewarmed={"python": 1})
    pool.tend()
    text = tried("found = open(__file__, 'a').write('evil')")
    made = python(text)
    for _ in range(2):
        outcome, _ = pool.invoke(made, {}, {})
        assert "Read-only" in outcome.result["refused"] or "denied" in outcome.result["refused"]
    writes = tried("os.chmod('/code', 0o777)\nfound = open('/code/new', 'w')")
    assert "Read-only" in run(pool, python(writes)).result["refused"]


def test_open_files_at_their_limit(attack: Attack) -> None:
    outcome = attack.run(tried("found = [open('/dev/null') for _ in range(1000)]"), open_files=64)
    assert "Too many open files" in outcome.result["refused"]


LEAVER = """
import os, subprocess, sys
def main(args):
    left = sorted(os.listdir('/tmp'))
    context = sorted(name for name in os.environ if name.startswith('__OW_') or name == 'LEFT')
    alive = [open(f'/proc/{n}/comm').read().strip() for n in os.listdir('/proc') if n.isdigit()]
    where = os.getcwd()
    os.makedirs('/tmp/a/b')
    open('/tmp/a/b/secret', 'w').write('mine')
    os.environ['LEFT'] = 'mine'
    os.chdir('/tmp/a')
    subprocess.Popen(['/usr/bin/sleep', '600'], start_new_session=True)
    subprocess.Popen(['/bin/sh', '-c', 'sleep 0.05; echo late'], cwd='/')
    return {'left': left, 'context': context, 'sleeps': alive.count('sleep'), 'where': where}
"""


def test_leftovers_of_the_activation_before(make_pool: Callable[..., Pool]) -> None:
    pool, made = make_pool(), python(LEAVER)
    first, _ = pool.invoke(made, {}, {"activation_id": "1", "api_key": "anns"})
    assert first.status == "success", first
    time.sleep(0.2)
    outcome, lease = pool.invoke(made, {}, {"activation_id": "2"})
    assert lease.start == "warm"
    assert outcome.result == {
        "left": [], "context": ["__OW_ACTIVATION_ID"], "sleeps": 0, "where": "/code",
    }  # fmt: skip
    assert texts(outcome) == []


def test_what_is_printed_between_activations_is_nobodys(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    made = python(
        "import threading, time\n"
        "def late():\n    time.sleep(0.1); print('secret of the first', flush=True)\n"
        "def main(args):\n    threading.Thread(target=late).start()\n    return {}\n"
    )
    run(pool, made)
    time.sleep(0.3)
    assert texts(run(pool, made)) == []


def test_a_killed_parent_leaves_nothing_alive(tmp_path: Path, confinement: Confinement) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from raindrop.functions.confinement import find_confinement
        from raindrop.functions.runtimes import find_runtimes
        from raindrop.functions.leases import Action
        from raindrop.functions.pool import Pool
        from raindrop.functions.sandbox import Code
        confinement = find_confinement(Path(sys.argv[1]), has_cgroups=sys.argv[2] == "yes")
        pool = Pool(confinement, find_runtimes(), budget_bytes=1 << 30, pause_after_s=0)
        text = "import subprocess\\ndef main(args):\\n    return {}\\n"
        for name in "ab":
            pool.invoke(Action(name, "a", "1", "python", Code("main.py", text=text)), {}, {})
        pool.tend()
        print([pid for entry in pool._entries for process in [entry.sandbox._process]
               for pid in [process.popen.pid, *process.members()]], flush=True)
        time.sleep(600)
        """
    )
    has_cgroups = "yes" if confinement.cgroups.controllers else "no"
    parent = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "work", has_cgroups],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert parent.stdout
    pids = [int(pid) for pid in parent.stdout.readline().strip("[]\n").split(",")]
    assert len(pids) == 4
    assert all(is_running(pid) for pid in pids)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, pids))


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
