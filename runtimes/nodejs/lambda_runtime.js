'use strict';
// Bootstrap of a Node.js worker of the core.
//
//     node lambda_runtime.js --handler file.function
//
// Loads the handler, tells the core that it is initialised, then asks for work, calls the handler and gives the answer, until
// SIGTERM. What the handler throws or calls back with becomes a 'Handled' error for the caller; an exception that nobody catches
// ends the process, and the core answers 'Unhandled'.

const path = require('path');
const util = require('util');

require('./lib/modules').install();

const { envVars, FunctionArnFields } = require('aws-greengrass-common-js');
const IPCClient = require('aws-greengrass-ipc-sdk-js');

// How often, and how long in all, a worker asks a core that does not answer before it gives up.
const CORE_GONE_ATTEMPTS = 4;
const SIGTERM_COMES_MS = 2000;
const EXIT_REJECTION = 128;
const EXIT_EXCEPTION = 129;

const arn = envVars.MY_FUNCTION_ARN;
const binary = envVars.ENCODING_TYPE === 'binary';
const ipc = new IPCClient();
let busy = false;
let stopAsked = false;
let call;

/** console.* goes to the function's log: a line's level is told at its head, INFO where there is none. */
function configureConsole() {
  const { log } = console;
  const at = (level) => (...args) => log.call(console, `[${level}]-${util.format(...args)}`);
  console.debug = at('DEBUG');
  console.warn = at('WARN');
  console.error = at('ERROR');
}

class Failure {
  constructor(kind, message) {
    this.object = { errorType: kind, errorMessage: message, trace: [], stackTrace: [] };
  }
}

function errorObject(error) {
  if (error instanceof Failure) return error.object;
  if (error instanceof Error || (error && typeof error.message === 'string')) {
    const trace = typeof error.stack === 'string' ? error.stack.split('\n') : [];
    const frames = trace.filter((line) => /^\s+at /.test(line)).map((line) => line.trim().replace(/^at /, ''));
    return { errorType: error.name || 'Error', errorMessage: error.message, trace, stackTrace: frames };
  }
  const message = typeof error === 'string' ? error : util.inspect(error);
  return { errorType: typeof error, errorMessage: message, trace: [], stackTrace: [] };
}

function decode(payload) {
  if (binary) return payload;
  if (payload.length === 0) return {};
  try {
    return JSON.parse(payload.toString());
  } catch (e) {
    throw new Failure('Runtime.UnmarshalError',
      `The payload is not JSON (${e.message}). A function that takes other payloads needs the input payload encoding type "binary".`);
  }
}

function encode(result) {
  if (!binary) {
    try {
      const text = JSON.stringify(result);
      return Buffer.from(text === undefined ? 'null' : text);
    } catch (e) {
      throw new Failure('Runtime.MarshalError', `What the handler returned cannot be made JSON: ${e.message}`);
    }
  }
  if (result === undefined || result === null) return Buffer.alloc(0);
  if (typeof result === 'string') return Buffer.from(result);
  if (Buffer.isBuffer(result)) return result;
  if (ArrayBuffer.isView(result)) return Buffer.from(result.buffer, result.byteOffset, result.byteLength);
  if (result instanceof ArrayBuffer) return Buffer.from(result);
  throw new Failure('Runtime.MarshalError', `A function with encoding type "binary" returns a Buffer or a string, not ${typeof result}.`);
}

/** Asks again for a short while when nobody answers; a core that says no is believed at once. */
async function patiently(ask) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (e) {
      if (e.status !== undefined || attempt === CORE_GONE_ATTEMPTS || stopAsked) throw e;
      const pause = (100 + Math.random() * 100) * 2 ** attempt;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

const getWork = util.promisify(ipc.getWork.bind(ipc));
const putInitializationResult = util.promisify(ipc.putInitializationResult.bind(ipc));

/** Gives the core what the handler answered or failed with; the promise of the next work, which was asked for in the same packet. */
async function answerAndAsk(work, result, error) {
  let next;
  const once = () => new Promise((resolve, reject) => {
    const answered = (e) => (e ? reject(e) : resolve());
    if (stopAsked) {
      if (error) ipc.postHandlerError(arn, work.invocationId, error, answered);
      else ipc.postWorkResult(arn, work.invocationId, result, answered);
      return;
    }
    next = new Promise((gave, failed) => {
      ipc.postResultAndGetWork(arn, work.invocationId, result, error, answered, (e, more) => (e ? failed(e) : gave(more)));
    });
    next.catch(() => {}); // whoever waits for it hears of it
  });
  try {
    await patiently(once);
  } catch (e) {
    if (e.status === undefined || e.status === 401 || e.status === 403) throw e;
    // The core no longer waits for this answer (its caller timed out): go on with the next work.
    console.warn(`The core did not take the answer: ${e.message}`);
  }
  return { next };
}

/** Calls the handler; gives what answerAndAsk gives. */
async function handle(handler, work, fields) {
  let result;
  try {
    result = encode(await call(handler, decode(work.payload), work, fields));
  } catch (e) {
    if (e instanceof Failure) console.error(e.object.errorMessage);
    else console.error('The handler failed:', e);
    return answerAndAsk(work, null, errorObject(e));
  }
  return answerAndAsk(work, result, null);
}

async function run(handlerName, root) {
  let handler;
  try {
    handler = await require('./lib/handler').load(handlerName, root);
  } catch (e) {
    console.error(`The handler ${handlerName} cannot be loaded:`, e);
    await putInitializationResult(arn, e instanceof Error ? `${e.name}: ${e.message}` : String(e));
    return 1;
  }
  await patiently(() => putInitializationResult(arn, null));
  const fields = new FunctionArnFields(arn);
  call = require('./lib/invocation').call;
  let next;
  while (!stopAsked) {
    let work;
    try {
      work = await nextWork(next);
    } catch (e) {
      if (e.status !== 403 || process.listenerCount('SIGTERM') === 1) throw e;
      // The core lets this worker go, so SIGTERM is on its way: the function's own listener has its chance.
      await new Promise((resolve) => setTimeout(resolve, SIGTERM_COMES_MS));
      throw e;
    }
    busy = true;
    ({ next } = await handle(handler, work, fields));
    busy = false;
  }
  return 0;
}

/** The work that was asked for with the last answer; asked for anew when the core was not reached. */
async function nextWork(asked) {
  try {
    if (asked) return await asked;
  } catch (e) {
    if (e.status !== undefined) throw e;
  }
  return patiently(() => getWork(arn));
}

/** At once while waiting or loading, after the answer while the handler works; the function's own listeners may end it instead. */
function onStop() {
  stopAsked = true;
  if (!busy && process.listenerCount('SIGTERM') === 1) process.exit(0);
}

function main(argv) {
  const at = argv.indexOf('--handler');
  if (at < 0 || !argv[at + 1]) {
    process.stderr.write('usage: node lambda_runtime.js --handler FILE.FUNCTION\n');
    process.exit(2);
  }
  const handlerName = argv[at + 1];
  const root = process.env.LAMBDA_TASK_ROOT || process.cwd();
  process.argv = [process.argv[0], path.join(root, handlerName), ...argv.slice(0, at), ...argv.slice(at + 2)];
  configureConsole();
  process.on('SIGTERM', onStop);
  process.on('uncaughtException', (e) => {
    console.error('This worker ends by an exception that nobody caught:', e);
    process.exit(EXIT_EXCEPTION);
  });
  process.on('unhandledRejection', (e) => {
    console.error('This worker ends by a rejected promise that nobody handled:', e);
    process.exit(EXIT_REJECTION);
  });
  run(handlerName, root).then(
    (code) => process.exit(code),
    (e) => {
      console.error(`This worker ends, the core has no use for it any more: ${e.message}`);
      process.exit(1);
    },
  );
}

main(process.argv.slice(2));
