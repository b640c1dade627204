// The entities of a namespace, and what is sent to them.
'use strict';

const { Queue, Refusal } = require('./queue.js');
const { predicate } = require('./rules.js');

const DEAD = '/$deadletterqueue';
const GONE = { condition: 'amqp:not-found', description: 'The messaging entity has been deleted.' };
const EVERYTHING = { name: '$Default', kind: 'TrueFilter', expression: '1=1', parameters: {} };

class Namespace {
  constructor() {
    this.queues = new Map(); // lower-case name -> { name, settings, queue, … }
    this.topics = new Map();
  }

  // Management

  createQueue(name, settings) {
    this.refuseTaken(name);
    const entity = { name, settings, created: new Date(), queue: this.makeQueue(name, settings), seen: new Map(), senders: new Set() };
    this.queues.set(name.toLowerCase(), entity);
    return entity;
  }

  createTopic(name, settings) {
    this.refuseTaken(name);
    const entity = { name, settings, created: new Date(), subscriptions: new Map(), seen: new Map(), senders: new Set() };
    this.topics.set(name.toLowerCase(), entity);
    return entity;
  }

  createSubscription(topic, name, settings, rule) {
    const owner = this.topic(topic);
    if (owner.subscriptions.has(name.toLowerCase())) throw taken(`${topic}/${name}`);
    const entity = { name, settings, created: new Date(), queue: this.makeQueue(`${topic}/Subscriptions/${name}`, settings), rules: new Map() };
    const first = rule ?? EVERYTHING;
    entity.rules.set(first.name, { ...first, created: new Date(), test: predicate(first) });
    owner.subscriptions.set(name.toLowerCase(), entity);
    return entity;
  }

  createRule(topic, subscription, rule) {
    const { rules } = this.subscription(topic, subscription);
    if (rules.has(rule.name)) throw taken(rule.name);
    rules.set(rule.name, { ...rule, created: new Date(), test: predicate(rule) });
    return rules.get(rule.name);
  }

  remove(name) {
    const entity = this.queues.get(name.toLowerCase()) ?? this.topic(name);
    entity.queue?.close(GONE);
    for (const subscription of entity.subscriptions?.values() ?? []) subscription.queue.close(GONE);
    this.queues.delete(name.toLowerCase());
    this.topics.delete(name.toLowerCase());
    for (const link of entity.senders) link.close(GONE);
  }

  removeSubscription(topic, name) {
    this.subscription(topic, name).queue.close(GONE);
    this.topic(topic).subscriptions.delete(name.toLowerCase());
  }

  topic(name) {
    const found = this.topics.get(name.toLowerCase());
    if (!found) throw missing(name);
    return found;
  }

  subscription(topic, name) {
    const found = this.topic(topic).subscriptions.get(name.toLowerCase());
    if (!found) throw missing(`${topic}/Subscriptions/${name}`);
    return found;
  }

  refuseTaken(name) {
    if (this.queues.has(name.toLowerCase()) || this.topics.has(name.toLowerCase())) throw taken(name);
  }

  makeQueue(path, settings) {
    const sequence = { last: 0 };
    const dead = new Queue(`${path}/$DeadLetterQueue`, { ...settings, requiresSession: false, timeToLive: Infinity }, sequence, null);
    return new Queue(path, settings, sequence, dead);
  }

  // Messages

  // The queue behind a path to receive from
  source(path) {
    const lower = path.toLowerCase();
    if (lower.endsWith(DEAD)) return this.source(path.slice(0, -DEAD.length)).dead;
    const [name, marker, subscription] = lower.split('/');
    if (marker === 'subscriptions') return this.subscription(name, subscription).queue;
    const found = this.queues.get(lower);
    if (found) return found.queue;
    if (this.topics.has(lower)) throw new Refusal(400, 'amqp:not-allowed', 'A topic cannot be received from; its subscriptions can.');
    throw missing(path);
  }

  target(path) {
    const found = this.queues.get(path.toLowerCase()) ?? this.topics.get(path.toLowerCase());
    if (!found) throw missing(path);
    return found;
  }

  // Takes all of some messages or none; the numbers of those that are new.
  send(path, messages) {
    const entity = this.target(path);
    for (const message of messages) {
      if (entity.settings.requiresSession && !message.group_id) {
        throw new Refusal(400, 'amqp:not-allowed', `The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session support enabled can only receive messages that have the SessionId set to a valid value. (${path})`);
      }
    }
    return messages.map((message) => this.sendOne(entity, message));
  }

  sendOne(entity, message) {
    if (entity.settings.requiresDuplicateDetection && this.isDuplicate(entity, String(message.message_id))) return 0;
    const annotation = message.message_annotations?.['x-opt-scheduled-enqueue-time'];
    const scheduled = annotation ? Number(annotation) : 0;
    if (entity.queue) return entity.queue.add(message, scheduled);
    let number = 0;
    for (const subscription of entity.subscriptions.values()) {
      if ([...subscription.rules.values()].some((rule) => rule.test(message))) {
        number = subscription.queue.add({ ...message }, scheduled);
      }
    }
    return number;
  }

  isDuplicate(entity, id) {
    const now = Date.now();
    for (const [known, until] of entity.seen) if (until <= now) entity.seen.delete(known);
    if (entity.seen.has(id)) return true;
    entity.seen.set(id, now + entity.settings.duplicateWindow);
    return false;
  }
}

function missing(name) {
  return new Refusal(404, 'amqp:not-found', `The messaging entity '${name}' could not be found.`);
}

function taken(name) {
  return new Refusal(409, 'com.microsoft:entity-already-exists', `SubCode=40900. Conflict. The entity '${name}' exists already.`);
}

module.exports = { Namespace };
