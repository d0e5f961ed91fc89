// Logging in, refreshing, impersonating (contract §5.1).

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { EMAIL, Gateway, PASSWORD, failure } from "./gateway.js";

describe("identity", () => {
  let gateway;
  let superuser;
  before(async () => {
    gateway = await Gateway.start();
    superuser = await gateway.superuser();
  });
  after(() => gateway.stop());

  it("authWithPassword logs a superuser in", async () => {
    const client = gateway.guest();
    const { token, record } = await client.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
    assert.equal(client.authStore.token, token);
    assert.equal(client.authStore.isValid, true);
    assert.equal(client.authStore.isSuperuser, true);
    assert.equal(record.email, EMAIL);
    assert.equal(record.collectionName, "_superusers");
    assert.equal("password" in record || "tokenKey" in record, false);
  });

  it("wrong credentials are a 400 that tells nothing", async () => {
    const expected = { status: 400, message: "Failed to authenticate.", data: {} };
    const superusers = gateway.guest().collection("_superusers");
    assert.deepEqual(await failure(superusers.authWithPassword(EMAIL, "wrong password")), expected);
    assert.deepEqual(await failure(superusers.authWithPassword("nobody@example.com", PASSWORD)), expected);
  });

  it("blank credentials are field errors", async () => {
    const error = await failure(gateway.guest().collection("users").authWithPassword("", ""));
    assert.equal(error.status, 400);
    assert.equal(error.data.identity.code, "validation_required");
    assert.equal(error.data.password.code, "validation_required");
  });

  it("anyone may sign up, and log in then", async () => {
    const guest = gateway.guest();
    const account = { email: "new@example.com", password: PASSWORD, passwordConfirm: PASSWORD, name: "New" };
    const created = await guest.collection("users").create(account);
    assert.equal(created.email, undefined, "the address is nobody's business");
    const { record } = await guest.collection("users").authWithPassword(account.email, PASSWORD);
    assert.deepEqual([record.id, record.email, record.name], [created.id, account.email, "New"]);
    assert.equal(guest.authStore.isSuperuser, false);
  });

  it("authRefresh hands out a token that is valid", async () => {
    const { client, record } = await gateway.user(superuser);
    const refreshed = await client.collection("users").authRefresh();
    assert.equal(refreshed.record.id, record.id);
    assert.equal(client.authStore.token, refreshed.token);
    assert.equal((await client.collection("users").getOne(record.id)).id, record.id);
  });

  it("authRefresh of a guest is a 401", async () => {
    const error = await failure(gateway.guest().collection("users").authRefresh());
    assert.deepEqual([error.status, error.data], [401, {}]);
  });

  it("listAuthMethods says that there are passwords and nothing else", async () => {
    const methods = await gateway.guest().collection("users").listAuthMethods();
    assert.deepEqual(methods.password, { identityFields: ["email"], enabled: true });
    assert.deepEqual([methods.oauth2.enabled, methods.otp.enabled, methods.mfa.enabled], [false, false, false]);
  });

  it("impersonate makes a client of somebody else", async () => {
    const { record } = await gateway.user(superuser);
    const impersonated = await superuser.collection("users").impersonate(record.id, 60);
    assert.equal(impersonated.authStore.record.id, record.id);
    assert.equal((await impersonated.collection("users").getOne(record.id)).id, record.id);
    const token = impersonated.authStore.token;
    assert.equal((await impersonated.collection("users").authRefresh()).token, token, "it is not refreshed");
  });

  it("impersonate is for superusers", async () => {
    const { client, record } = await gateway.user(superuser);
    const asked = [client, gateway.guest()].map((one) => failure(one.collection("users").impersonate(record.id, 60)));
    const [user, guest] = await Promise.all(asked);
    assert.deepEqual([user.status, guest.status], [403, 401]);
  });

  it("autoRefreshThreshold refreshes the token of a superuser in time", async () => {
    const client = gateway.guest();
    const hundredDays = 100 * 24 * 60 * 60;
    await client.collection("_superusers").authWithPassword(EMAIL, PASSWORD, { autoRefreshThreshold: hundredDays });
    let refreshed = 0;
    const refreshing = client.beforeSend;
    client.beforeSend = (url, options) => {
      refreshed += url.endsWith("/auth-refresh") ? 1 : 0;
      return refreshing(url, options);
    };
    await client.collection("_proxies").getList();
    assert.equal(refreshed, 1);
    assert.equal(client.authStore.isValid, true);
  });

  it("a change of the password ends every session", async () => {
    const { client, record } = await gateway.user(superuser);
    const changed = { password: "another password", passwordConfirm: "another password" };
    await superuser.collection("users").update(record.id, changed);
    assert.equal((await failure(client.collection("users").authRefresh())).status, 401);
  });

  it("files.getToken makes a token for those who are somebody", async () => {
    const { client } = await gateway.user(superuser);
    assert.equal((await client.files.getToken()).split(".").length, 3);
    assert.equal((await failure(gateway.guest().files.getToken())).status, 401);
  });
});
