// The steps, whatever the library. A driver has a method for each thing that
// libraries do differently.
'use strict';
const assert = require('node:assert/strict');

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const timeout = (ms) => new Promise((_, fail) => setTimeout(() => fail(new Error(`no answer within ${ms} ms`)), ms).unref());

exports.run = async function run(driver, version, name) {
  const key = (k) => `${name}:${k}`;
  const tagged = (k) => `{${name}}:${k}`;
  const many = Array.from({ length: 100 }, (_, i) => `${name}:pipe:${i}`);
  let connected = false;

  async function step(what, act) {
    if (!act) return;
    try {
      await Promise.race([act(), timeout(20000)]);
      say({ step: what, error: '' });
    } catch (e) {
      say({ step: what, error: String((e && e.message) || e) });
    }
  }

  say({ version });
  await step('connect', async () => {
    await driver.connect();
    connected = true;
  });
  if (!connected) process.exit(0);
  await step('set', async () => assert.equal(await driver.set(key('k'), 'v'), 'OK'));
  await step('get', async () => {
    assert.equal(await driver.get(key('k')), 'v');
    assert.equal(await driver.get(key('none')), null);
  });
  await step('expire', async () => {
    assert.equal(Number(await driver.expire(key('k'), 100)), 1);
    const ttl = await driver.ttl(key('k'));
    assert.ok(ttl >= 90 && ttl <= 100, `time to live is ${ttl}`);
  });
  await step('pipeline', async () => {
    const replies = await driver.pipeline(many.flatMap((k) => [['set', k, 'v'], ['get', k]]));
    assert.deepEqual(replies, many.flatMap(() => ['OK', 'v']));
  });
  await step('multi', async () => {
    const replies = await driver.multi([['set', tagged('m'), '41'], ['incr', tagged('m')]]);
    assert.deepEqual(replies, ['OK', 42]);
  });
  await step('watch', driver.watch && (async () => {
    for (const disturbed of [true, false]) {
      const meanwhile = async () => disturbed && driver.set(tagged('w'), 'other');
      assert.equal(await driver.watch(tagged('w'), 'mine', meanwhile), !disturbed);
    }
    assert.equal(await driver.get(tagged('w')), 'mine');
  }));
  await step('scan', async () => {
    await Promise.all(many.map((k) => driver.set(k, 'v'))); // not every client could pipeline them
    const found = new Set(await driver.scan(key('pipe:') + '*'));
    assert.deepEqual(many.filter((k) => !found.has(k)), []);
  });
  await step('mget', async () => {
    await driver.mset({ [tagged('1')]: 'a', [tagged('2')]: 'b' });
    assert.deepEqual(await driver.mget([tagged('1'), tagged('none'), tagged('2')]), ['a', null, 'b']);
  });
  await step('mget slots', async () => assert.deepEqual(await driver.mget(many.slice(0, 3)), ['v', 'v', 'v']));
  await step('incr', async () => {
    assert.equal(await driver.incrby(key('n'), 41), 41);
    assert.equal(await driver.incr(key('n')), 42);
  });
  await step('del', async () => assert.equal(await driver.del(key('n')), 1));
  await driver.close();
  process.exit(0);
};
