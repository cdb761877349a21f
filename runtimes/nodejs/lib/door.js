'use strict';
// HTTP/1.1 to the core's daemon port, on plain sockets: a worker asks two questions for each piece of work, and the general
// client of Node.js would cost more than the question (and 15 ms of every cold start).
//
// A connection that stood idle for some seconds is not used again for anything but a GET: the core may just be closing it, and a
// POST that is sent twice would be a message delivered twice.

const net = require('net');

const REUSABLE_FOR_MS = 10000;
const MOST_CONNECTIONS = 64;
const MOST_WAITING = 10000;
const LARGEST_HEAD = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/** Nobody answered (status undefined), or the core said no (its HTTP status). */
class DoorError extends Error {
  constructor(message, status) {
    super(message);
    this.name = 'IPCException';
    this.status = status;
  }
}

class Connection {
  constructor(door) {
    this.door = door;
    this.fresh = true;
    this.idleSince = 0;
    this.exchange = null;
    this.received = EMPTY;
    this.socket = net.connect(door.port, door.host);
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => this.onData(chunk));
    this.socket.on('error', (e) => this.onEnd(e));
    this.socket.on('close', () => this.onEnd(null));
    this.socket.on('timeout', () => this.onEnd(new Error('no answer in time')));
  }

  send(exchange) {
    this.exchange = exchange;
    this.socket.ref();
    this.socket.setTimeout(exchange.timeout);
    if (exchange.body.length < 64 * 1024) {
      this.socket.write(Buffer.concat([Buffer.from(exchange.head, 'latin1'), exchange.body]));
    } else {
      this.socket.write(exchange.head, 'latin1');
      this.socket.write(exchange.body);
    }
  }

  onData(chunk) {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    let response;
    try {
      response = this.exchange ? parse(this.received, false) : null;
    } catch (e) {
      this.onEnd(e);
      return;
    }
    if (response) this.answer(response);
  }

  answer(response) {
    const exchange = this.exchange;
    this.exchange = null;
    this.received = EMPTY;
    this.fresh = false;
    this.socket.setTimeout(0);
    // What is idle does not keep the function's event loop busy.
    this.socket.unref();
    if (response.close) {
      this.door.drop(this);
      this.socket.destroy();
    } else {
      this.idleSince = Date.now();
      this.door.free(this);
    }
    exchange.done(null, response);
  }

  onEnd(error) {
    this.door.drop(this);
    const exchange = this.exchange;
    this.exchange = null;
    this.socket.destroy();
    if (!exchange) return;
    if (!error) {
      let response = null;
      try {
        response = parse(this.received, true);
      } catch (e) {
        error = e;
      }
      if (response) {
        exchange.done(null, response);
        return;
      }
    }
    if (!this.fresh && exchange.repeatable) {
      this.door.start(exchange); // a stale connection says nothing about the core
      return;
    }
    const why = error ? error.message : 'it closed the connection';
    exchange.done(new DoorError(`The core does not answer on ${this.door.host}:${this.door.port}: ${why}`));
  }
}

/** The response in these bytes, or null while it is incomplete. */
function parse(bytes, ended) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    if (bytes.length > LARGEST_HEAD) throw new Error('its answer is no HTTP');
    return null;
  }
  const lines = bytes.latin1Slice(0, end).split('\r\n');
  const match = /^HTTP\/1\.([01]) (\d{3})/.exec(lines[0]);
  if (!match) throw new Error('its answer is no HTTP');
  const headers = {};
  for (let i = 1; i < lines.length; i++) {
    const colon = lines[i].indexOf(':');
    headers[lines[i].slice(0, colon).toLowerCase()] = lines[i].slice(colon + 1).trim();
  }
  const status = Number(match[2]);
  const response = { status, headers, body: EMPTY, close: (headers.connection || '').toLowerCase() === 'close' || match[1] === '0' };
  const start = end + 4;
  if (status === 204 || status === 304) return response;
  if ((headers['transfer-encoding'] || '').toLowerCase() === 'chunked') {
    response.body = chunks(bytes, start);
    return response.body === null ? null : response;
  }
  if (headers['content-length'] !== undefined) {
    const length = Number(headers['content-length']);
    if (bytes.length - start < length) return null;
    response.body = bytes.slice(start, start + length);
    return response;
  }
  if (!ended) return null;
  response.body = bytes.slice(start);
  return response;
}

function chunks(bytes, start) {
  const parts = [];
  for (let at = start; ;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return null;
    const length = parseInt(bytes.latin1Slice(at, line), 16);
    if (!(length >= 0)) throw new Error('its answer has a chunk without length');
    at = line + 2;
    if (bytes.length < at + length + 2) return null;
    if (length === 0) return Buffer.concat(parts);
    parts.push(bytes.slice(at, at + length));
    at += length + 2;
  }
}

class Door {
  constructor(host, port, token) {
    // 'localhost' may resolve to ::1 first; the core listens on 127.0.0.1 only.
    this.host = !host || host === 'localhost' ? '127.0.0.1' : host;
    this.port = port;
    this.token = token;
    this.idle = [];
    this.connections = 0;
    this.waiting = [];
  }

  /**
   * @param {string} method GET, POST or PUT
   * @param {string} path
   * @param {Object} headers
   * @param {Buffer} body
   * @param {number} timeout milliseconds without a byte from the core
   * @param {function(Error, {status: number, headers: Object, body: Buffer})} done
   */
  request(method, path, headers, body, timeout, done) {
    let head = `${method} ${path} HTTP/1.1\r\nHost: ${this.host}:${this.port}\r\n`;
    if (this.token) head += `Authorization: ${this.token}\r\n`;
    for (const name in headers) {
      const value = String(headers[name]);
      if (/[^\t\x20-\x7e]/.test(value)) {
        process.nextTick(done, new DoorError(`The header ${name} may not hold ${JSON.stringify(value)}.`, 400));
        return;
      }
      head += `${name}: ${value}\r\n`;
    }
    if (method !== 'GET') head += `Content-Length: ${body.length}\r\n`;
    this.start({ head: head + '\r\n', body, timeout, repeatable: method === 'GET', done });
  }

  start(exchange) {
    while (this.idle.length > 0) {
      const connection = this.idle.pop();
      if (Date.now() - connection.idleSince < REUSABLE_FOR_MS) {
        connection.send(exchange);
        return;
      }
      this.drop(connection);
      connection.socket.destroy();
    }
    if (this.connections < MOST_CONNECTIONS) {
      this.connections++;
      new Connection(this).send(exchange);
    } else if (this.waiting.length < MOST_WAITING) {
      this.waiting.push(exchange);
    } else {
      process.nextTick(exchange.done, new DoorError(`More than ${MOST_WAITING} calls wait for the core; wait for their answers.`, 429));
    }
  }

  free(connection) {
    if (this.waiting.length > 0) {
      connection.send(this.waiting.shift());
    } else {
      this.idle.push(connection);
    }
  }

  /** Forgets a connection; may be told twice. */
  drop(connection) {
    if (connection.dropped) return;
    connection.dropped = true;
    this.connections--;
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
    if (this.waiting.length > 0) this.start(this.waiting.shift());
  }
}

module.exports = { Door, DoorError };
