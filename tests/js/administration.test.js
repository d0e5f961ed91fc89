// Health, settings, logs, collections, crons, backups (contract §5.1).

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Gateway, eventually, failure } from "./gateway.js";

describe("administration", () => {
  let gateway;
  let superuser;
  before(async () => {
    gateway = await Gateway.start();
    superuser = await gateway.superuser();
  });
  after(() => gateway.stop());

  it("health.check answers everyone, and superusers more", async () => {
    const guest = await gateway.guest().health.check();
    assert.deepEqual(guest, { message: "API is healthy.", code: 200, data: {} });
    const { data } = await superuser.health.check();
    assert.deepEqual(data, { canBackup: true, realIP: "127.0.0.1", possibleProxyHeader: "" });
  });

  it("what is for superusers is a 401 for guests and a 403 for others", async () => {
    const { client } = await gateway.user(superuser);
    for (const call of [
      (pb) => pb.settings.getAll(),
      (pb) => pb.logs.getList(),
      (pb) => pb.collections.getList(),
      (pb) => pb.crons.getFullList(),
      (pb) => pb.backups.getFullList(),
    ]) {
      const [guest, user] = [await failure(call(gateway.guest())), await failure(call(client))];
      assert.deepEqual([guest.status, user.status], [401, 403]);
      assert.equal(guest.message, "The request requires valid record authorization token.");
      assert.equal(user.message, "The authorized record is not allowed to perform this action.");
    }
  });

  it("settings.getAll and update", async () => {
    const settings = await superuser.settings.getAll();
    assert.equal(settings.meta.appName, "Acme");
    assert.deepEqual(settings.logs, { maxDays: 5, minLevel: 0, logIP: true, logAuthId: false });
    assert.equal("password" in settings.smtp || "secret" in settings.s3, false);
    const updated = await superuser.settings.update({ meta: { appName: "Tower" }, logs: { logAuthId: true } });
    assert.deepEqual([updated.meta.appName, updated.meta.appURL], ["Tower", settings.meta.appURL]);
    assert.deepEqual(await superuser.settings.getAll(), updated);
    const error = await failure(superuser.settings.update({ meta: { appName: "" } }));
    assert.deepEqual([error.status, error.message], [400, "An error occurred while saving the new settings."]);
    assert.equal(error.data.meta.appName.code, "validation_required");
  });

  it("logs.getList, getOne, getStats and truncate", async () => {
    await superuser.health.check();
    const filter = "data.url ~ '/api/health' && data.status = 200";
    let page;
    await eventually(async () => {
      page = await superuser.logs.getList(1, 5, { filter, sort: "-@rowid" });
      return page.items.length > 0;
    }, "a line of the log");
    const [line] = page.items;
    assert.equal(line.message, "GET /api/health");
    assert.deepEqual([line.level, line.data.type, line.data.method, line.data.auth], [0, "request", "GET", "_superusers"]);
    assert.equal(typeof line.data.execTime, "number");
    assert.deepEqual(await superuser.logs.getOne(line.id), line);
    assert.equal((await failure(superuser.logs.getOne("unknown"))).status, 404);
    const stats = await superuser.logs.getStats({ filter });
    assert.match(stats[0].date, /^\d{4}-\d\d-\d\d \d\d:00:00\.000Z$/);
    assert.ok(stats[0].total >= 1);
    assert.equal((await failure(superuser.logs.getStats({ filter: "level =" }))).message, "Invalid filter format.");
    assert.equal(await superuser.logs.truncate(), true);
    await eventually(async () => (await superuser.logs.getList(1, 1, { filter })).totalItems === 0, "an empty log");
  });

  it("collections.getList, getFullList, getOne, getScaffolds and getAllOAuth2Providers", async () => {
    const all = await superuser.collections.getFullList();
    const names = all.map((collection) => collection.name);
    assert.deepEqual(["_proxies", "_superusers", "users"].filter((name) => !names.includes(name)), []);
    const page = await superuser.collections.getList(1, 1, { filter: "type = 'auth'", sort: "-name" });
    assert.deepEqual(page.items.map((collection) => collection.name), ["users"]);
    const superusers = await superuser.collections.getOne("_superusers");
    assert.deepEqual([superusers.id, superusers.system, superusers.listRule], ["pbc_3142635823", true, null]);
    assert.equal("secret" in superusers.authToken, false);
    assert.equal((await superuser.collections.getOne("pbc_545340895")).name, "_proxies");
    assert.deepEqual(Object.keys(await superuser.collections.getScaffolds()).sort(), ["auth", "base", "view"]);
    assert.deepEqual(await superuser.collections.getAllOAuth2Providers(), []);
    assert.equal((await failure(superuser.collections.getOne("unknown"))).status, 404);
  });

  it("crons.getFullList and run", async () => {
    const crons = await superuser.crons.getFullList();
    assert.ok(crons.length > 0);
    for (const { id, expression } of crons) {
      assert.equal(expression.split(" ").length, 5);
      assert.equal(await superuser.crons.run(id), true);
    }
    assert.equal((await failure(superuser.crons.run("unknown"))).status, 404);
  });

  it("backups.getFullList", async () => {
    assert.deepEqual(await superuser.backups.getFullList(), []);
  });
});
