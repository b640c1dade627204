// AMQP: connections, links, transfers, dispositions.
'use strict';

const rhea = require('rhea');
const { Refusal, LOST } = require('./queue.js');
const { Management } = require('./management.js');
const { place } = require('./tokens.js');

const { message: codec, types } = rhea;
const CBS = '$cbs', NODE = '/$management';
const BATCH = 0x80013700;
const LARGEST = 256 * 1024; // bytes of a message, and of a batch, in the standard tier
const SESSION_FILTER = 'com.microsoft:session-filter';
const DEFAULT_ACCEPT_MILLISECONDS = 60000;
const OPTIONS = {
  sender_options: { autosettle: false, treat_modified_as_released: false },
  receiver_options: { autoaccept: false, credit_window: 1000 },
};

class Links {
  constructor(namespace, tokens) {
    this.namespace = namespace;
    this.tokens = tokens;
    this.management = new Management(namespace);
    this.container = rhea.create_container({ id: 'service-bus-double', non_fatal_errors: [], ...OPTIONS });
    this.opened = new WeakMap(); // connection -> resources that its tokens open
    this.links = new WeakMap(); // connection -> its links
    this.replies = new WeakMap(); // session -> address -> the link that answers go to
    this.listen();
  }

  accept(socket) {
    this.container.create_connection(OPTIONS).accept(socket);
  }

  listen() {
    const on = (name, handler) => this.container.on(name, (context) => handler.call(this, context));
    on('sender_open', this.onSenderOpen);
    on('receiver_open', this.onReceiverOpen);
    on('message', this.onMessage);
    on('sendable', ({ sender }) => sender.queue?.pump());
    on('sender_draining', ({ sender }) => { sender.queue?.pump(); sender.set_drained(true); });
    on('accepted', (context) => this.onOutcome(context, 'completed'));
    on('released', (context) => this.onOutcome(context, 'released'));
    on('rejected', (context) => this.onOutcome(context, 'suspended'));
    on('modified', (context) => this.onOutcome(context, context.delivery.remote_state.undeliverable_here ? 'defered' : 'abandoned'));
    for (const name of ['sender_close', 'sender_detached', 'sender_error']) on(name, ({ sender }) => sender.queue?.detach(sender));
    on('session_close', ({ session }) => this.dropLinks(Object.values(session.links)));
    for (const name of ['connection_close', 'connection_error', 'disconnected']) {
      on(name, ({ connection }) => this.dropLinks(this.links.get(connection) ?? []));
    }
    for (const name of ['receiver_close', 'receiver_detached', 'receiver_error']) on(name, ({ receiver }) => this.forgetSender(receiver));
    on('protocol_error', (error) => console.error('protocol error', error));
    on('error', (error) => console.error('error', error));
  }

  dropLinks(links) {
    for (const link of [...links]) {
      link.queue?.detach(link);
      if (link.is_receiver()) this.forgetSender(link);
    }
  }

  forgetSender(receiver) {
    const path = this.path(receiver.target).toLowerCase();
    (this.namespace.queues.get(path) ?? this.namespace.topics.get(path))?.senders.delete(receiver);
  }

  // Links

  path(terminus) {
    return String(terminus?.address ?? '').replace(/^[a-z]+:\/\/[^/]*\//i, '');
  }

  // The client has shown a token for this place.
  authorize(connection, path) {
    if (path === CBS) return;
    const shown = this.opened.get(connection) ?? [];
    const wanted = path.toLowerCase();
    if (shown.some((resource) => resource === '' || wanted === resource || wanted.startsWith(`${resource}/`))) return;
    throw new Refusal(401, 'amqp:unauthorized-access', `Unauthorized access. 'Listen,Send' claim(s) are required to perform this operation. Resource: '${path}'.`);
  }

  refuse(link, { condition, description }) {
    // As AMQP has it: an attach without termini, then the detach.
    link.close({ condition, description: `${description} TrackingId:${Date.now().toString(16)}, SystemTracker:double, Timestamp:${new Date().toISOString()}` });
  }

  guarded(link, open) {
    try {
      open();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(link, error);
    }
  }

  keep(connection, link) {
    this.links.set(connection, (this.links.get(connection) ?? new Set()).add(link));
  }

  onReceiverOpen({ connection, receiver }) {
    this.keep(connection, receiver);
    const path = this.path(receiver.target);
    this.guarded(receiver, () => {
      this.authorize(connection, path);
      if (path.endsWith(NODE)) this.node(path.slice(0, -NODE.length));
      else if (path !== CBS) this.namespace.target(path).senders.add(receiver);
      receiver.local.attach.max_message_size = LARGEST;
      receiver.set_target(receiver.target);
      receiver.set_source(receiver.source);
    });
  }

  node(path) {
    if (!this.namespace.topics.has(path.toLowerCase())) this.namespace.source(path);
  }

  onSenderOpen({ connection, session, sender }) {
    this.keep(connection, sender);
    const path = this.path(sender.source);
    this.guarded(sender, () => {
      this.authorize(connection, path);
      if (path === CBS || path.endsWith(NODE)) {
        if (path !== CBS) this.node(path.slice(0, -NODE.length));
        this.replies.set(session, { ...this.replies.get(session), [path]: sender });
        this.attach(sender, sender.source);
        return;
      }
      const queue = this.namespace.source(path);
      const filters = sender.source.filter ?? {};
      const sessions = Object.prototype.hasOwnProperty.call(filters, SESSION_FILTER);
      if (sessions !== Boolean(queue.settings.requiresSession)) {
        throw new Refusal(400, 'amqp:not-allowed', sessions
          ? 'A sessionful message receiver cannot be created on an entity that does not require sessions.'
          : 'It is not possible for an entity that requires sessions to create a non-sessionful message receiver.');
      }
      sender.queue = queue;
      if (sessions) return this.acceptSession(sender, queue, filters[SESSION_FILTER]);
      queue.links.add(sender);
      this.attach(sender, sender.source);
    });
  }

  attach(sender, source) {
    sender.set_source(source);
    sender.set_target(sender.target ?? sender.remote.attach.target ?? {});
  }

  acceptSession(sender, queue, filter) {
    const wanted = filter?.value !== undefined ? filter.value : filter;
    const timeout = Number(sender.remote.attach.properties?.['com.microsoft:timeout'] ?? DEFAULT_ACCEPT_MILLISECONDS);
    // The answer to the attach comes when there is a session: rhea wants to give it at once.
    sender.state.local_open = false;
    sender.state.open_requests--;
    const grant = (id, until) => {
      const described = types.described(types.wrap_symbol(SESSION_FILTER), types.wrap_string(id));
      sender.local.attach.properties = { 'com.microsoft:locked-until-utc': until };
      this.attach(sender, { address: sender.source.address, filter: { [SESSION_FILTER]: described } });
      sender.open();
    };
    queue.acceptSession(sender, wanted, timeout, grant, (error) => {
      sender.open();
      this.refuse(sender, error);
    });
  }

  // What comes in

  onMessage(context) {
    const { receiver, delivery, message, format } = context;
    const path = this.path(receiver.target);
    if (path === CBS) return this.onToken(context);
    if (path.endsWith(NODE)) return this.onRequest(context, path.slice(0, -NODE.length));
    try {
      if (!format) this.namespace.send(path, [this.sized(message, codec.encode(message).length)]);
      else if (format === BATCH) this.namespace.send(path, this.batch(message));
      else throw new Refusal(400, 'amqp:not-implemented', `no such message format: ${format}`);
      delivery.update(true, codec.accepted().described());
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      delivery.update(true, rejected(error));
    }
  }

  sized(content, size) {
    if (size > LARGEST) throw new Refusal(400, 'amqp:link:message-size-exceeded', `The received message (${size} bytes) exceeds the limit (${LARGEST} bytes) currently allowed on the link.`);
    return content;
  }

  batch(data) {
    const { body } = codec.decode(this.sized(data, data.length));
    const parts = body.multiple ? body.content : [body.content];
    return parts.map((part) => codec.decode(part));
  }

  onToken({ connection, session, delivery, message }) {
    delivery.update(true, codec.accepted().described());
    const { name, type } = message.application_properties ?? {};
    const known = type === 'jwt' || type === 'servicebus.windows.net:sastoken';
    const resource = known ? this.tokens.resource(String(message.body)) : null;
    const audience = place(String(name));
    const opens = resource !== null && (resource === '' || audience === resource || audience.startsWith(`${resource}/`));
    if (opens) {
      const path = audience.includes('/') ? audience.slice(audience.indexOf('/') + 1) : '';
      this.opened.set(connection, [...(this.opened.get(connection) ?? []), path]);
    }
    const properties = opens
      ? { 'status-code': types.wrap_int(202), 'status-description': 'Accepted' }
      : { 'status-code': types.wrap_int(401), 'status-description': 'InvalidSignature: The token has an invalid signature, or has expired.' };
    this.reply(session, CBS, message, properties, {});
  }

  onRequest({ session, delivery, message }, path) {
    delivery.update(true, codec.accepted().described());
    const properties = message.application_properties ?? {};
    const link = session.links[properties['associated-link-name']];
    let answer, refusal;
    try {
      answer = this.management.handle(path, properties.operation, message.body ?? {}, link);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusal = error;
      answer = { status: error.status, body: {} };
    }
    const head = { statusCode: types.wrap_int(answer.status), statusDescription: refusal?.description ?? 'OK' };
    if (refusal?.condition) head.errorCondition = types.wrap_symbol(refusal.condition);
    this.reply(session, path + NODE, message, head, answer.body);
  }

  reply(session, path, request, properties, body) {
    const id = request.message_id;
    this.replies.get(session)?.[path]?.send({ correlation_id: Buffer.isBuffer(id) ? types.wrap_uuid(id) : id, application_properties: properties, body });
  }

  // What becomes of what went out

  onOutcome({ delivery, sender }, outcome) {
    const sent = delivery.item;
    if (!sent) return;
    delivery.item = null;
    const { queue, token } = sent;
    const item = queue.held(token, sender.session_id === undefined ? undefined : sender);
    let state = ECHOES[outcome]();
    if (!item) state = rejected(LOST);
    else {
      const info = delivery.remote_state.error?.info ?? {};
      try {
        queue.settle(item, outcome, info.DeadLetterReason, info.DeadLetterErrorDescription);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        state = rejected(error);
      }
    }
    if (!delivery.remote_settled) delivery.update(true, state);
  }
}

// The SDK waits for ever for an error that has no map of details, even an empty one.
const rejected = ({ condition, description }) => codec.rejected({ error: { condition, description, info: {} } }).described();

// The service answers with the outcome that it was given.
const ECHOES = {
  completed: () => codec.accepted().described(),
  released: () => codec.released().described(),
  suspended: () => codec.rejected({}).described(),
  abandoned: () => codec.modified({ delivery_failed: true }).described(),
  defered: () => codec.modified({ delivery_failed: true, undeliverable_here: true }).described(),
};

module.exports = { Links };
