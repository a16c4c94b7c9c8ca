"""A steady load with redis-py: load.py plain|cluster host port. The load comes as a line of JSON on the standard input, the
reports go to the standard output, and the end of the input is the end."""
import json
import logging
import os
import sys
import threading
import time

import redis
import redis.cluster

logging.disable(logging.CRITICAL)  # the calls tell
mode, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
lock = threading.Lock()


def fresh():
    return {"calls": 0, "longest": 0.0, "errors": {}, "wrong": []}


report = dict(fresh(), version=redis.__version__)


def say():
    global report
    with lock:
        line, report = json.dumps(report), fresh()
        sys.stdout.write(line + "\n")  # whole lines, whichever thread is first
        sys.stdout.flush()


def call(do):
    began, error, got = time.monotonic(), None, None
    try:
        got = do()
    except Exception as e:  # every kind of failure is a result
        error = f"{type(e).__name__}: {e}"
    with lock:
        report["calls"] += 1
        report["longest"] = max(report["longest"], 1000 * (time.monotonic() - began))
        if error:
            report["errors"][error] = report["errors"].get(error, 0) + 1
    return got, error is None


def work(c, load, worker):
    keys = [f"{load['name']}:{k}" for k in load["keys"][worker :: load["workers"]]]
    tried, acked = {}, {}
    every = 2 * load["workers"] / load["rate"]
    at = time.monotonic() + every * worker / load["workers"]
    i = 0
    while True:
        time.sleep(max(0, at - time.monotonic()))
        at = max(at + every, time.monotonic())
        key = keys[i % len(keys)]
        i += 1
        tried[key] = tried.get(key, 0) + 1
        if call(lambda: c.set(key, tried[key]))[1]:
            acked[key] = tried[key]
        got, read = call(lambda: c.get(key))
        if read and not acked.get(key, 0) <= int(got or 0) <= tried[key]:
            with lock:
                report["wrong"].append(f"{key} is {got}, acknowledged {acked.get(key)}, sent {tried[key]}")


load = json.loads(sys.stdin.readline())
steps = {"reinitialize_steps": 1} if load["options"] == "reinitialize_steps=1" else {}
c = redis.cluster.RedisCluster(host=host, port=port, **steps) if mode == "cluster" else redis.Redis(host=host, port=port)
for w in range(load["workers"]):
    threading.Thread(target=work, args=(c, load, w), daemon=True).start()


def tell():
    while True:
        time.sleep(0.5)
        say()


threading.Thread(target=tell, daemon=True).start()
sys.stdin.read()
say()
os._exit(0)  # threads may be in a call
