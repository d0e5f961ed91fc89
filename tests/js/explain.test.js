// What would become of a request, and what does become of it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Gateway } from "./gateway.js";

describe("explain", () => {
  let gateway;
  let superuser;
  before(async () => {
    const upstream = "http://127.0.0.1:9/v1";
    gateway = await Gateway.start({
      proxies: [
        { path: "/-/users", upstream, accessRule: "@request.auth.verified = true", headers: { "X-Key": "canary" } },
        { path: "/-/off", upstream, accessRule: "true", active: false },
        { path: "/-/none", upstream, accessRule: "true", headers: { "X-Key": "{secret.NONE}" } },
      ],
    });
    superuser = await gateway.superuser();
  });
  after(() => gateway.stop());

  const explain = (body) => superuser.send("/api/gateway/explain", { method: "POST", body });

  it("a refusal is explained as it happens", async () => {
    for (const [path, method] of [
      ["/-/users", "GET"],
      ["/-/off/x", "POST"],
      ["/-/none", "GET"],
      ["/-/unknown", "GET"],
      ["/-/users/%5cx", "GET"],
    ]) {
      const { outcome, refusal } = await explain({ path, method, auth: "guest" });
      assert.equal(outcome, "refused", path);
      const answer = await fetch(gateway.url + path, { method });
      await answer.text();
      const happened = { status: answer.status, reason: answer.headers.get("x-gateway-reason") };
      assert.deepEqual(refusal, happened, path);
    }
  });

  it("the owner of an account passes, and the secret is not shown", async () => {
    const { record } = await gateway.user(superuser);
    const auth = { collection: "users", id: record.id };
    const explained = await explain({ path: "/-/users/chat", query: { a: "b c" }, auth });
    assert.equal(explained.outcome, "forwarded");
    assert.equal(explained.upstream.url, "http://127.0.0.1:9/v1/chat?a=b+c");
    assert.deepEqual(explained.upstream.injected, [{ name: "X-Key", value: "***" }]);
    assert.equal(explained.rule.comparisons[0].holds, true);
    assert.equal(JSON.stringify(explained).includes("canary"), false);
  });
});
