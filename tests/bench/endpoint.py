#!/usr/bin/env python3
"""The load engine against a server whose delays are known, each on a core of its own: what the client
adds to times, what it costs beside other clients, how many streams it holds."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from figures import ASSAY, CACHE, beside, main, show, skip

BIN = Path(ASSAY).resolve().parents[2] / "tests/bench" if ASSAY else None
GUIDELLM = "guidellm==0.8.1"
CORES = sorted(os.sched_getaffinity(0))


class Server:
    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.process = subprocess.Popen(pinned(1, BIN / "bench_endpoint_server", *self.options),
                                        stdout=subprocess.PIPE, text=True)
        return f"http://127.0.0.1:{self.process.stdout.readline().strip()}"

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def pinned(core, *words):
    return ["taskset", "-c", str(CORES[core % len(CORES)]), *map(str, words)]


def said(*words):
    return subprocess.run(pinned(0, *words), check=True, stdout=subprocess.PIPE, text=True).stdout


def load(*words, before=()):
    got = json.loads(said(*before, BIN / "bench_endpoint_load", *words))
    if got["failed"] or got["unsent"]:
        raise SystemExit(f"bench endpoint: {got['failed']} requests failed, {got['unsent']} unsent")
    return got


def alone(name):
    if len(CORES) > 1:
        return True
    skip(name, "client and server need a core each")
    return False


def client(got):
    return f"client {100 * got['cpu']:.0f} % of a core"


FIRST = ("chrt", "--fifo", "5")  # before other work on the machine


def tokens(_):
    """1000 streams a second of 16 tokens, 5 ms apart, the first after 20 ms. The server reads the clock
    right before each send() and puts that into the token: an error is what the client's time of arrival
    differs from it, for gaps between tokens what the gaps differ. The server's own lateness is no error
    of the client; what its send() takes is, and so is what other programs take of the client's core. It
    is measured with the client before other programs, too. On the loopback a segment arrives inside
    send(): a network card's interrupt is not in these figures. The middle one of three runs counts."""
    if not alone("endpoint/tokens"):
        return
    for name, before in (("tokens", ()), ("tokens-undisturbed", FIRST)):
        if before and subprocess.run([*before, "true"], capture_output=True).returncode:
            skip(f"endpoint/{name}", "real-time priority is not allowed here")
            continue
        runs = []
        for _ in range(3):
            with Server() as url:
                runs.append(load(f"{url}/sse/20000/16/5000", "open", 1000, 4, "stream", before=before))
        for of in ("first", "inter"):
            got = sorted(runs, key=lambda run: run[f"{of}_error"]["p99"])[1]
            show(f"endpoint/{name}/{of}-p99-error", got[f"{of}_error"]["p99"],
                 f"ms at {got['tokens_per_s']:.0f} tokens/s, {client(got)}, preempted "
                 f"{got['preempted']} times, {got['unstamped']} pieces without a stamp; the server's gaps "
                 f"p99 {got['server_gap']['p99']:.2f}, its send() p99 {got['server_send']['p99']:.3f}",
                 "<=", .5)


def stall(_):
    """1 s without an answer inside 4 s at 200 requests a second."""
    with Server("--stall") as url:
        got = load(f"{url}/echo", "open", 200, 4)
    show("endpoint/stall/p99", got["latency"]["p99"], f"ms, {client(got)}", ">=", 900)


def lag(_):
    if not alone("endpoint/lag"):
        return
    with Server() as url:
        got = load(f"{url}/echo", "open", 10000, 4)
    show("endpoint/lag/p99", got["send_lag"]["p99"] * 1000,
         f"us at 10000 requests/s, {client(got)}", "<=", 50)


def requests_per_second(text):
    for line in text.splitlines():
        if line.strip().lower().startswith("requests/sec"):
            return float(line.split()[-1])
    raise SystemExit("bench endpoint: no rate in the output of a client")


def cost(_):
    """32 requests in flight; the others do the same work in turn with ours, the best of three counts."""
    if not alone("endpoint/cost"):
        return
    body = '{"prompt": "What is the capital of France?"}'
    used = ""
    best = {"assay": 0.0, "wrk": 0.0, "hey": 0.0}
    with Server() as url:
        script = Path("/tmp") / f"assay-wrk-{os.getpid()}.lua"
        script.write_text(f"wrk.method = 'POST'\nwrk.body = '{body}'\n"
                          "wrk.headers['Content-Type'] = 'application/json'\n")
        try:
            for _ in range(3):
                got = load(f"{url}/echo", "closed", 32, 2)
                if got["rate"] > best["assay"]:
                    best["assay"], used = got["rate"], client(got)
                if shutil.which("wrk"):
                    out = said("wrk", "-t1", "-c32", "-d2s", "-s", script, f"{url}/echo")
                    best["wrk"] = max(best["wrk"], requests_per_second(out))
                if shutil.which("hey"):
                    out = said("env", "GOMAXPROCS=1", "hey", "-c", 32, "-z", "2s", "-m", "POST",
                               "-T", "application/json", "-d", body, f"{url}/echo")
                    best["hey"] = max(best["hey"], requests_per_second(out))
        finally:
            script.unlink()
    show("endpoint/cost/rate", best["assay"], f"requests/s, {used}", ">=", 60000)
    for other in ("wrk", "hey"):
        if best[other]:
            show(f"endpoint/cost/beside-{other}", best["assay"] / best[other],
                 f"of the {best[other]:.0f} requests/s of {other}", ">=", .35 if other == "wrk" else 1)
        else:
            skip(f"endpoint/cost/beside-{other}", f"{other} is not installed")


def guidellm():
    """Its program, of an environment of its own (6 GB, torch for the most part); None: it cannot be had."""
    env = CACHE / "guidellm"
    if not (env / "bin/guidellm").exists():
        for words in ([sys.executable, "-m", "venv", env], [env / "bin/pip", "install", "-q", GUIDELLM]):
            if subprocess.run(words, capture_output=True).returncode:
                return None
    return env / "bin/guidellm"


def beside_guidellm(scratch):
    """100 streams a second of 16 tokens, for 4 s: what each client adds to a first token that comes after
    20 ms and to gaps of 5 ms. Both have one core; guidellm is given its prompts in a file."""
    name = "endpoint/beside-guidellm"
    program = guidellm() if alone(name) else None
    if not program:
        skip(name, f"{GUIDELLM} cannot be installed")
        return
    prompts, out = Path(scratch) / "prompts.jsonl", Path(scratch) / "guidellm.json"
    prompts.write_text('{"prompt": "What is the capital of France?"}\n' * 400)
    with Server() as url:
        at = f"{url}/sse/20000/16/5000"
        ours = load(at, "open", 100, 4, "stream")
        said("env", "HF_HUB_OFFLINE=1", program, "run", "--profile", "kind=constant,rate=100",
             "--backend", f"kind=openai_http,target={at},model=m,validate_backend=false",
             "--constraint", "kind=max_duration,seconds=4", "--data", f"kind=json_file,path={prompts}",
             "--disable-console", "--output", f"kind=json,path={out}")
    got = json.loads(out.read_text())["benchmarks"][0]["metrics"]
    made = got["request_totals"]["successful"]
    for of, key, true in (("first", "time_to_first_token_ms", 20), ("inter", "inter_token_latency_ms", 5)):
        mine = ours["first_token" if of == "first" else "inter_token"]
        theirs = got[key]["successful"]["percentiles"]
        for share in ("p50", "p99"):
            beside(f"{name}/{of}-{share}", theirs[share] - true, f"ms added by guidellm, {made} answers")
            show(f"{name}/{of}-{share}-ours", mine[share] - true, f"ms added, {ours['ok']} answers", "<=",
                 max(theirs[share] - true, 0.5))


def streams(_):
    """10,000 streams at once: 4 s to begin them all, each 10 s long."""
    with Server() as url:
        got = load(f"{url}/sse/5000000/6/1000000", "burst", 10000, 2500, "stream")
    show("endpoint/streams/held", got["in_flight"], f"streams at once, none failed, {client(got)}", ">=", 10000)
    show("endpoint/streams/memory", got["rss_mib"], "MiB of the client, all told", "<=", 256)


if __name__ == "__main__":
    main({"endpoint/tokens": tokens, "endpoint/stall": stall, "endpoint/lag": lag,
          "endpoint/cost": cost, "endpoint/beside-guidellm": beside_guidellm, "endpoint/streams": streams})
