// How the proxies are: asked once, heard as it changes, and switched by hand.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Gateway, eventually, failure, proxy } from "./gateway.js";

describe("status", () => {
  let gateway;
  let superuser;
  before(async () => {
    gateway = await Gateway.start();
    superuser = await gateway.superuser();
  });
  after(() => gateway.stop());

  const shown = async (id) => {
    const { proxies } = await superuser.send("/api/gateway/status", {});
    return proxies.find((candidate) => candidate.id === id);
  };
  const act = (id, action) =>
    superuser.send(`/api/gateway/proxies/${id}/breaker`, { method: "POST", body: { action } });

  it("shows what a proxy is held to and how its breaker is", async () => {
    const breaker = { enabled: true, failure_threshold: 2 };
    const made = await superuser.collection("_proxies").create(proxy({ maxConcurrent: 3, circuitBreaker: breaker }));
    assert.deepEqual(await shown(made.id), {
      id: made.id,
      name: made.path,
      path: made.path,
      active: true,
      in_flight: 0,
      limit: 3,
      waiting: 0,
      breaker: { state: "closed", consecutive_failures: 0, until_probe: null, probes: 0, trips: 0 },
      last_minute: { requests_per_second: 0, errors_per_second: 0, p50_ms: null, p95_ms: null, p99_ms: null },
      last_failures: [],
      dry_run: { queue: 0, limits: 0, rate: 0 },
    });
    for (const expected of [1, 2]) {
      assert.equal((await fetch(gateway.url + made.path)).status, 502);
      assert.equal((await shown(made.id)).breaker.consecutive_failures, expected);
    }
    const broken = await shown(made.id);
    assert.equal(broken.breaker.state, "open");
    assert.deepEqual([broken.last_failures.length, broken.last_failures[0].reason], [2, "upstream_connect"]);
    assert.ok(broken.last_minute.errors_per_second > 0 && broken.last_minute.p99_ms > 0);
  });

  it("a breaker is tripped and reset by hand", async () => {
    const made = await superuser.collection("_proxies").create(proxy({ circuitBreaker: { enabled: true } }));
    const { breaker } = await act(made.id, "trip");
    assert.equal(breaker.state, "open");
    assert.ok(breaker.until_probe > 20 && breaker.until_probe < 40, `${breaker.until_probe}`);
    const refused = await fetch(gateway.url + made.path);
    assert.deepEqual([refused.status, refused.headers.get("x-gateway-reason")], [503, "breaker_open"]);
    assert.equal((await act(made.id, "reset")).breaker.state, "closed");
    assert.equal((await fetch(gateway.url + made.path)).headers.get("x-gateway-reason"), "upstream_connect");
    const error = await failure(act(made.id, "melt"));
    assert.deepEqual([error.status, error.data.action.code], [400, "validation_invalid_value"]);
    assert.equal((await failure(act("unknown", "trip"))).status, 404);
  });

  it("superusers hear it as it changes, and nobody else does", async () => {
    const made = await superuser.collection("_proxies").create(proxy({ circuitBreaker: { enabled: true } }));
    const { client: user } = await gateway.user(superuser);
    const heard = [];
    let heardByUser = 0;
    await superuser.realtime.subscribe("@gateway/status", ({ proxies }) =>
      heard.push(proxies.find(({ id }) => id === made.id).breaker.state),
    );
    await user.realtime.subscribe("@gateway/status", () => heardByUser++);
    await eventually(() => heard.length > 0, "a first status");
    await act(made.id, "trip");
    await eventually(() => heard.at(-1) === "open", "a status that shows the change");
    assert.equal(heardByUser, 0);
    assert.equal((await failure(user.send("/api/gateway/status", {}))).status, 403);
    await superuser.realtime.unsubscribe("@gateway/status");
    await user.realtime.unsubscribe();
  });
});
