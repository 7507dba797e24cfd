"""What an action sees and gives: loading, results, errors with their lines, logs, both styles."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from raindrop.functions.confinement import Confinement, find_confinement
from raindrop.functions.limits import Limits, SandboxUnavailable
from raindrop.functions.pool import Pool
from raindrop.functions.runtimes import find_runtimes
from raindrop.functions.sandbox import Code, Sandbox
from tests.functions.conftest import action, node, python, run, texts

HANDLER = """
def main(context):
    context.log("method", context.req.method)
    context.error({"sad": True})
    if context.req.path == "/empty":
        return context.res.empty()
    if context.req.path == "/to":
        return context.res.redirect("https://example.com/")
    if context.req.path == "/bytes":
        return context.res.binary(bytes([0, 255]))
    if context.req.path == "/nothing":
        return None
    return context.res.json({
        "body": context.req.body, "query": context.req.query, "url": context.req.url,
        "header": context.req.headers["x-one"], "text": context.req.body_text,
        "camel": context.req.bodyText,
    }, 201, {"X-Two": "2"})
"""

JS_HANDLER = """
export default async ({ req, res, log, error }) => {
  log('method', req.method); error(JSON.stringify({ sad: true }));
  if (req.path === '/empty') return res.empty();
  if (req.path === '/to') return res.redirect('https://example.com/');
  if (req.path === '/bytes') return res.binary(Buffer.from([0, 255]));
  if (req.path === '/nothing') return;
  return res.json({ body: req.body, query: req.query, url: req.url, header: req.headers['x-one'],
    text: req.bodyText, camel: req.bodyRaw }, 201, { 'X-Two': '2' });
};
"""


LATE = """function main() {
  return new Promise(() =>
    setTimeout(() => { throw new Error('late') }, 5));
}
"""


@pytest.fixture
def pool(make_pool: Callable[..., Pool]) -> Pool:
    return make_pool()


def test_a_function_gets_its_arguments_and_variables(pool: Pool) -> None:
    made = python(
        "import os\nprint('loaded')\n"
        "def hello(args):\n"
        "    print('called')\n"
        "    return {'name': args['name'], 'secret': os.environ['SECRET'],\n"
        "            'id': os.environ['__OW_ACTIVATION_ID'], 'all': sorted(os.environ)}\n"
    )
    code = Code("main.py", text=made.code.text, main="hello")
    made = action("python", code, environ={"SECRET": "s3"})
    outcome = run(pool, made, {"name": "Ann"}, activation_id="x1")
    assert outcome.status == "success"
    names = outcome.result.pop("all")
    assert outcome.result == {"name": "Ann", "secret": "s3", "id": "x1"}
    assert set(names) <= {
        "HOME", "LANG", "LC_CTYPE", "PATH", "PWD", "SECRET", "TMPDIR", "__OW_ACTIVATION_ID",
    }  # fmt: skip
    assert texts(outcome, "stdout") == ["loaded", "called"]
    # The context of one activation is not the next one's.
    again = run(pool, made, {"name": "Bob"}, activation_id="x2")
    assert again.result["id"] == "x2"
    assert texts(again) == ["called"]


def test_node_runs_what_is_exported_and_what_is_only_named(pool: Pool) -> None:
    for text, entry in [
        ("function main(args) { console.log('hi'); return { n: args.n + 1 } }", "index.js"),
        ("exports.main = async (args) => { console.log('hi'); return { n: args.n + 1 } }", "a.js"),
        ("export function main(args) { console.log('hi'); return { n: args.n + 1 } }", "a.mjs"),
        ("export function main(args) { console.log('hi'); return { n: args.n + 1 } }", "a.js"),
    ]:
        outcome = run(pool, node(text, entry), {"n": 1})
        assert (outcome.status, outcome.result, texts(outcome)) == ("success", {"n": 2}, ["hi"])


@pytest.mark.parametrize("runtime", ["python", "nodejs"])
def test_a_handler_gets_a_request_and_gives_a_response(pool: Pool, runtime: str) -> None:
    code = (
        Code("main.py", text=HANDLER, style="handler")
        if runtime == "python"
        else Code("main.mjs", text=JS_HANDLER, style="handler")
    )
    made = action(runtime, code)
    request = {
        "method": "POST", "scheme": "https", "host": "a.test", "port": 8443, "path": "/x",
        "query": "a=1&b", "headers": {"X-One": "1", "Content-Type": "application/json"},
        "body": '{"n": 1}',
    }  # fmt: skip
    outcome = run(pool, made, request)
    assert outcome.status == "success", outcome
    answer = outcome.result
    assert (answer["statusCode"], answer["encoding"]) == (201, "utf-8")
    assert answer["headers"] == {"x-two": "2", "content-type": "application/json"}
    assert json.loads(answer["body"]) == {
        "body": {"n": 1}, "query": {"a": "1", "b": ""}, "url": "https://a.test:8443/x?a=1&b",
        "header": "1", "text": '{"n": 1}', "camel": '{"n": 1}',
    }  # fmt: skip
    assert texts(outcome, "stdout") == ["method POST"]
    assert [json.loads(text) for text in texts(outcome, "stderr")] == [{"sad": True}]
    empty = run(pool, made, {"path": "/empty"}).result
    assert (empty["statusCode"], empty["body"]) == (204, "")
    assert run(pool, made, {"path": "/to"}).result["headers"] == {
        "location": "https://example.com/"
    }
    data = run(pool, made, {"path": "/bytes"}).result
    assert (data["encoding"], base64.b64decode(data["body"])) == ("base64", b"\x00\xff")
    assert run(pool, made, {"path": "/nothing"}).status == "developer_error"


@pytest.mark.parametrize(
    ("make", "text", "message", "line"),
    [
        (python, "def main(args):\n    x = 1\n    return x / 0\n", "ZeroDivisionError", 3),
        (python, "def main(args):\n    return {\n", "SyntaxError", 2),
        (python, "import nothing_like_this\n", "ModuleNotFoundError", 1),
        (python, "x = 1\ndef main(args):\n    import sys\n    sys.exit(3)\n", "SystemExit", 4),
        (node, "function main(a) {\n  const x = 1;\n  return a.b.c;\n}", "TypeError", 3),
        (node, "function main(a) {\n  return {\n}\n", "SyntaxError", 4),
        (node, LATE, "late", 3),
    ],
)  # fmt: skip
def test_an_error_is_told_with_its_line(
    pool: Pool, make: Callable, text: str, message: str, line: int
) -> None:
    made = make(text)
    outcome = run(pool, made)
    assert outcome.status == "developer_error"
    assert message in outcome.result["error"]
    assert outcome.at == (made.code.entry, line)
    assert f"{made.code.entry}, line {line}" in outcome.result["error"]
    assert any(message in text for text in texts(outcome, "stderr"))
    assert not any("launcher" in text for text in texts(outcome))


def test_an_error_on_purpose_is_the_applications(pool: Pool) -> None:
    outcome = run(pool, python("def main(args):\n    return {'error': 'no such thing'}\n"))
    assert (outcome.status, outcome.result) == ("application_error", {"error": "no such thing"})


@pytest.mark.parametrize(
    ("returned", "words"),
    [("3", "did not return a dictionary"), ("{1: {2}}", "cannot be JSON"),
     ("{'n': float('nan')}", "cannot be JSON")],
)  # fmt: skip
def test_what_is_no_object_is_no_result(pool: Pool, returned: str, words: str) -> None:
    outcome = run(pool, python(f"def main(args):\n    return {returned}\n"))
    assert outcome.status == "developer_error"
    assert words in outcome.result["error"]


def test_missing_function_and_missing_file(pool: Pool, folder: Path) -> None:
    outcome = run(pool, python("def other(args):\n    return {}\n"))
    assert outcome.result == {"error": 'The code has no function "main".'}
    outcome = run(pool, action("python", Code("gone.py", folder=folder)))
    assert outcome.result == {"error": 'The code has no file "gone.py".'}


def test_result_at_its_limit_and_over(pool: Pool) -> None:
    text = "def main(args):\n    return {'x': 'a' * args['n']}\n"
    made = python(text, limits=Limits(result_bytes=1000))
    at_limit = 1000 - len(json.dumps({"x": ""}))
    assert run(pool, made, {"n": at_limit}).status == "success"
    outcome = run(pool, made, {"n": at_limit + 1})
    assert outcome.status == "developer_error"
    assert "1001 bytes, the limit is 1000" in outcome.result["error"]


def test_log_at_its_limit_and_over(pool: Pool) -> None:
    text = "def main(args):\n    print('a' * args['n'])\n    return {}\n"
    made = python(text, limits=Limits(log_bytes=1000))
    outcome = run(pool, made, {"n": 999})
    assert (texts(outcome), outcome.is_log_truncated) == (["a" * 999], False)
    outcome = run(pool, made, {"n": 1000})
    assert outcome.is_log_truncated
    assert texts(outcome) == [
        "a" * 1000,
        "Logs were truncated: 1001 bytes came, the limit is 1000.",
    ]
    assert outcome.status == "success"


def test_a_folder_with_modules_and_dependencies(pool: Pool, folder: Path) -> None:
    (folder / "helper").mkdir()
    (folder / "helper" / "__init__.py").write_text("VALUE = 7\n")
    (folder / "packages").mkdir()
    (folder / "packages" / "dependency.py").write_text("import json\nVALUE = 8\n")
    (folder / "main.py").write_text(
        "import dependency, helper\n"
        "def main(args):\n    return {'n': [helper.VALUE, dependency.VALUE]}\n"
    )
    outcome = run(pool, action("python", Code("main.py", folder=folder)))
    assert outcome.result == {"n": [7, 8]}


def test_an_executable_that_speaks_the_protocol(pool: Pool) -> None:
    script = """#!/bin/sh
echo '{"ready": true}' >&3
while read -r line <&3; do
    id=$(printf '%s\\n' "$line" | sed 's/^{"id": \\([0-9]*\\).*/\\1/')
    echo "said: hello"; echo XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX
    echo "{\\"id\\": $id, \\"status\\": 200, \\"body\\": {\\"from\\": \\"sh\\"}}" >&3
done
"""
    made = action("executable", Code("exec", text=script))
    first, lease = pool.invoke(made, {}, {})
    assert (first.result, lease.start) == ({"from": "sh"}, "cold")
    outcome, lease = pool.invoke(made, {}, {})
    assert (outcome.result, lease.start) == ({"from": "sh"}, "warm")
    assert texts(outcome) == ["said: hello"]


def test_a_second_init_is_refused(confinement: Confinement) -> None:
    good = Code("main.py", text="def main(args):\n    return {'who': 'first'}\n")
    evil = Code("main.py", text="def main(args):\n    return {'who': 'second'}\n")
    for runtime in ("python", "nodejs"):
        sandbox = Sandbox(confinement, find_runtimes()["python"], Limits(), code=good)
        try:
            assert sandbox.init(good, {}, Limits())[0].status == 200, runtime
            reply, _ = sandbox.init(evil, {}, Limits())
            assert reply.status == 403
            assert reply.body == {"error": "Cannot initialize the action more than once."}
            assert sandbox.run({}, {}).result == {"who": "first"}
        finally:
            sandbox.kill()


def test_refusal_without_bubblewrap_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="bubblewrap is missing"):
        find_confinement(tmp_path / "work")


def test_without_a_sandbox_where_that_was_asked_for(tmp_path: Path) -> None:
    bare = find_confinement(tmp_path / "work", is_bare=True)
    assert bare.describe() == {"sandbox": "none: functions can do whatever this server can"}
    pool = Pool(bare, find_runtimes(), budget_bytes=1 << 30)
    kept = tmp_path / "kept"
    kept.write_text("mine")
    try:
        made = python("def main(args):\n    raise KeyError('x')\n")
        outcome = run(pool, made)
        assert outcome.at == ("main.py", 2)
        endless = python("while True: pass\n", limits=Limits(init_s=0.5))
        assert run(pool, endless).status == "timeout"
        assert run(pool, node("function main() { return { a: 1 } }")).result == {"a": 1}
    finally:
        pool.close()
    assert kept.exists()


def test_start_is_quick_and_idle_is_small(make_pool: Callable[..., Pool]) -> None:
    """Far from the figures of the bench: only a mistake is as slow or as large as this."""
    pool = make_pool(prewarmed={"python": 1})
    pool.tend()
    for _ in range(20):
        began = time.perf_counter()
        lease = pool.invoke(python("def main(args):\n    return {}\n"), {}, {})[1]
        assert time.perf_counter() - began < 2, lease
    time.sleep(0.2)
    pool.tend()
    figures = pool.figures()
    assert figures["bytes"] / (figures["warm"] + figures["prewarmed"]) < 15e6
