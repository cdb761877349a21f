'use strict';
// Client of the core's daemon port: the work protocol that functions and their runtime speak (decision 045).

const { envVars } = require('../aws-greengrass-common-js');
const { Door, DoorError } = require('../../lib/door');

const BASE = '/2016-11-01/functions/';
const ANSWER_MS = 60 * 1000;
const RESULT_MS = 60 * 60 * 1000; // the core ends it when the function's time is over
const WORK_MS = 10 * 60 * 1000; // the core says "nothing yet" long before
const NOTHING = Buffer.alloc(0);

// One set of connections for each token, however many clients a function makes.
const doors = new Map();

function doorOf(host, port, token) {
  const key = `${host} ${port} ${token}`;
  if (!doors.has(key)) doors.set(key, new Door(host, port, token));
  return doors.get(key);
}

function bytes(payload) {
  if (payload === undefined || payload === null) return NOTHING;
  if (Buffer.isBuffer(payload)) return payload;
  if (typeof payload === 'string') return Buffer.from(payload);
  if (ArrayBuffer.isView(payload)) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload instanceof ArrayBuffer) return Buffer.from(payload);
  return Buffer.from(JSON.stringify(payload));
}

/** The error that a response means, or null. */
function refusal(method, path, response) {
  if (response.status >= 200 && response.status <= 299) return null;
  return new DoorError(`${method} ${path} was refused with status ${response.status}: ${response.body}`, response.status);
}

class IPCClient {
  /** Address and port are the core's own business: it tells its port by GG_DAEMON_PORT. */
  constructor(authToken) {
    this.door = doorOf('127.0.0.1', Number(envVars.GG_DAEMON_PORT || 8000), authToken === undefined ? envVars.AUTH_TOKEN : authToken);
  }

  // -- the caller's side

  /** Hands work to a function: callback(error, invocationId). */
  postWork(functionArn, payload, clientContext, invocationType, callback) {
    const headers = { 'X-Amz-Invocation-Type': invocationType || 'RequestResponse' };
    if (clientContext) headers['X-Amz-Client-Context'] = clientContext;
    this._call('POST', BASE + functionArn, headers, bytes(payload), ANSWER_MS, (error, response) => {
      if (error) callback(error, null);
      else callback(null, response.headers['x-amz-invocationid']);
    });
  }

  /** Waits for the answer to postWork: callback(error, body, functionError, statusCode). */
  getWorkResult(functionArn, invocationId, callback) {
    this._call('GET', BASE + functionArn, { 'X-Amz-InvocationId': invocationId }, NOTHING, RESULT_MS, (error, response) => {
      if (error) {
        callback(error, null);
        return;
      }
      const body = response.body;
      // A Buffer, because results may be bytes; but in JSON a text: the SDK puts a refused secret into an error that way.
      Object.defineProperty(body, 'toJSON', { value: () => body.toString(), configurable: true });
      callback(null, body, response.headers['x-amz-function-error'] || '', response.status);
    });
  }

  // -- the runtime's side

  /** Waits for work: callback(error, {invocationId, payload, clientContext, deadlineMs}). */
  getWork(functionArn, callback) {
    this._call('GET', `${BASE}${functionArn}/work`, {}, NOTHING, WORK_MS, (error, response) => this._work(functionArn, error, response, callback));
  }

  /**
   * Answers work and waits for the next, in one packet: answered(error) first, then next(error, work) as of getWork; after an
   * answer that did not reach the core there is no next.
   *
   * @param {Object} [handlerError] of a handler that failed; the payload is not looked at then
   */
  postResultAndGetWork(functionArn, invocationId, payload, handlerError, answered, next) {
    const path = `${BASE}${functionArn}/work`;
    const headers = { 'X-Amz-InvocationId': invocationId };
    if (handlerError) headers['X-Amz-Function-Error'] = 'Handled';
    const body = bytes(handlerError ? JSON.stringify(handlerError) : payload);
    this.door.answerAndAsk(path, headers, body, ANSWER_MS,
      (error, response) => answered(error || refusal('POST', path, response)),
      WORK_MS,
      (error, response) => this._work(functionArn, error || refusal('GET', path, response), response, next));
  }

  _work(functionArn, error, response, callback) {
    if (error) {
      callback(error, null);
    } else if (response.status === 204) {
      this.getWork(functionArn, callback); // nothing yet, the core only kept the connection alive
    } else {
      const headers = response.headers;
      callback(null, {
        invocationId: headers['x-amz-invocationid'] || '',
        payload: response.body,
        clientContext: headers['x-amz-client-context'] || '',
        deadlineMs: Number(headers['lambda-runtime-deadline-ms'] || 0),
      });
    }
  }

  postWorkResult(functionArn, invocationId, payload, callback) {
    this._call('POST', `${BASE}${functionArn}/work`, { 'X-Amz-InvocationId': invocationId }, bytes(payload), ANSWER_MS, callback);
  }

  /** The handler failed; error is a text or the whole error object. */
  postHandlerError(functionArn, invocationId, error, callback) {
    const headers = { 'X-Amz-InvocationId': invocationId, 'X-Amz-Function-Error': 'Handled' };
    const body = typeof error === 'string' ? { errorMessage: error } : error;
    this._call('POST', `${BASE}${functionArn}/work`, headers, bytes(JSON.stringify(body)), ANSWER_MS, callback);
  }

  /** Tells that the handler is loaded (error null), or why not. */
  putInitializationResult(functionArn, error, callback) {
    const body = { Success: !error, Response: error ? String(error) : '' };
    this._call('PUT', `${BASE}${functionArn}/initialized`, {}, bytes(JSON.stringify(body)), ANSWER_MS, callback);
  }

  _call(method, path, headers, body, timeout, callback) {
    this.door.request(method, path, headers, body, timeout, (error, response) => {
      error = error || refusal(method, path, response);
      callback(error, error ? null : response);
    });
  }
}

IPCClient.IPCException = DoorError;
module.exports = IPCClient;
