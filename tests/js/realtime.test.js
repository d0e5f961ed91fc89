// Changes as they happen (contract §5.1, §1.9).

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Gateway, eventually, failure, proxy } from "./gateway.js";

describe("realtime", () => {
  let gateway;
  let superuser;
  let proxies;
  before(async () => {
    gateway = await Gateway.start();
    superuser = await gateway.superuser();
    proxies = superuser.collection("_proxies");
  });
  after(() => gateway.stop());

  /** Subscribes a client of its own; `events` collects what it hears. */
  async function listener(topic, options, client) {
    const pb = client ?? (await gateway.superuser());
    const events = [];
    const collection = topic.startsWith("users") ? "users" : "_proxies";
    await pb.collection(collection).subscribe(topic.split("/")[1], (event) => events.push(event), options);
    return { pb, events, stop: () => pb.realtime.unsubscribe() };
  }

  it("tells of every create, update and delete", async () => {
    const { events, stop } = await listener("_proxies/*");
    const created = await proxies.create(proxy());
    const updated = await proxies.update(created.id, { name: "new" });
    await proxies.delete(created.id);
    await eventually(() => events.length === 3, "three events");
    assert.deepEqual(events.map((event) => event.action), ["create", "update", "delete"]);
    assert.deepEqual(events[0].record, created);
    assert.deepEqual(events[1].record, updated);
    assert.equal(events[2].record.id, created.id);
    await stop();
  });

  it("tells of one record alone when only that is asked for", async () => {
    const [one, other] = [await proxies.create(proxy()), await proxies.create(proxy())];
    const { events, stop } = await listener(`_proxies/${one.id}`);
    await proxies.update(other.id, { name: "other" });
    await proxies.update(one.id, { name: "one" });
    await eventually(() => events.length > 0, "an event");
    assert.deepEqual(events.map((event) => event.record.id), [one.id]);
    await stop();
  });

  it("applies the filter and the fields of a subscription", async () => {
    const options = { filter: "maxConcurrent > 5", fields: "id,maxConcurrent" };
    const { events, stop } = await listener("_proxies/*", options);
    await proxies.create(proxy({ maxConcurrent: 1 }));
    const seen = await proxies.create(proxy({ maxConcurrent: 10 }));
    await eventually(() => events.length > 0, "an event");
    assert.deepEqual(events.map((event) => event.record), [{ id: seen.id, maxConcurrent: 10 }]);
    await stop();
  });

  it("tells nobody of what a rule keeps from them", async () => {
    const mine = await gateway.user(superuser);
    const own = await listener("users/*", undefined, mine.client);
    const guest = await listener("users/*", undefined, gateway.guest());
    const all = await listener("users/*");
    const other = await gateway.user(superuser);
    await superuser.collection("users").update(mine.record.id, { name: "mine" });
    await eventually(() => all.events.length === 2 && own.events.length > 0, "the events");
    assert.deepEqual(own.events.map((event) => event.record.id), [mine.record.id]);
    assert.deepEqual(all.events.map((event) => event.record.id), [other.record.id, mine.record.id]);
    assert.deepEqual(guest.events, []);
    for (const one of [own, guest, all]) await one.stop();
  });

  it("tells of a batch once it is committed, and of none that was rolled back", async () => {
    const { events, stop } = await listener("_proxies/*");
    const failing = superuser.createBatch();
    failing.collection("_proxies").create(proxy());
    failing.collection("_proxies").create(proxy({ upstream: "" }));
    assert.equal((await failure(failing.send())).status, 400);
    const batch = superuser.createBatch();
    batch.collection("_proxies").create(proxy({ name: "a" }));
    batch.collection("_proxies").create(proxy({ name: "b" }));
    await batch.send();
    await eventually(() => events.length >= 2, "two events");
    assert.deepEqual(events.map((event) => event.record.name), ["a", "b"]);
    await stop();
  });

  it("is silent after unsubscribe", async () => {
    const { pb, events, stop } = await listener("_proxies/*");
    const kept = [];
    await pb.collection("users").subscribe("*", (event) => kept.push(event));
    await pb.collection("_proxies").unsubscribe("*");
    await proxies.create(proxy());
    await gateway.user(superuser);
    await eventually(() => kept.length > 0, "the event that was asked for");
    assert.deepEqual(events, []);
    await stop();
  });

  it("a client whose token was revoked is a guest", async () => {
    const mine = await gateway.user(superuser);
    const own = await listener("users/*", undefined, mine.client);
    const all = await listener("users/*");
    const password = { password: "another password", passwordConfirm: "another password" };
    await superuser.collection("users").update(mine.record.id, password);
    await superuser.collection("users").update(mine.record.id, { name: "unseen" });
    await eventually(() => all.events.length === 2, "both events");
    assert.deepEqual(own.events.filter((event) => event.record.name === "unseen"), []);
    for (const one of [own, all]) await one.stop();
  });
});
