// Runs one Node action inside its sandbox: the resident half of functions/channel.py, in which the
// protocol is described. Started as `node launcher.js CODE_FOLDER [PROXY_SOCKET]`, with a stream
// socket at descriptor 3.
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const OWN_FOLDER = '/tmp';
const folder = process.argv[2];
const channel = new net.Socket({ fd: 3, readable: true, writable: true });
const started = new Map();

const state = {
  function: null,
  isHandler: false,
  wasInitialised: false,
  resultBytes: 1 << 20,
  environment: { ...process.env },
};

class Failure extends Error {
  constructor(message, status = 502, at = undefined) {
    super(message);
    this.status = status;
    this.at = at;
  }
}

async function init(value) {
  if (state.wasInitialised) throw new Failure('Cannot initialize the action more than once.', 403);
  state.wasInitialised = true;
  state.isHandler = value.style === 'handler';
  state.resultBytes = value.result_bytes ?? state.resultBytes;
  if (value.heap_mb) require('node:v8').setFlagsFromString(`--max-old-space-size=${value.heap_mb}`);
  Object.assign(state.environment, value.env ?? {});
  Object.assign(process.env, state.environment);
  const name = value.main || 'main';
  const loaded = await load(value.entry || 'index.js', name);
  const found = state.isHandler ? (loaded.default ?? loaded) : loaded;
  state.function = [found?.[name], loaded?.[name], found].find((one) => typeof one === 'function');
  if (!state.function) throw new Failure(`The code has no function "${name}".`);
  return { ok: true };
}

async function load(entry, name) {
  const file = path.join(folder, entry);
  if (!fs.existsSync(file)) throw new Failure(`The code has no file "${entry}".`);
  const asModule = () => import(require('node:url').pathToFileURL(file).href);
  if (/\.m[jt]s$/.test(file) || isModulePackage(path.dirname(file))) return await asModule();
  try {
    return compile(file, name);
  } catch (error) {
    const isModule =
      error instanceof SyntaxError && /import statement|token 'export'|import\.meta|await is only/.test(error.message);
    if (!isModule) throw error;
    return await asModule();
  }
}

function isModulePackage(place) {
  for (; place.startsWith(folder); place = path.dirname(place)) {
    const file = path.join(place, 'package.json');
    if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module';
  }
  return false;
}

// OpenWhisk's single files name a function `main` and export nothing, so that the export is added
// here. It stands behind the last line: lines keep their numbers.
function compile(file, name) {
  const Module = require('node:module');
  const module_ = new Module(file, null);
  module_.filename = file;
  module_.paths = Module._nodeModulePaths(path.dirname(file));
  Module._cache[file] = module_;
  const export_ = /^[A-Za-z_$][\w$]*$/.test(name)
    ? `\n;if (typeof module === 'object' && typeof ${name} === 'function' && !('${name}' in module.exports)) module.exports.${name} = ${name};`
    : '';
  const source = fs.readFileSync(file, 'utf8');
  try {
    module_._compile(source + export_, file);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    module_._compile(source, file); // which tells the line as it is without the addition
  }
  return module_.exports;
}

async function run(body) {
  if (!state.function) throw new Failure('The action was not initialised.', 403);
  if (started.size === 1) {
    for (const key of Object.keys(process.env)) if (!(key in state.environment)) delete process.env[key];
    Object.assign(process.env, state.environment);
  }
  for (const [key, value] of Object.entries(body)) {
    if (key !== 'value' && value !== null) process.env[`__OW_${key.toUpperCase()}`] = String(value);
  }
  const value = body.value ?? {};
  if (!state.isHandler) {
    const result = await state.function(value);
    return result === undefined ? {} : result;
  }
  const output = await state.function(contextOf(value));
  if (output === undefined || output === null) {
    throw new Failure('The function returned nothing; return context.res.empty() where that is meant.');
  }
  return encode(output);
}

function contextOf(value) {
  const bytes = Buffer.from(value.body ?? '', value.encoding === 'base64' ? 'base64' : 'utf8');
  const headers = {};
  for (const [name, text] of Object.entries(value.headers ?? {})) headers[name.toLowerCase()] = text;
  const scheme = value.scheme || 'http';
  const usual = scheme === 'https' ? 443 : 80;
  const port = value.port || usual;
  const host = value.host || 'localhost';
  const queryString = value.query || '';
  const query = {};
  for (const pair of queryString.split('&').filter(Boolean)) {
    const at = pair.indexOf('=');
    query[at < 0 ? pair : pair.slice(0, at)] = at < 0 ? '' : pair.slice(at + 1);
  }
  const where = value.path || '/';
  const req = {
    bodyBinary: bytes, headers, method: value.method || 'GET', scheme, host, port, path: where,
    queryString, query,
    url: `${scheme}://${port === usual ? host : `${host}:${port}`}${where}${queryString ? `?${queryString}` : ''}`,
    get bodyText() { return bytes.toString('utf8'); },
    get bodyRaw() { return this.bodyText; },
    get bodyJson() { return JSON.parse(this.bodyText); },
    get body() {
      const isJson = (headers['content-type'] ?? '').toLowerCase().startsWith('application/json');
      return isJson ? (bytes.length ? this.bodyJson : {}) : this.bodyText;
    },
  };
  const binary = (body, statusCode = 200, given = {}) => ({ body, statusCode, headers: { ...given } });
  const res = {
    binary, text: binary, send: binary,
    json: (object, statusCode = 200, given = {}) =>
      binary(JSON.stringify(object), statusCode, { ...given, 'content-type': 'application/json' }),
    empty: () => binary('', 204),
    redirect: (url, statusCode = 301, given = {}) => binary('', statusCode, { ...given, location: url }),
  };
  return { req, res, log: (...what) => console.log(...what), error: (...what) => console.error(...what) };
}

function encode(output) {
  if (typeof output !== 'object') {
    throw new Failure('The function must return what a method of context.res gives.');
  }
  let body = output.body ?? '';
  let encoding = 'utf-8';
  if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) {
    const bytes = Buffer.from(body.buffer ?? body, body.byteOffset ?? 0, body.byteLength);
    encoding = require('node:buffer').isUtf8(bytes) ? 'utf-8' : 'base64';
    body = bytes.toString(encoding);
  }
  const headers = {};
  for (const [name, text] of Object.entries(output.headers ?? {})) headers[name.toLowerCase()] = String(text);
  return { statusCode: Number(output.statusCode ?? 200), headers, body: String(body), encoding };
}

// A message with the line of the user's file; the stack, as far as it is theirs, goes to stderr.
function describe(error) {
  if (!(error instanceof Error)) {
    const isObject = typeof error === 'object' && error !== null;
    console.error('Rejected with', error);
    return new Failure(isObject && error.error ? String(error.error) : `Rejected with ${JSON.stringify(error)}`);
  }
  const lines = String(error.stack).split('\n');
  const own = lines.filter((line) => line.includes(`${folder}/`));
  const found = own.join('\n').match(/([^\s(]+?):(\d+)(?::\d+)?\)?\s*$/m);
  const at = found && { file: shorten(found[1]), line: Number(found[2]) };
  const message = `${error.name}: ${error.message}${at ? ` (${at.file}, line ${at.line})` : ''}`;
  const shown = lines.filter((line) => !line.startsWith('    at ') || line.includes(`${folder}/`));
  console.error(shorten(shown.join('\n')));
  return new Failure(message, 502, at ?? undefined);
}

function shorten(text) {
  return text.replaceAll(`file://${folder}/`, '').replaceAll(`${folder}/`, '');
}

function pack(request, status, body, at) {
  let text;
  try {
    text = JSON.stringify(body);
  } catch (error) {
    return pack(request, 502, { error: `The result cannot be JSON: ${error.message}.` });
  }
  const size = Buffer.byteLength(text);
  if (status === 200 && size > state.resultBytes) {
    return pack(request, 413, { error: `The result has ${size} bytes, the limit is ${state.resultBytes}.` });
  }
  const ms = performance.now() - started.get(request.id);
  return `${JSON.stringify({ ms, id: request.id, status, at }).slice(0, -1)},"body":${text}}\n`;
}

async function answer(request) {
  // What was killed after the last activation may have written once more.
  if (!started.size) clean();
  started.set(request.id, performance.now());
  let reply;
  try {
    let result;
    if (request.path === '/init') result = await init(request.body?.value ?? {});
    else if (request.path === '/run') result = await run(request.body ?? {});
    else throw new Failure('There is nothing at this path.', 404);
    if (typeof result !== 'object' || result === null) {
      throw new Failure('The action did not return a dictionary.');
    }
    reply = pack(request, 200, result);
  } catch (error) {
    const failure = error instanceof Failure ? error : describe(error);
    reply = pack(request, failure.status, { error: failure.message.slice(0, 8192) }, failure.at);
  }
  started.delete(request.id);
  if (!started.size) clean();
  channel.write(reply);
}

function clean() {
  try {
    process.chdir(folder);
    if (process.env.RAINDROP_SANDBOX === 'none') return;
    for (const name of fs.readdirSync(OWN_FOLDER)) {
      fs.rmSync(path.join(OWN_FOLDER, name), { recursive: true, force: true });
    }
  } catch {
    // What cannot be removed is inside the limits all the same.
  }
}

// A fault outside of a call (a timer, an event) is nobody's answer: it ends whatever runs.
function fail(error) {
  const failure = describe(error);
  for (const id of [...started.keys()]) {
    channel.write(pack({ id }, 502, { error: failure.message }, failure.at));
    started.delete(id);
  }
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

let held = '';
channel.setEncoding('utf8');
channel.on('data', (piece) => {
  held += piece;
  let end;
  while ((end = held.indexOf('\n')) >= 0) {
    answer(JSON.parse(held.slice(0, end)));
    held = held.slice(end + 1);
  }
});
channel.on('end', () => process.exit(0));
channel.on('error', () => process.exit(1));

// The proxy's unix socket, as 127.0.0.1:3128: HTTP libraries know proxies by host and port only.
if (process.argv[3]) {
  const server = net.createServer((inner) => {
    const outer = net.connect(process.argv[3]);
    inner.pipe(outer).pipe(inner);
    inner.on('error', () => outer.destroy());
    outer.on('error', () => inner.destroy());
  });
  server.listen(3128, '127.0.0.1').unref();
}

process.chdir(folder);
channel.write(`${JSON.stringify({ ready: true, pid: process.pid })}\n`);
