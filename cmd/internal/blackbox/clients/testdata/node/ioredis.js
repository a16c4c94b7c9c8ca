// Takes the steps with ioredis: ioredis.js plain|cluster host port name.
'use strict';
const { Redis, Cluster } = require('ioredis');
const { version } = require('ioredis/package.json');
const { run } = require('./steps.js');

const [mode, host, port, name] = process.argv.slice(2);
const open = () => (mode === 'cluster' ? new Cluster([{ host, port: Number(port) }]) : new Redis(Number(port), host));
let c;

// exec answers [error, reply] for each command.
const unwrap = (replies) =>
  replies.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
const fill = (pipe, commands) => commands.reduce((p, [cmd, ...args]) => p[cmd](...args), pipe);

run(
  {
    async connect() {
      c = open();
      let last;
      c.on('error', (e) => (last = e));
      c.on('node error', (e) => (last = e));
      if (c.status !== 'ready') {
        await Promise.race([
          new Promise((done) => c.once('ready', done)),
          new Promise((_, fail) => setTimeout(() => fail(last || new Error('never ready')), 10000).unref()),
        ]);
      }
      await c.ping();
    },
    set: (k, v) => c.set(k, v),
    get: (k) => c.get(k),
    expire: (k, s) => c.expire(k, s),
    ttl: (k) => c.ttl(k),
    pipeline: async (commands) => unwrap(await fill(c.pipeline(), commands).exec()),
    multi: async (commands) => unwrap(await fill(c.multi(), commands).exec()),
    watch: async (k, v, meanwhile) => {
      const own = open(); // WATCH is of a connection
      try {
        await own.watch(k);
        await meanwhile();
        return (await own.multi().set(k, v).exec()) !== null;
      } finally {
        own.disconnect();
      }
    },
    async scan(match) {
      const found = [];
      for (const node of mode === 'cluster' ? c.nodes('master') : [c]) {
        for await (const page of node.scanStream({ match, count: 7 })) found.push(...page);
      }
      return found;
    },
    mset: (o) => c.mset(o),
    mget: (keys) => c.mget(keys),
    incrby: (k, n) => c.incrby(k, n),
    incr: (k) => c.incr(k),
    del: (k) => c.del(k),
    close: () => c.quit(),
  },
  version,
  name,
);
