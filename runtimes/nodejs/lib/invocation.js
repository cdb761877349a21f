'use strict';
// One call of the handler: the context object, the three ways to answer (promise, callback, context.done and its kin), and when
// a callback counts.
//
// A callback counts when what the handler left behind (timers, sockets, publishes under way) is done: AWS's
// callbackWaitsForEmptyEventLoop, true unless the function sets it to false. "Empty" is measured against the moment before the
// call, because long-lived functions keep timers of their own at the top of the module. A handler that neither calls back nor
// returns a promise has answered null at that same point. context.done, succeed and fail never wait.

const POLL_MS = [1, 2, 4, 8, 16, 32, 50];

// Interpreters before 17 do not tell of timers: with them a callback counts at once, and only a wholly empty loop means null.
const TELLS_ALL = typeof process.getActiveResourcesInfo === 'function';

/** How many things keep the event loop alive. */
function outstanding() {
  return TELLS_ALL ? process.getActiveResourcesInfo().length : 0;
}

/** Calls back once the loop is as empty as it was, or empty altogether. */
function whenQuiet(before, isOver, callback) {
  let tries = 0;
  let timer = null;
  const finish = () => {
    clearTimeout(timer);
    process.removeListener('beforeExit', finish);
    if (!isOver()) callback();
  };
  const look = () => {
    if (isOver() || outstanding() <= before) {
      finish();
      return;
    }
    timer = setTimeout(look, POLL_MS[Math.min(tries++, POLL_MS.length - 1)]);
    timer.unref();
  };
  process.on('beforeExit', finish);
  if (TELLS_ALL) look();
}

function clientContextOf(text) {
  let fields = {};
  if (text) {
    try {
      fields = JSON.parse(Buffer.from(text, 'base64').toString()) || {};
    } catch (e) {
      console.warn('The client context of this call is not base64 of JSON; it is left out.');
    }
  }
  const custom = fields.custom || fields.Custom || {};
  // Custom is what AWS Lambda calls it for Node.js, custom what Greengrass does.
  return Object.assign({}, fields, { client: fields.client || {}, env: fields.env || {}, custom, Custom: custom });
}

function contextOf(work, arn) {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: arn.name,
    functionVersion: arn.qualifier,
    invokedFunctionArn: arn.toArnString(),
    awsRequestId: work.invocationId,
    clientContext: clientContextOf(work.clientContext),
    getRemainingTimeInMillis: () => (work.deadlineMs ? Math.max(0, work.deadlineMs - Date.now()) : 0),
  };
}

/** Resolves to what the handler answers, or rejects with what it fails with. */
function call(handler, event, work, arn) {
  return new Promise((resolve, reject) => {
    let over = false;
    const isOver = () => over;
    const answer = (error, result) => {
      if (over) return;
      over = true;
      // As AWS: any error but null and undefined is one.
      if (error !== null && error !== undefined) reject(error);
      else resolve(result);
    };
    const context = contextOf(work, arn);
    let called = false;
    const before = outstanding();
    const callback = (error, result) => {
      if (called || over) return;
      called = true;
      // An error goes out at once, as in AWS Lambda the error of a rejected promise does.
      if (!context.callbackWaitsForEmptyEventLoop || (TELLS_ALL && outstanding() <= before)) answer(error, result);
      else if (TELLS_ALL) whenQuiet(before, isOver, () => answer(error, result));
      else setImmediate(answer, error, result);
    };
    context.done = (error, result) => answer(error, result);
    context.succeed = (result) => answer(null, result);
    context.fail = (error) => answer(error === null || error === undefined ? new Error('handled') : error, null);

    let returned;
    try {
      returned = handler(event, context, callback);
    } catch (e) {
      answer(e === null || e === undefined ? new Error(String(e)) : e);
      return;
    }
    if (returned && typeof returned.then === 'function') {
      returned.then((result) => answer(null, result), (e) => answer(e === null || e === undefined ? new Error(String(e)) : e));
    } else if (!called && !over) {
      setImmediate(() => {
        if (!called && !over) whenQuiet(before, () => over || called, () => answer(null, null));
      });
    }
  });
}

module.exports = { call };
