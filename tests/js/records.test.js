// Lists and single records (contract §5.1).

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Gateway, PASSWORD, failure, proxy, unique } from "./gateway.js";

describe("records", () => {
  let gateway;
  let superuser;
  let proxies;
  before(async () => {
    const many = Array.from({ length: MANY }, (_, number) =>
      proxy({ path: `/-/many/${number}`, upstream: "http://127.0.0.1:9", maxConcurrent: number % 100 }),
    );
    gateway = await Gateway.start({ proxies: many });
    superuser = await gateway.superuser();
    proxies = superuser.collection("_proxies");
  });
  after(() => gateway.stop());

  it("getFullList returns every record once", async () => {
    const records = await proxies.getFullList({ filter: "path ~ '/-/many/'", sort: "path" });
    assert.equal(records.length, MANY);
    assert.equal(new Set(records.map((record) => record.id)).size, MANY);
    assert.ok(records.every((record, position) => position === 0 || records[position - 1].path < record.path));
  });

  it("getList has PocketBase's pages", async () => {
    const filter = "path ~ '/-/many/'";
    const page = await proxies.getList(3, 45, { filter, sort: "-maxConcurrent,path" });
    assert.deepEqual(
      [page.page, page.perPage, page.totalItems, page.totalPages, page.items.length],
      [3, 45, MANY, Math.ceil(MANY / 45), 45],
    );
    const clamped = await proxies.getList(0, 5000, { skipTotal: true });
    assert.deepEqual(
      [clamped.page, clamped.perPage, clamped.totalItems, clamped.totalPages, clamped.items.length],
      [1, 1000, -1, -1, 1000],
    );
    assert.deepEqual((await proxies.getList(9999, 30)).items, []);
  });

  it("filter takes what pb.filter() makes of values", async () => {
    const filter = superuser.filter("path = {:path} && maxConcurrent = {:number}", { path: "/-/many/7", number: 7 });
    assert.deepEqual((await proxies.getFullList({ filter })).map((record) => record.path), ["/-/many/7"]);
    const injected = superuser.filter("path = {:path}", { path: "x' || path != '" });
    assert.deepEqual(await proxies.getFullList({ filter: injected }), []);
  });

  it("fields leaves the rest out", async () => {
    const page = await proxies.getList(1, 1, { fields: "id,path:excerpt(4,true)", filter: "path = '/-/many/1'" });
    assert.deepEqual(Object.keys(page.items[0]).sort(), ["id", "path"]);
    assert.equal(page.items[0].path, "/-/m...");
    assert.equal(page.totalItems, 1);
  });

  it("getFirstListItem finds one or is a 404", async () => {
    const found = await proxies.getFirstListItem("path = '/-/many/42'");
    assert.equal(found.maxConcurrent, 42);
    assert.equal((await failure(proxies.getFirstListItem("path = 'none'"))).status, 404);
  });

  it("a list that cannot be made is a generic 400", async () => {
    for (const options of [{ filter: "path =" }, { filter: "unknown = 1" }, { sort: "unknown" }]) {
      const error = await failure(proxies.getList(1, 1, options));
      assert.deepEqual([error.status, error.data], [400, {}], JSON.stringify(options));
    }
  });

  it("a record is created, read, updated and deleted", async () => {
    const created = await proxies.create(proxy({ headers: { "X-Key": "v" } }));
    assert.match(created.id, /^[a-z0-9]{15}$/);
    assert.deepEqual(
      [created.active, created.stripPath, created.timeout, created.headers, created.collectionName],
      [true, true, 30, { "X-Key": "v" }, "_proxies"],
    );
    assert.match(created.created, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual(await proxies.getOne(created.id), created);
    const updated = await proxies.update(created.id, { active: false, "maxConcurrent+": 5 });
    assert.deepEqual([updated.active, updated.maxConcurrent, updated.path], [false, 5, created.path]);
    assert.equal(await proxies.delete(created.id), true);
    assert.equal((await failure(proxies.getOne(created.id))).status, 404);
    assert.equal((await failure(proxies.delete(created.id))).status, 404);
  });

  it("field errors are under data", async () => {
    const error = await failure(proxies.create({ path: "api", upstream: "" }));
    assert.deepEqual([error.status, error.message], [400, "Failed to create record."]);
    assert.equal(error.data.upstream.code, "validation_required");
    assert.ok(error.data.path.code.startsWith("validation_"));
    const { path } = await proxies.create(proxy());
    const taken = await failure(proxies.create(proxy({ path })));
    assert.deepEqual(taken.data, { path: { code: "validation_not_unique", message: "Value must be unique." } });
  });

  it("d27_what traffic is held to is kept in one spelling, and every member has a range", async () => {
    const held = {
      queueConfig: { maxWaiting: 10, timeout: 0.5, perIdentity: true },
      limits: { perIdentity: 2 },
      rateLimit: { requests: 60, by: "ip" },
      retryConfig: { attempts: 1, on: [503, "connect"] },
      circuitBreaker: { enabled: true, minRequests: 5 },
      timeoutConfig: { firstEvent: 60, sseKeepalive: 15 },
    };
    const record = await proxies.create(proxy(held));
    assert.deepEqual(record.queueConfig, { max_waiting: 10, timeout: 0.5, per_identity: true });
    assert.deepEqual(record.limits, { per_identity: 2 });
    assert.deepEqual(record.rateLimit, { requests: 60, by: "ip" });
    assert.deepEqual(record.retryConfig, { attempts: 1, on: ["connect", "503"] });
    assert.deepEqual(record.circuitBreaker, { enabled: true, min_requests: 5 });
    assert.deepEqual(record.timeoutConfig, { first_event: 60, sse_keepalive: 15 });
    const error = await failure(proxies.update(record.id, { rateLimit: { requests: 0 }, limits: { perIp: -1 } }));
    assert.deepEqual(Object.keys(error.data).sort(), ["limits", "rateLimit"]);
    assert.equal(error.data.rateLimit.message, "requests: Must be greater or equal than 1.");
    await proxies.delete(record.id);
  });

  it("d13_a stale update is a 409", async () => {
    const created = await proxies.create(proxy());
    await proxies.update(created.id, { name: "first" });
    const error = await failure(proxies.update(created.id, { name: "second", updated: created.updated }));
    assert.equal(error.status, 409);
    assert.equal((await proxies.getOne(created.id)).name, "first");
  });

  it("a form body works as JSON does", async () => {
    const form = new FormData();
    for (const [name, value] of Object.entries(proxy({ active: false, timeout: 12 }))) form.set(name, value);
    const created = await proxies.create(form);
    assert.deepEqual([created.active, created.timeout], [false, 12]);
  });

  it("guests and users see nothing of what is for superusers", async () => {
    const { client } = await gateway.user(superuser);
    for (const one of [client, gateway.guest()]) {
      const error = await failure(one.collection("_proxies").getList());
      assert.deepEqual([error.status, error.message], [403, "Only superusers can perform this action."]);
    }
    assert.equal((await failure(superuser.collection("unknown").getList())).status, 404);
  });

  it("users see themselves and nobody else", async () => {
    const [one, other] = [await gateway.user(superuser), await gateway.user(superuser)];
    const users = one.client.collection("users");
    assert.deepEqual((await users.getFullList()).map((record) => record.id), [one.record.id]);
    assert.equal((await users.getOne(one.record.id)).email, one.email);
    assert.equal((await failure(users.getOne(other.record.id))).status, 404);
    assert.equal((await failure(users.update(other.record.id, { name: "x" }))).status, 404);
    await users.update(one.record.id, { name: "renamed" });
    assert.equal(one.client.authStore.record.name, "renamed", "the store follows");
    assert.equal((await failure(users.create({ email: "x@example.com", password: PASSWORD }))).status, 400);
  });

  it("send reaches any path, and a proxy takes effect at once", async () => {
    const { path } = proxy();
    assert.equal((await failure(superuser.send(path, {}))).status, 404);
    await proxies.create(proxy({ path, accessRule: "false" }));
    const denied = await failure(superuser.send(path, {}));
    assert.equal(denied.status, 403, "the gateway denies it, so it knows the proxy and the caller");
    assert.equal(superuser.buildURL(path), gateway.url + path);
    assert.equal(superuser.files.getURL({ id: "abc", collectionId: "x" }, unique("file")).startsWith(gateway.url), true);
  });
});

/** More than two pages of the SDK's largest. */
const MANY = 2500;
