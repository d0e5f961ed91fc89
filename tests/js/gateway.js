// Starts the real gateway for a test file, and makes clients of it.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";

// Node has none of its own; the SDK takes the global one, as in a browser.
globalThis.EventSource = EventSource;

export const EMAIL = "root@example.com";
export const PASSWORD = "correct horse battery";
const ROOT = new URL("../..", import.meta.url).pathname;

/** A gateway over a data directory of its own, with one superuser unless told otherwise. Stopped by `stop`, which also checks how it ended. */
export class Gateway {
  /** `proxies` are there before it starts. */
  static async start({ proxies = [], hasSuperuser = true } = {}) {
    const folder = mkdtempSync(join(tmpdir(), "pocketgate-js-"));
    const data = join(folder, "data");
    if (hasSuperuser) run("superuser", "upsert", EMAIL, PASSWORD, "--dir", data);
    if (proxies.length > 0) {
      const file = join(folder, "proxies.json");
      writeFileSync(file, JSON.stringify({ version: 1, proxies }));
      run("proxies", "import", file, "--dir", data);
    }
    const log = join(folder, "stderr.log");
    const process = spawn(binary(), ["serve", "--http", "127.0.0.1:0", "--dir", data], {
      env: environment(),
      stdio: ["ignore", "pipe", openSync(log, "w")],
    });
    const lines = createInterface({ input: process.stdout });
    const [line] = await Promise.race([once(lines, "line"), once(process, "exit")]);
    const url = /^listening on (http:\S+)$/.exec(line)?.[1];
    if (!url) throw new Error(`did not start: ${line}\n${readFileSync(log, "utf8")}`);
    return new Gateway(folder, process, url, log);
  }

  constructor(folder, process, url, log) {
    Object.assign(this, { folder, process, url, log });
  }

  /** A client of a guest. Requests are not cancelled by later ones: tests make several at once. */
  guest() {
    const client = new PocketBase(this.url);
    client.autoCancellation(false);
    return client;
  }

  /** A client of the superuser. */
  async superuser() {
    const client = this.guest();
    await client.collection("_superusers").authWithPassword(EMAIL, PASSWORD);
    return client;
  }

  /** A new record of `users` and a client of it. */
  async user(superuser, email = `${unique("user")}@example.com`) {
    const record = await superuser
      .collection("users")
      .create({ email, password: PASSWORD, passwordConfirm: PASSWORD, verified: true });
    const client = this.guest();
    await client.collection("users").authWithPassword(email, PASSWORD);
    return { client, record, email };
  }

  async stop() {
    this.process.kill("SIGTERM");
    const code = this.process.exitCode ?? (await once(this.process, "exit"))[0];
    const log = readFileSync(this.log, "utf8");
    rmSync(this.folder, { recursive: true });
    if (code !== 0 || log.includes("panicked")) throw new Error(`ended with ${code}:\n${log}`);
  }
}

let counter = 0;

/** A text that no other test of this file uses. */
export function unique(prefix) {
  counter += 1;
  return `${prefix}${counter}`;
}

/** A proxy that can be saved. */
export function proxy(members = {}) {
  return { path: `/-/${unique("p")}`, upstream: "http://127.0.0.1:9", accessRule: "true", ...members };
}

/** Waits until a condition holds. */
export async function eventually(condition, what) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What the SDK threw: its status, message and data. */
export async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return { status: error.status, message: error.message, data: error.response?.data };
  }
  throw new Error("it succeeded");
}

const PATIENCE_MS = 15_000;

function once(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...values) => resolve(values)));
}

function binary() {
  const target = process.env.CARGO_TARGET_DIR || join(ROOT, "target");
  const path = process.env.POCKETGATE_BIN || join(target, "debug", "pocketgate");
  if (!existsSync(path)) throw new Error(`no binary at ${path}: run cargo build -p pocketgate, or set POCKETGATE_BIN`);
  return path;
}

function run(...command) {
  const done = spawnSync(binary(), command, { env: environment(), encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${command.join(" ")}: ${done.stderr}`);
}

/** Without the settings of a gateway that the person running this may have. */
function environment() {
  const ours = ([name]) => !name.startsWith("POCKETGATE_") && !name.startsWith("PB_");
  return Object.fromEntries(Object.entries(process.env).filter(ours));
}
