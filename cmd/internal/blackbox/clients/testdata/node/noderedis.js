// Takes the steps with node-redis: noderedis.js plain|cluster host port name.
'use strict';
const { createClient, createCluster, WatchError } = require('redis');
const { version } = require('redis/package.json');
const { run } = require('./steps.js');

const [mode, host, port, name] = process.argv.slice(2);
const url = `redis://${host}:${port}`;
const c = mode === 'cluster' ? createCluster({ rootNodes: [{ url }] }) : createClient({ url });
c.on('error', () => {}); // the promises tell

const names = { set: 'set', get: 'get', incr: 'incr' };
const fill = (multi, commands) => commands.reduce((m, [cmd, ...args]) => m[names[cmd]](...args), multi);

const driver = {
  async connect() {
    await c.connect();
    if (mode !== 'cluster') await c.ping();
  },
  set: (k, v) => c.set(k, v),
  get: (k) => c.get(k),
  expire: (k, s) => c.expire(k, s),
  ttl: (k) => c.ttl(k),
  // The library pipelines what is called in one tick.
  pipeline: (commands) => Promise.all(commands.map(([cmd, ...args]) => c[names[cmd]](...args))),
  multi: (commands) => fill(c.multi(), commands).exec(),
  async scan(match) {
    const found = [];
    const nodes = mode === 'cluster' ? await Promise.all(c.masters.map((m) => c.nodeClient(m))) : [c];
    for (const node of nodes) {
      for await (const page of node.scanIterator({ MATCH: match, COUNT: 7 })) found.push(...[].concat(page));
    }
    return found;
  },
  mset: (o) => c.mSet(o),
  mget: (keys) => c.mGet(keys),
  incrby: (k, n) => c.incrBy(k, n),
  incr: (k) => c.incr(k),
  del: (k) => c.del(k),
  close: () => c.close(),
};
if (mode !== 'cluster') {
  driver.watch = async (k, v, meanwhile) => {
    const own = c.duplicate(); // WATCH is of a connection
    own.on('error', () => {});
    await own.connect();
    try {
      await own.watch(k);
      await meanwhile();
      await own.multi().set(k, v).exec();
      return true;
    } catch (e) {
      if (e instanceof WatchError) return false;
      throw e;
    } finally {
      await own.close();
    }
  };
}
run(driver, version, name);
