"""Takes the steps with redis-py: probe.py plain|cluster host port name."""
import json
import sys

import redis
import redis.cluster


def say(**line):
    print(json.dumps(line), flush=True)


def want(what, got, expected):
    if got != expected:
        raise AssertionError(f"{what} is {got!r}, not {expected!r}")


def step(name, do):
    try:
        do()
        say(step=name, error="")
    except Exception as e:  # every kind of failure is a result
        say(step=name, error=f"{type(e).__name__}: {e}" or repr(e))
        if name == "connect":
            sys.exit(0)


mode, host, port, name = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
say(version=redis.__version__)


def connect():
    global c
    c = redis.cluster.RedisCluster(host=host, port=port) if mode == "cluster" else redis.Redis(host=host, port=port)
    want("PING", c.ping(), True)


def key(k):
    return f"{name}:{k}"


def tagged(k):
    return "{%s}:%s" % (name, k)


many = [f"{name}:pipe:{i}" for i in range(100)]


def get():
    want("GET", c.get(key("k")), b"v")
    want("GET of no key", c.get(key("none")), None)


def expire():
    want("EXPIRE", c.expire(key("k"), 100), True)
    if not 90 <= c.ttl(key("k")) <= 100:
        raise AssertionError("TTL")


def pipeline():
    # The default of redis-py is a transaction: MULTI and EXEC around the
    # commands. Its cluster client has none. Each must work, and a plain one.
    # On the cluster face the keys of a transaction are of one slot.
    if mode != "cluster":
        with c.pipeline() as pipe:
            for k in map(tagged, many) if name.endswith("/cluster") else many:
                pipe.set(k, "v")
                pipe.get(k)
            want("the transactional pipeline", pipe.execute(), [True, b"v"] * len(many))
    with (c.pipeline() if mode == "cluster" else c.pipeline(transaction=False)) as pipe:
        for k in many:
            pipe.set(k, "v")
            pipe.get(k)
        want("the pipeline", pipe.execute(), [True, b"v"] * len(many))


def multi():
    with c.pipeline(transaction=True) as pipe:
        pipe.set(tagged("m"), 41)
        pipe.incr(tagged("m"))
        want("EXEC", pipe.execute(), [True, 42])


def watch():
    for disturbed in (True, False):
        with c.pipeline() as pipe:
            pipe.watch(tagged("w"))
            if disturbed:
                c.set(tagged("w"), "other")
            pipe.multi()
            pipe.set(tagged("w"), "mine")
            try:
                pipe.execute()
                failed = False
            except redis.WatchError:
                failed = True
            want("WatchError", failed, disturbed)
    want("the watched key", c.get(tagged("w")), b"mine")


def scan():
    found = {k.decode() for k in c.scan_iter(match=key("pipe:") + "*", count=7)}
    want("keys that the scan did not find", sorted(set(many) - found), [])


def mget():
    c.mset({tagged("1"): "a", tagged("2"): "b"})
    want("MGET", c.mget(tagged("1"), tagged("none"), tagged("2")), [b"a", None, b"b"])


def incr():
    want("INCRBY", c.incrby(key("n"), 41), 41)
    want("INCR", c.incr(key("n")), 42)


step("connect", connect)
step("set", lambda: want("SET", c.set(key("k"), "v"), True))
step("get", get)
step("expire", expire)
step("pipeline", pipeline)
if mode != "cluster":  # redis-py 4.3 has no transactions on a cluster
    step("multi", multi)
    step("watch", watch)
step("scan", scan)
step("mget", mget)
step("mget slots", lambda: want("MGET", c.mget(many[:3]) if mode != "cluster" else c.mget_nonatomic(many[:3]), [b"v"] * 3))
step("incr", incr)
step("del", lambda: want("DEL", c.delete(key("n")), 1))
