// Many writes in one request (contract §5.1, §1.10).

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Gateway, failure, proxy } from "./gateway.js";

describe("batch", () => {
  let gateway;
  let superuser;
  let proxies;
  before(async () => {
    gateway = await Gateway.start();
    superuser = await gateway.superuser();
    proxies = superuser.collection("_proxies");
  });
  after(() => gateway.stop());

  it("creates, updates, upserts and deletes as one", async () => {
    const [changed, gone] = [await proxies.create(proxy()), await proxies.create(proxy())];
    const batch = superuser.createBatch();
    batch.collection("_proxies").create(proxy({ name: "created" }));
    batch.collection("_proxies").update(changed.id, { name: "updated" });
    batch.collection("_proxies").upsert({ id: "upserted0000001", ...proxy({ name: "upserted" }) });
    batch.collection("_proxies").upsert({ id: changed.id, description: "upserted" });
    batch.collection("_proxies").delete(gone.id);
    const results = await batch.send();
    assert.deepEqual(results.map((result) => result.status), [200, 200, 200, 200, 204]);
    assert.deepEqual(results.slice(0, 3).map((result) => result.body.name), ["created", "updated", "upserted"]);
    assert.equal(results[4].body, null);
    const updated = await proxies.getOne(changed.id);
    assert.deepEqual([updated.name, updated.description], ["updated", "upserted"]);
    assert.equal((await proxies.getOne("upserted0000001")).name, "upserted");
    assert.equal((await failure(proxies.getOne(gone.id))).status, 404);
  });

  it("does nothing when one of them fails, and says which", async () => {
    const before = (await proxies.getList(1, 1)).totalItems;
    const batch = superuser.createBatch();
    batch.collection("_proxies").create(proxy());
    batch.collection("_proxies").create(proxy({ upstream: "" }));
    const error = await failure(batch.send());
    assert.deepEqual([error.status, error.message], [400, "Batch transaction failed."]);
    assert.deepEqual(Object.keys(error.data.requests), ["1"]);
    const { code, message, response } = error.data.requests["1"];
    assert.deepEqual([code, message], ["batch_request_failed", "Batch request failed."]);
    assert.equal(response.status, 400);
    assert.equal(response.data.upstream.code, "validation_required");
    assert.equal((await proxies.getList(1, 1)).totalItems, before);
  });

  it("is refused to guests unless it is switched on", async () => {
    const batch = gateway.guest().createBatch();
    batch.collection("users").create({ email: "a@example.com" });
    assert.equal((await failure(batch.send())).status, 403);
  });
});
