// Calls for what pocketgate does not do: each is an error that says so, none is a success that is none (contract §5.2).

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Gateway, PASSWORD, failure } from "./gateway.js";

describe("what is not supported", () => {
  let gateway;
  let superuser;
  before(async () => {
    gateway = await Gateway.start();
    superuser = await gateway.superuser();
  });
  after(() => gateway.stop());

  const calls = {
    authWithOAuth2Code: (pb) => pb.collection("users").authWithOAuth2Code("google", "code", "verifier", "http://x"),
    requestOTP: (pb) => pb.collection("users").requestOTP("a@example.com"),
    authWithOTP: (pb) => pb.collection("users").authWithOTP("id", "code"),
    requestPasswordReset: (pb) => pb.collection("users").requestPasswordReset("a@example.com"),
    confirmPasswordReset: (pb) => pb.collection("users").confirmPasswordReset("token", PASSWORD, PASSWORD),
    requestVerification: (pb) => pb.collection("users").requestVerification("a@example.com"),
    confirmVerification: (pb) => pb.collection("users").confirmVerification("token"),
    requestEmailChange: (pb) => pb.collection("users").requestEmailChange("b@example.com"),
    confirmEmailChange: (pb) => pb.collection("users").confirmEmailChange("token", PASSWORD),
    listExternalAuths: (pb) => pb.collection("users").listExternalAuths("abc"),
    unlinkExternalAuth: (pb) => pb.collection("users").unlinkExternalAuth("abc", "google"),
    "collections.create": (pb) => pb.collections.create({ name: "posts", type: "base" }),
    "collections.update": (pb) => pb.collections.update("users", { listRule: "" }),
    "collections.delete": (pb) => pb.collections.delete("users"),
    "collections.import": (pb) => pb.collections.import([], false),
    "collections.truncate": (pb) => pb.collections.truncate("users"),
    "backups.upload": (pb) => pb.backups.upload({ file: new Blob(["x"]) }),
    "backups.delete": (pb) => pb.backups.delete("none.zip"),
    "backups.restore": (pb) => pb.backups.restore("none.zip"),
    "settings.testS3": (pb) => pb.settings.testS3("storage"),
    "settings.testEmail": (pb) => pb.settings.testEmail("users", "a@example.com", "verification"),
    "settings.generateAppleClientSecret": (pb) => pb.settings.generateAppleClientSecret("a", "b", "c", "d", 10),
    "sql.run": (pb) => (pb.sql ? pb.sql.run("SELECT 1") : pb.send("/api/sql", { method: "POST", body: {} })),
    "a file": (pb) => pb.send("/api/files/users/abc/avatar.png", {}),
  };

  for (const [name, call] of Object.entries(calls)) {
    it(name, async () => {
      const error = await failure(call(superuser));
      assert.ok([400, 403, 404].includes(error.status), `${error.status} ${error.message}`);
      assert.ok(error.message.endsWith("."), error.message);
      assert.equal(typeof error.data, "object");
    });
  }
});
