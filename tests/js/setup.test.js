// The page behind the link for the first superuser: its own script, in as much of a browser as it needs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { createContext, runInContext } from "node:vm";
import { EMAIL, Gateway, PASSWORD, eventually } from "./gateway.js";

/** The page as somebody has it open who followed a link. */
class Tab {
  static async open(link) {
    const page = await (await fetch(link)).text();
    const source = /<script src="([^"]+)" defer><\/script>/.exec(page)[1];
    const script = await (await fetch(new URL(source, link))).text();
    return new Tab(link, page, script);
  }

  constructor(link, page, script) {
    const ids = [...page.matchAll(/<[^>]* id="([^"]+)"[^>]*>/g)];
    this.elements = new Map(ids.map(([tag, id]) => [id, new Element(/ hidden[ >]/.test(tag))]));
    this.location = new URL(link);
    const window = {
      location: this.location,
      document: { getElementById: (id) => this.elements.get(id) ?? null },
      fetch: (target, options) => fetch(new URL(target, this.location), options),
      history: { replaceState: (_state, _title, path) => (this.location.href = new URL(path, this.location).href) },
      addEventListener: () => {},
    };
    runInContext(script, createContext(window));
  }

  element(id) {
    return this.elements.get(id);
  }

  /** Fills the form in and sends it off; returns once there is an answer. */
  async send(email, password, confirmation) {
    this.element("email").value = email;
    this.element("password").value = password;
    this.element("confirmation").value = confirmation;
    let prevented = false;
    await this.element("form").listeners.submit({ preventDefault: () => (prevented = true) });
    assert.ok(prevented, "the browser does not send it as well");
  }

  failure() {
    return this.element("failure").textContent;
  }
}

class Element {
  constructor(hidden) {
    Object.assign(this, { hidden, textContent: "", value: "", disabled: false, listeners: {} });
  }

  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }
}

describe("the page behind the link for the first superuser", () => {
  let gateway;
  let link;
  before(async () => {
    gateway = await Gateway.start({ hasSuperuser: false });
    const found = () => (link = /http:\S+#\/setup\/\w+/.exec(readFileSync(gateway.log, "utf8"))?.[0]);
    await eventually(found, "a link in the log");
  });
  after(() => gateway.stop());

  it("shows no form to who comes without a token", async () => {
    const tab = await Tab.open(`${gateway.url}/_/`);
    assert.deepEqual([tab.element("setup").hidden, tab.element("done").hidden], [true, true]);
  });

  it("says what is wrong, and makes the superuser who then logs in", async () => {
    const tab = await Tab.open(link);
    assert.equal(tab.element("setup").hidden, false);
    await tab.send(EMAIL, PASSWORD, "another one");
    assert.match(tab.failure(), /Password, once more: \w+/);
    await tab.send(EMAIL, "short", "short");
    assert.match(tab.failure(), / Password: \w+/);
    assert.equal(tab.element("submit").disabled, false, "for another attempt");

    await tab.send(EMAIL, PASSWORD, PASSWORD);
    assert.deepEqual([tab.element("setup").hidden, tab.element("done").hidden, tab.failure()], [true, false, ""]);
    assert.deepEqual([tab.element("superuser").textContent, tab.element("address").textContent], [EMAIL, gateway.url]);
    assert.equal(tab.location.hash, "");
    await gateway.superuser();
  });

  it("says of a link that was used that it was", async () => {
    const tab = await Tab.open(link.replace("/_/", "/_gateway/"));
    await tab.send("other@example.com", PASSWORD, PASSWORD);
    assert.equal(tab.failure(), "The setup link is not valid or was used already.");
    assert.equal(tab.element("done").hidden, true);
  });

  it("says when nobody answers", async () => {
    const tab = await Tab.open(link);
    tab.location.port = "9";
    await tab.send(EMAIL, PASSWORD, PASSWORD);
    assert.match(tab.failure(), /does not answer/);
  });
});
