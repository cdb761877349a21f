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
const WATCH_MS = 5000;
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
    this.deadline = 0;
    this.received = EMPTY;
    this.socket = net.connect(door.port, door.host);
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => this.onData(chunk));
    this.socket.on('error', (e) => this.onEnd(e));
    this.socket.on('close', () => this.onEnd(null));
  }

  /** What an exchange is followed by goes out with it, in one packet. */
  send(exchange) {
    this.expect(exchange);
    this.socket.ref();
    const { body, then } = exchange;
    if (body.length === 0 && !then) {
      this.socket.write(exchange.head, 'latin1');
    } else if (body.length < 64 * 1024) {
      this.socket.write(Buffer.concat([Buffer.from(exchange.head, 'latin1'), body, then ? Buffer.from(then.head, 'latin1') : EMPTY]));
    } else {
      this.socket.write(exchange.head, 'latin1');
      this.socket.write(body);
      if (then) this.socket.write(then.head, 'latin1');
    }
  }

  expect(exchange) {
    this.exchange = exchange;
    this.deadline = Date.now() + exchange.timeout;
  }

  onData(chunk) {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    while (this.exchange && this.received.length > 0) {
      let response;
      try {
        response = parse(this.received, false);
      } catch (e) {
        this.onEnd(e);
        return;
      }
      if (!response) {
        this.deadline = Date.now() + this.exchange.timeout;
        return;
      }
      this.received = response.end < this.received.length ? this.received.slice(response.end) : EMPTY;
      this.answer(response);
    }
    if (!this.exchange) this.received = EMPTY; // nothing was asked
  }

  answer(response) {
    const { done, then } = this.exchange;
    this.exchange = null;
    this.fresh = false;
    if (response.close) {
      this.door.drop(this);
      this.socket.destroy();
      if (then) this.door.start(then);
    } else if (then) {
      this.expect(then);
    } else {
      // What is idle does not keep the function's event loop busy.
      this.socket.unref();
      this.idleSince = Date.now();
      this.door.free(this);
    }
    done(null, response);
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
        if (exchange.then) this.door.start(exchange.then);
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
  const response = { status, headers, body: EMPTY, end: end + 4, close: (headers.connection || '').toLowerCase() === 'close' || match[1] === '0' };
  const start = response.end;
  if (status === 204 || status === 304) return response;
  if ((headers['transfer-encoding'] || '').toLowerCase() === 'chunked') {
    return chunks(bytes, start, response) ? response : null;
  }
  if (headers['content-length'] !== undefined) {
    const length = Number(headers['content-length']);
    if (bytes.length - start < length) return null;
    response.end = start + length;
    response.body = bytes.slice(start, response.end);
    return response;
  }
  if (!ended) return null;
  response.end = bytes.length;
  response.body = bytes.slice(start);
  return response;
}

/** Whether all of a body in chunks is here; it becomes the response's then. */
function chunks(bytes, start, response) {
  const parts = [];
  for (let at = start; ;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return false;
    const length = parseInt(bytes.latin1Slice(at, line), 16);
    if (!(length >= 0)) throw new Error('its answer has a chunk without length');
    at = line + 2;
    if (bytes.length < at + length + 2) return false;
    if (length === 0) {
      response.body = Buffer.concat(parts);
      response.end = at + 2;
      return true;
    }
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
    this.all = new Set();
    this.watching = null;
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
    const exchange = this.exchange(method, path, headers, body, timeout, done);
    if (exchange) this.start(exchange);
  }

  /**
   * An answer to the core, and the question that comes after it whatever the core says to the answer: one packet. The answer
   * names its invocation, so it may be sent twice.
   */
  answerAndAsk(path, headers, body, answerTimeout, answered, timeout, done) {
    const exchange = this.exchange('POST', path, headers, body, answerTimeout, answered);
    if (!exchange) return;
    exchange.repeatable = true;
    exchange.then = this.exchange('GET', path, {}, EMPTY, timeout, done);
    this.start(exchange);
  }

  exchange(method, path, headers, body, timeout, done) {
    let head = `${method} ${path} HTTP/1.1\r\nHost: ${this.host}:${this.port}\r\n`;
    if (this.token) head += `Authorization: ${this.token}\r\n`;
    for (const name in headers) {
      const value = String(headers[name]);
      if (/[^\t\x20-\x7e]/.test(value)) {
        process.nextTick(done, new DoorError(`The header ${name} may not hold ${JSON.stringify(value)}.`, 400));
        return null;
      }
      head += `${name}: ${value}\r\n`;
    }
    if (method !== 'GET') head += `Content-Length: ${body.length}\r\n`;
    return { head: head + '\r\n', body, timeout, repeatable: method === 'GET', done, then: null };
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
      const connection = new Connection(this);
      this.all.add(connection);
      this.watch();
      connection.send(exchange);
    } else if (this.waiting.length < MOST_WAITING) {
      this.waiting.push(exchange);
    } else {
      process.nextTick(exchange.done, new DoorError(`More than ${MOST_WAITING} calls wait for the core; wait for their answers.`, 429));
    }
  }

  /** One timer looks after all: two for each call would cost more than what they guard. */
  watch() {
    if (this.watching) return;
    this.watching = setInterval(() => {
      for (const connection of [...this.all]) {
        if (connection.exchange && Date.now() > connection.deadline) connection.onEnd(new Error('no answer in time'));
      }
    }, WATCH_MS);
    this.watching.unref();
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
    this.all.delete(connection);
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
    if (this.waiting.length > 0) this.start(this.waiting.shift());
  }
}

module.exports = { Door, DoorError };
