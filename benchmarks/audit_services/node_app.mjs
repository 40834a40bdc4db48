// A well-made service on Node's own http module, without any package.
//
//     node node_app.mjs 8080
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";

const LIMIT = 64 * 1024;
const CITIES = { Lisbon: 0.2, Oslo: -0.1, Quito: 0.4 };
const MODEL = { model_version: "v3", trained_at: "2026-10-01" };
const counts = { requests: 0, seconds: 0, yes: 0, no: 0 };

class Problem extends Error {
  constructor(status, title, errors = {}, headers = {}) {
    super(title);
    Object.assign(this, { status, title, errors, headers });
  }
}

function check(row) {
  if (row === null || typeof row !== "object" || Array.isArray(row)) throw new Problem(422, "The body must be an object");
  const errors = {};
  const number = (name, low, high, fits) => {
    if (!(fits(row[name]) && row[name] >= low && row[name] <= high)) errors[name] = `must be a number from ${low} to ${high}`;
  };
  number("age", 18, 100, Number.isInteger);
  number("income", 0, 1e6, Number.isFinite);
  if (!Object.hasOwn(CITIES, row.city)) errors.city = `must be one of ${Object.keys(CITIES).join(", ")}`;
  if (typeof row.member !== "boolean") errors.member = "must be true or false";
  if (Object.keys(errors).length) throw new Problem(422, "Some fields are wrong", errors);
  return row;
}

function predict(row) {
  const z = 0.03 * (row.age - 45) + row.income / 80_000 - 1 + CITIES[row.city] + (row.member ? 0.6 : 0);
  const probability = 1 / (1 + Math.exp(-z));
  const prediction = probability >= 0.5 ? "yes" : "no";
  counts[prediction] += 1;
  return { prediction, probability, ...MODEL, prediction_id: randomUUID() };
}

async function readJson(request) {
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) throw new Problem(415, "Send application/json");
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size <= LIMIT) parts.push(part);
  }
  if (size > LIMIT) throw new Problem(413, `At most ${LIMIT} bytes`);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts)));
  } catch {
    throw new Problem(400, "The body is not valid JSON");
  }
}

const metrics = () =>
  `request_duration_seconds_count ${counts.requests}\nrequest_duration_seconds_sum ${counts.seconds}\n` +
  `model_predictions_total{prediction="yes"} ${counts.yes}\nmodel_predictions_total{prediction="no"} ${counts.no}\n`;

const READS = {
  "/livez": () => ({ status: "ok" }),
  "/readyz": () => ({ status: "ready", ...MODEL }),
  "/model": () => MODEL,
  "/metrics": metrics,
};

async function route(request) {
  const path = request.url.split("?")[0];
  if (path === "/predict") {
    if (request.method !== "POST") throw new Problem(405, "Method not allowed", {}, { Allow: "POST" });
    return predict(check(await readJson(request)));
  }
  if (!Object.hasOwn(READS, path)) throw new Problem(404, "Not found");
  if (!["GET", "HEAD"].includes(request.method)) throw new Problem(405, "Method not allowed", {}, { Allow: "GET, HEAD" });
  return READS[path]();
}

const server = createServer(async (request, response) => {
  const started = performance.now();
  let status = 200, headers = {}, body;
  try {
    body = await route(request);
  } catch (error) {
    const known = error instanceof Problem;
    status = known ? error.status : 500;
    headers = known ? error.headers : {};
    body = { type: "about:blank", title: known ? error.title : "Internal error", status, errors: error.errors ?? {} };
  }
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body === "string" ? "text/plain; version=0.0.4" : status < 400 ? "application/json" : "application/problem+json";
  const id = request.headers["x-request-id"] ?? randomUUID();
  response.writeHead(status, { "Content-Type": type, "X-Request-ID": id, "Content-Length": Buffer.byteLength(text), ...headers });
  response.end(request.method === "HEAD" ? undefined : text);
  if (request.method === "POST") {
    counts.requests += 1;
    counts.seconds += (performance.now() - started) / 1000;
  }
});
server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1");
