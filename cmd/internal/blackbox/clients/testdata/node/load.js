// A steady load with ioredis or node-redis: load.js library plain|cluster host port. The load comes as a line of JSON on the
// standard input, the reports go to the standard output, and the end of the input is the end.
'use strict';
const readline = require('node:readline');

const [library, mode, host, port] = process.argv.slice(2);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const CALL_MS = 30000; // a call that takes longer is said to hang

let report = { calls: 0, longest: 0, errors: {}, wrong: [] };
const say = () => {
  process.stdout.write(JSON.stringify(report) + '\n');
  report = { calls: 0, longest: 0, errors: {}, wrong: [] };
};
const text = (e) => [e?.constructor?.name, e?.code, e?.message].filter((s) => s && s !== 'Error').join(' ') || String(e);
const fail = (what) => (report.errors[what] = (report.errors[what] || 0) + 1);

const libraries = {
  ioredis: async () => {
    const { Redis, Cluster } = require('ioredis');
    report.version = require('ioredis/package.json').version;
    const c = mode === 'cluster' ? new Cluster([{ host, port: Number(port) }]) : new Redis(Number(port), host);
    c.on('error', () => {}); // the calls tell
    return c;
  },
  'node-redis': async () => {
    const { createClient, createCluster } = require('redis');
    report.version = require('redis/package.json').version;
    const url = `redis://${host}:${port}`;
    const c = mode === 'cluster' ? createCluster({ rootNodes: [{ url }] }) : createClient({ url });
    c.on('error', () => {}); // the calls tell
    await c.connect();
    return c;
  },
};

async function call(act) {
  const began = performance.now();
  let timer;
  const hangs = new Promise((_, no) => (timer = setTimeout(() => no(new Error(`hangs for ${CALL_MS} ms`)), CALL_MS)));
  try {
    return [await Promise.race([act(), hangs]), true];
  } catch (e) {
    fail(text(e));
    return [null, false];
  } finally {
    clearTimeout(timer);
    report.calls++;
    report.longest = Math.max(report.longest, performance.now() - began);
  }
}

async function work(c, load, worker) {
  const keys = load.keys.filter((_, i) => i % load.workers === worker).map((k) => `${load.name}:${k}`);
  const tried = new Map();
  const acked = new Map();
  const every = (1000 * 2 * load.workers) / load.rate;
  let next = performance.now() + (every * worker) / load.workers;
  for (let i = 0; ; i++) {
    await sleep(next - performance.now());
    next = Math.max(next + every, performance.now());
    const key = keys[i % keys.length];
    tried.set(key, (tried.get(key) || 0) + 1);
    const [, stored] = await call(() => c.set(key, String(tried.get(key))));
    if (stored) acked.set(key, tried.get(key));
    const [got, read] = await call(() => c.get(key));
    if (read && !(Number(got || 0) >= (acked.get(key) || 0) && Number(got || 0) <= tried.get(key))) {
      report.wrong.push(`${key} is ${got}, acknowledged ${acked.get(key)}, sent ${tried.get(key)}`);
    }
  }
}

const input = readline.createInterface({ input: process.stdin });
input.once('line', async (line) => {
  const load = JSON.parse(line);
  try {
    const c = await libraries[library]();
    for (let w = 0; w < load.workers; w++) work(c, load, w);
  } catch (e) {
    fail(`connect: ${text(e)}`);
  }
  setInterval(say, 500);
});
input.once('close', () => {
  say();
  process.exit(0);
});
process.on('unhandledRejection', (e) => fail(`unhandled: ${text(e)}`));
process.on('uncaughtException', (e) => fail(`uncaught: ${text(e)}`));
