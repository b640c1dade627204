// Requests to an entity's $management node.
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-request-response
'use strict';

const { message: codec, types } = require('rhea');
const { LOST, Refusal } = require('./queue.js');

const LONG = 0x81, TIMESTAMP = 0x83; // codes of types in arrays

// A lock token is a delivery tag on a link, and a UUID in a request: the same bytes in .NET's order.
function reordered(bytes) {
  const copy = Buffer.from(bytes);
  copy.subarray(0, 4).reverse();
  copy.subarray(4, 6).reverse();
  copy.subarray(6, 8).reverse();
  return copy;
}

const tag = (token) => reordered(Buffer.isBuffer(token) ? token : token.value);
const lost = () => new Refusal(410, LOST.condition, LOST.description);

class Management {
  constructor(namespace) {
    this.namespace = namespace;
    this.operations = {
      'com.microsoft:schedule-message': this.schedule,
      'com.microsoft:cancel-scheduled-message': this.cancelScheduled,
      'com.microsoft:peek-message': this.peek,
      'com.microsoft:renew-lock': this.renewLock,
      'com.microsoft:renew-session-lock': this.renewSession,
      'com.microsoft:update-disposition': this.updateDisposition,
      'com.microsoft:receive-by-sequence-number': this.receiveDeferred,
      'com.microsoft:get-session-state': this.getState,
      'com.microsoft:set-session-state': this.setState,
    };
  }

  // Answer a request: { status, body }
  handle(path, operation, body, link) {
    const handler = this.operations[operation];
    if (!handler) throw new Refusal(501, 'amqp:not-implemented', String(operation));
    return handler.call(this, path, body, link) ?? { status: 200, body: {} };
  }

  queues(path) {
    const topic = this.namespace.topics.get(path.toLowerCase());
    return topic ? [...topic.subscriptions.values()].map(({ queue }) => queue) : [this.namespace.source(path)];
  }

  schedule(path, body) {
    const messages = body.messages.map((entry) => codec.decode(entry.message));
    const numbers = this.namespace.send(path, messages);
    return { status: 200, body: { 'sequence-numbers': types.wrap_array(numbers, LONG) } };
  }

  cancelScheduled(path, body) {
    for (const number of Array.from(body['sequence-numbers'], Number)) {
      const removed = this.queues(path).map((queue) => queue.items.filter((item) => item.number === number && item.scheduled > Date.now() && queue.remove(item)).length);
      if (!removed.some(Boolean)) throw new Refusal(404, 'com.microsoft:message-not-found', `no scheduled message ${number}`);
    }
  }

  peek(path, body) {
    const queue = this.namespace.source(path);
    queue.expire();
    const session = body['session-id'];
    const found = queue.items
      .filter((item) => item.number >= Number(body['from-sequence-number']) && (!session || item.message.group_id === session))
      .sort((a, b) => a.number - b.number)
      .slice(0, Number(body['message-count']));
    if (!found.length) return { status: 204, body: {} };
    return { status: 200, body: { messages: found.map((item) => ({ message: types.wrap_binary(queue.encode(item, true)) })) } };
  }

  held(queue, token, link) {
    const item = queue.held(tag(token), queue.settings.requiresSession ? link : undefined);
    if (!item) throw lost();
    return item;
  }

  renewLock(path, body, link) {
    const queue = this.namespace.source(path);
    if (queue.settings.requiresSession) throw new Refusal(400, 'amqp:not-allowed', 'The lock of a message of a session is that of the session.');
    const items = Array.from(body['lock-tokens'], (token) => this.held(queue, token, link));
    const until = Date.now() + queue.lockMilliseconds;
    for (const item of items) item.lock.until = until;
    setTimeout(() => queue.pump(), queue.lockMilliseconds + 1).unref();
    return { status: 200, body: { expirations: types.wrap_array(items.map(() => until), TIMESTAMP) } };
  }

  renewSession(path, body) {
    const until = this.namespace.source(path).renewSession(body['session-id']);
    return { status: 200, body: { expiration: types.wrap_timestamp(until) } };
  }

  // All or nothing
  updateDisposition(path, body, link) {
    const queue = this.namespace.source(path);
    const items = Array.from(body['lock-tokens'], (token) => this.held(queue, token, link));
    for (const item of items) {
      queue.settle(item, body['disposition-status'], body['deadletter-reason'], body['deadletter-description']);
    }
  }

  receiveDeferred(path, body) {
    const queue = this.namespace.source(path);
    const items = Array.from(body['sequence-numbers'], (number) => queue.items.find((item) => item.number === Number(number) && item.deferred && !item.lock));
    if (!items.every(Boolean)) throw new Refusal(404, 'com.microsoft:message-not-found', 'no such deferred message');
    const messages = items.map((item) => {
      queue.lock(item, null);
      return { 'lock-token': types.wrap_uuid(reordered(item.lock.token)), message: types.wrap_binary(queue.encode(item)) };
    });
    return { status: 200, body: { messages } };
  }

  getState(path, body) {
    const state = this.namespace.source(path).sessions.get(body['session-id'])?.state;
    return { status: 200, body: { 'session-state': state ? types.wrap_binary(state) : null } };
  }

  setState(path, body) {
    const session = this.namespace.source(path).sessions.get(body['session-id']);
    if (!session?.link) throw new Refusal(410, 'com.microsoft:session-lock-lost', 'The session is not locked.');
    session.state = body['session-state'];
  }
}

module.exports = { Management };
