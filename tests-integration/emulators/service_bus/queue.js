// A queue, or a subscription, or the dead letters of one: messages, their locks, their sessions.
'use strict';

const crypto = require('crypto');
const { message: codec, types } = require('rhea');

const TICKS_OF_1970 = 621355968000000000n; // .NET counts 100 ns from the year 1
const LONGEST_TIMER = 2 ** 31 - 1;
const LOST = { condition: 'com.microsoft:message-lock-lost', description: 'The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.' };

class Refusal extends Error {
  constructor(status, condition, description) {
    super(description);
    this.status = status;
    this.condition = condition;
    this.description = description;
  }
}

// A time as .NET's ticks, which is how a session's lock travels.
function ticks(milliseconds) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(Math.round(milliseconds)) * 10000n + TICKS_OF_1970);
  return types.wrap_long(bytes);
}

function later(at, call) {
  const timer = setTimeout(call, Math.min(Math.max(at - Date.now(), 0) + 1, LONGEST_TIMER));
  timer.unref();
  return timer;
}

class Queue {
  // owner: what says how long locks are, and so on; dead: where its dead letters are.
  constructor(path, settings, sequence, dead) {
    this.path = path;
    this.settings = settings;
    this.sequence = sequence;
    this.dead = dead;
    this.items = [];
    this.links = new Set(); // of receivers without a session, the one that waits longest first
    this.sessions = new Map(); // id -> { link, until, state }
    this.accepting = []; // links that wait for a session
  }

  get lockMilliseconds() { return this.settings.lockDuration; }

  // What comes in

  add(message, scheduled) {
    const now = Date.now();
    const item = { message, number: ++this.sequence.last, enqueued: now, scheduled: scheduled > now ? scheduled : 0, failed: 0, lock: null, deferred: false };
    const life = Math.min(message.ttl ?? Infinity, this.settings.timeToLive);
    item.expires = (item.scheduled || now) + life;
    this.items.push(item);
    if (item.scheduled) later(item.scheduled, () => this.pump());
    if (life < LONGEST_TIMER) later(item.expires, () => this.expire());
    this.soon();
    return item.number;
  }

  remove(item) {
    const index = this.items.indexOf(item);
    if (index >= 0) this.items.splice(index, 1);
    return index >= 0;
  }

  setAside(item, reason, description) {
    if (!this.dead) return;
    this.remove(item);
    const properties = { ...item.message.application_properties };
    if (reason) properties.DeadLetterReason = String(reason).slice(0, 4096);
    if (description) properties.DeadLetterErrorDescription = String(description).slice(0, 4096);
    const message = { ...item.message, application_properties: properties, ttl: undefined };
    message.message_annotations = { ...message.message_annotations, 'x-opt-deadletter-source': this.path };
    this.dead.add(message, 0);
  }

  expire() {
    const now = Date.now();
    for (const item of [...this.items]) {
      if (item.lock && item.lock.until <= now) this.fail(item);
      if (!item.lock && item.expires <= now && this.remove(item) && this.settings.deadLetterExpired) {
        this.setAside(item, 'TTLExpiredException', 'The message expired and was dead lettered.');
      }
    }
    for (const [id, session] of this.sessions) {
      if (session.link && session.until <= now) {
        session.link.close({ condition: 'com.microsoft:session-lock-lost', description: `The session lock has expired on the MessageSession ${id}.` });
        this.leaveSession(session.link, true);
      }
    }
  }

  // A delivery that came to nothing
  fail(item) {
    item.lock = null;
    item.failed++;
    if (this.dead && item.failed >= this.settings.maxDeliveryCount) {
      this.setAside(item, 'MaxDeliveryCountExceeded', `Message could not be consumed after ${item.failed} delivery attempts.`);
    }
  }

  // What goes out

  soon() { setImmediate(() => this.pump()); }

  ready(item, session) {
    return !item.lock && !item.deferred && item.scheduled <= Date.now() && (session === undefined || item.message.group_id === session);
  }

  lock(item, link) {
    const session = link && this.sessions.get(link.session_id);
    const until = session ? session.until : Date.now() + this.lockMilliseconds;
    item.lock = { token: crypto.randomBytes(16), until, link: session ? link : null };
    if (!session) later(until, () => this.pump());
  }

  encode(item, state) {
    const annotations = {
      ...item.message.message_annotations,
      'x-opt-sequence-number': types.wrap_long(item.number),
      'x-opt-enqueued-time': types.wrap_timestamp(item.enqueued),
      'x-opt-message-state': types.wrap_int(item.deferred ? 1 : item.scheduled > Date.now() ? 2 : 0),
    };
    if (item.lock && !state) annotations['x-opt-locked-until'] = types.wrap_timestamp(item.lock.until);
    if (item.scheduled) annotations['x-opt-scheduled-enqueue-time'] = types.wrap_timestamp(item.scheduled);
    return codec.encode({ ...item.message, message_annotations: annotations, delivery_count: item.failed });
  }

  pump() {
    this.expire();
    for (const link of [...this.links]) this.feed(link, undefined);
    for (const [id, session] of this.sessions) if (session.link) this.feed(session.link, id);
    this.grantSessions();
  }

  feed(link, session) {
    while (link.sendable()) {
      const item = this.items.find((candidate) => this.ready(candidate, session));
      if (!item) return;
      if (link.remote.attach.snd_settle_mode === 1) {
        const bytes = this.encode(item);
        this.remove(item);
        link.send(bytes, crypto.randomBytes(16), 0).settled = true;
      } else {
        this.lock(item, session === undefined ? null : link);
        link.send(this.encode(item), item.lock.token, 0).item = { queue: this, item, token: item.lock.token };
      }
      link.session.outgoing.process(); // or rhea would count the credit later, and send too many
      if (this.links.delete(link)) this.links.add(link); // others first, next time
    }
  }

  // What becomes of a message that is locked

  held(token, link) {
    this.expire();
    return this.items.find((item) => item.lock && item.lock.token.equals(token) && (!item.lock.link || item.lock.link === link || link === undefined));
  }

  settle(item, outcome, reason, description) {
    if (outcome === 'completed') this.remove(item);
    else if (outcome === 'suspended') {
      if (!this.dead) throw new Refusal(400, 'amqp:not-allowed', 'Dead letters cannot be dead lettered.');
      item.lock = null;
      this.setAside(item, reason, description);
    } else if (outcome === 'defered') Object.assign(item, { lock: null, deferred: true });
    else if (outcome === 'abandoned') this.fail(item);
    else if (outcome === 'released') item.lock = null;
    else throw new Refusal(400, 'com.microsoft:argument-error', `no such disposition: ${outcome}`);
    this.soon();
  }

  // Sessions

  acceptSession(link, wanted, timeout, grant, refuse) {
    if (wanted !== null && this.sessions.get(wanted)?.link) {
      refuse({ condition: 'com.microsoft:session-cannot-be-locked', description: `The requested session '${wanted}' cannot be accepted. It may be locked by another receiver.` });
      return;
    }
    const request = { link, wanted, grant };
    this.accepting.push(request);
    if (wanted === null) {
      request.timer = later(Date.now() + timeout, () => {
        if (this.forget(link)) refuse({ condition: 'com.microsoft:timeout', description: 'No session was available in time.' });
      });
    }
    this.expire();
    this.grantSessions();
  }

  forget(link) {
    const index = this.accepting.findIndex((request) => request.link === link);
    if (index >= 0) clearTimeout(this.accepting.splice(index, 1)[0].timer);
    return index >= 0;
  }

  grantSessions() {
    for (const request of [...this.accepting]) {
      const id = request.wanted ?? this.items.find((item) => this.ready(item) && !this.sessions.get(item.message.group_id)?.link)?.message.group_id;
      if (id === undefined) continue;
      this.forget(request.link);
      const session = this.sessions.get(id) ?? { state: null };
      this.sessions.set(id, Object.assign(session, { link: request.link, until: Date.now() + this.lockMilliseconds }));
      request.link.session_id = id;
      later(session.until, () => this.pump());
      request.grant(id, ticks(session.until));
    }
  }

  renewSession(id) {
    const session = this.sessions.get(id);
    if (!session?.link) throw new Refusal(410, 'com.microsoft:session-lock-lost', `The session lock has expired on the MessageSession ${id}.`);
    session.until = Date.now() + this.lockMilliseconds;
    for (const item of this.items) if (item.lock?.link === session.link) item.lock.until = session.until;
    later(session.until, () => this.pump());
    return session.until;
  }

  // A session that is closed gives its messages back as they were; one whose lock ended counts a failure.
  leaveSession(link, failed = false) {
    const session = this.sessions.get(link.session_id);
    if (!session || session.link !== link) return;
    session.link = null;
    for (const item of [...this.items]) {
      if (item.lock?.link !== link) continue;
      if (failed) this.fail(item);
      else item.lock = null;
    }
    this.soon();
  }

  // Links that go away keep what they have locked, until the locks end
  detach(link) {
    this.links.delete(link);
    this.forget(link);
    this.leaveSession(link);
  }

  // The entity is removed
  close(error) {
    for (const link of this.links) link.close(error);
    for (const session of this.sessions.values()) session.link?.close(error);
    for (const { link } of [...this.accepting]) this.forget(link);
    this.items = [];
    this.dead?.close(error);
  }
}

module.exports = { LOST, Queue, Refusal };
