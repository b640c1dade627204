// The REST API that entities are managed by: ATOM entries around descriptions in XML.
// https://learn.microsoft.com/rest/api/servicebus/
'use strict';

const { Refusal } = require('./queue.js');

const CONNECT = 'http://schemas.microsoft.com/netservices/2010/10/servicebus/connect';
const FOREVER = 'P10675199DT2H48M5.4775807S';
const PAGE = 100;

const escape = (text) => String(text).replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]);
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const unescape = (text) => text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex, number, name) => (hex ? String.fromCodePoint(parseInt(hex, 16)) : number ? String.fromCodePoint(Number(number)) : ENTITIES[name]));

// The text of the first element of a name; its attributes as well when asked.
function element(xml, name) {
  const match = new RegExp(`<(?:\\w+:)?${name}(\\s[^>]*?)?(?:/>|>([\\s\\S]*?)</(?:\\w+:)?${name}>)`).exec(xml);
  return match ? { attributes: match[1] ?? '', inner: match[2] ?? '' } : null;
}

const text = (xml, name) => { const found = element(xml, name); return found ? unescape(found.inner) : null; };

function milliseconds(duration) {
  const match = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(duration);
  if (!match) throw new Refusal(400, null, `no duration: ${duration}`);
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  const total = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  return total >= 10675199 * 86400000 ? Infinity : total;
}

// Element -> its value when none is given. What is not here is kept as it came.
const QUEUE = {
  LockDuration: 'PT1M', MaxSizeInMegabytes: '1024', RequiresDuplicateDetection: 'false', RequiresSession: 'false',
  DefaultMessageTimeToLive: FOREVER, DeadLetteringOnMessageExpiration: 'false', DuplicateDetectionHistoryTimeWindow: 'PT10M',
  MaxDeliveryCount: '10', EnableBatchedOperations: 'true', SizeInBytes: null, MessageCount: null, IsAnonymousAccessible: 'false',
  Status: 'Active', ForwardTo: null, UserMetadata: null, CreatedAt: null, UpdatedAt: null, AccessedAt: null, SupportOrdering: 'true', CountDetails: null,
  AutoDeleteOnIdle: FOREVER, EnablePartitioning: 'false', EntityAvailabilityStatus: 'Available', EnableExpress: 'false',
};
const TOPIC = {
  DefaultMessageTimeToLive: FOREVER, MaxSizeInMegabytes: '1024', RequiresDuplicateDetection: 'false',
  DuplicateDetectionHistoryTimeWindow: 'PT10M', EnableBatchedOperations: 'true', SizeInBytes: null,
  FilteringMessagesBeforePublishing: 'false', IsAnonymousAccessible: 'false', Status: 'Active', UserMetadata: null, CreatedAt: null, UpdatedAt: null,
  AccessedAt: null, SupportOrdering: 'true', CountDetails: null, SubscriptionCount: null, AutoDeleteOnIdle: FOREVER, EnablePartitioning: 'false',
  EntityAvailabilityStatus: 'Available', EnableSubscriptionPartitioning: 'false', EnableExpress: 'false',
};
const SUBSCRIPTION = {
  LockDuration: 'PT1M', RequiresSession: 'false', DefaultMessageTimeToLive: FOREVER, DeadLetteringOnMessageExpiration: 'false',
  DeadLetteringOnFilterEvaluationExceptions: 'true', MessageCount: null, MaxDeliveryCount: '10', EnableBatchedOperations: 'true', Status: 'Active',
  ForwardTo: null, CreatedAt: null, UpdatedAt: null, AccessedAt: null, CountDetails: null, AutoDeleteOnIdle: FOREVER, EntityAvailabilityStatus: 'Available',
  UserMetadata: null,
};

// The service also wants locks of 5 s or more; here they may be short, so that tests can see them end.
function settingsOf(fields) {
  const lockDuration = fields.LockDuration ? milliseconds(fields.LockDuration) : 0;
  const maxDeliveryCount = Number(fields.MaxDeliveryCount ?? 10);
  if (lockDuration > 300000) throw new Refusal(400, null, 'LockDuration is at most 5 minutes.');
  if (maxDeliveryCount < 1 || maxDeliveryCount > 2000) throw new Refusal(400, null, 'MaxDeliveryCount is 1 to 2000.');
  if ((fields.UserMetadata ?? '').length > 1024) throw new Refusal(400, null, 'UserMetadata has at most 1024 characters.');
  return {
    fields,
    lockDuration,
    maxDeliveryCount,
    requiresSession: fields.RequiresSession === 'true',
    requiresDuplicateDetection: fields.RequiresDuplicateDetection === 'true',
    duplicateWindow: milliseconds(fields.DuplicateDetectionHistoryTimeWindow ?? 'PT10M'),
    timeToLive: milliseconds(fields.DefaultMessageTimeToLive ?? FOREVER),
    deadLetterExpired: fields.DeadLetteringOnMessageExpiration === 'true',
  };
}

function read(xml, defaults) {
  const fields = {};
  for (const [name, value] of Object.entries(defaults)) fields[name] = text(xml, name) ?? value;
  if (text(xml, 'ForwardTo')) throw new Refusal(501, null, 'the double forwards nothing');
  return settingsOf(fields);
}

function readRule(xml, name) {
  const filter = element(xml, 'Filter');
  const kind = /type="(?:\w+:)?(\w+)"/.exec(filter?.attributes ?? '')?.[1] ?? 'TrueFilter';
  const pairs = (list) => Object.fromEntries([...(element(filter.inner, list)?.inner ?? '').matchAll(/<(?:\w+:)?KeyValueOfstringanyType[^>]*>([\s\S]*?)<\/(?:\w+:)?KeyValueOfstringanyType>/g)].map(([, pair]) => [text(pair, 'Key'), text(pair, 'Value')]));
  const names = ['CorrelationId', 'MessageId', 'To', 'ReplyTo', 'Label', 'SessionId', 'ReplyToSessionId', 'ContentType'];
  if (element(xml, 'Action')?.attributes.includes('SqlRuleAction')) throw new Refusal(501, null, 'the double has no actions of rules');
  if (!filter) return { name, kind: 'TrueFilter', expression: '1=1', parameters: {} };
  if (kind !== 'CorrelationFilter') return { name, kind, xml: filter, expression: text(filter.inner, 'SqlExpression') ?? '1=1', parameters: pairs('Parameters') };
  const fields = Object.fromEntries(names.map((field) => [field, text(filter.inner, field)]).filter(([, value]) => value !== null));
  return { name, kind, xml: filter, fields, properties: pairs('Properties') };
}

function counts(queue, dead) {
  const now = Date.now();
  const scheduled = queue.items.filter((item) => item.scheduled > now).length;
  const namespaced = 'xmlns:d2p1="http://schemas.microsoft.com/netservices/2011/06/servicebus"';
  return `<CountDetails ${namespaced}><d2p1:ActiveMessageCount>${queue.items.length - scheduled}</d2p1:ActiveMessageCount>`
    + `<d2p1:DeadLetterMessageCount>${dead.items.length}</d2p1:DeadLetterMessageCount>`
    + `<d2p1:ScheduledMessageCount>${scheduled}</d2p1:ScheduledMessageCount>`
    + '<d2p1:TransferMessageCount>0</d2p1:TransferMessageCount>'
    + '<d2p1:TransferDeadLetterMessageCount>0</d2p1:TransferDeadLetterMessageCount></CountDetails>';
}

function describe(entity, kind) {
  const time = entity.created.toISOString();
  const { queue } = entity;
  queue?.pump();
  const live = {
    SizeInBytes: '0', CreatedAt: time, UpdatedAt: time, AccessedAt: time,
    MessageCount: queue && String(queue.items.length + queue.dead.items.length),
    SubscriptionCount: entity.subscriptions && String(entity.subscriptions.size),
  };
  const rows = Object.entries(entity.settings.fields).map(([name, value]) => {
    if (name === 'CountDetails') return queue ? counts(queue, queue.dead) : '';
    const shown = live[name] ?? value;
    return shown === null || shown === undefined ? '' : `<${name}>${escape(shown)}</${name}>`;
  });
  return `<${kind} xmlns="${CONNECT}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">${rows.join('')}</${kind}>`;
}

function describeRule(rule) {
  const filter = rule.xml
    ? `<Filter${rule.xml.attributes}>${rule.xml.inner}</Filter>`
    : '<Filter i:type="TrueFilter"><SqlExpression>1=1</SqlExpression><CompatibilityLevel>20</CompatibilityLevel></Filter>';
  return `<RuleDescription xmlns="${CONNECT}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">${filter}<Action i:type="EmptyRuleAction"/><CreatedAt>${rule.created.toISOString()}</CreatedAt><Name>${escape(rule.name)}</Name></RuleDescription>`;
}

function entry(name, content, root = true) {
  const now = new Date().toISOString();
  return `<entry${root ? ' xmlns="http://www.w3.org/2005/Atom"' : ''}><id>sb://double/${escape(name)}</id><title type="text">${escape(name)}</title><published>${now}</published><updated>${now}</updated><author><name>double</name></author><link rel="self" href="${escape(name)}"/><content type="application/xml">${content}</content></entry>`;
}

function feed(entries, link) {
  const next = link ? `<link rel="next" href="${escape(link)}"/>` : '';
  return `<feed xmlns="http://www.w3.org/2005/Atom"><title type="text">Publicly Listed Services</title><id>double</id><updated>${new Date().toISOString()}</updated><link rel="self" href="self"/>${next}${entries.join('')}</feed>`;
}

class Administration {
  constructor(namespace, tokens) {
    this.namespace = namespace;
    this.tokens = tokens;
  }

  handle(request, response) {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      let status, body;
      try {
        [status, body] = this.answer(request, Buffer.concat(parts).toString());
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        status = error.status;
        body = `<Error><Code>${status}</Code><Detail>${escape(error.description)} TrackingId:double, SystemTracker:double, Timestamp:${new Date().toISOString()}</Detail></Error>`;
      }
      response.writeHead(status, { 'Content-Type': 'application/atom+xml;type=entry;charset=utf-8' });
      response.end(body);
    });
  }

  answer(request, body) {
    const url = new URL(request.url, 'http://double');
    if (this.tokens.resource(request.headers.authorization ?? '') === null) throw new Refusal(401, null, 'Manage,EntityRead claims required for this operation.');
    if (!url.searchParams.get('api-version')) throw new Refusal(400, null, 'api-version is missing');
    const path = decodeURIComponent(url.pathname).replace(/^\/|\/$/g, '').split('/');
    const page = { skip: Number(url.searchParams.get('$skip') ?? 0), top: Math.min(Number(url.searchParams.get('$top') ?? PAGE), PAGE), url };
    if (path[0] === '$Resources') return this.listEntities(path[1], page);
    if (path.length === 1) return this.entity(request, path[0], body);
    if (path[1].toLowerCase() !== 'subscriptions') throw new Refusal(404, null, `no such resource: ${url.pathname}`);
    if (path.length === 2) return this.list([...this.namespace.topic(path[0]).subscriptions.values()], 'SubscriptionDescription', page);
    if (path.length === 3) return this.subscription(request, path[0], path[2], body);
    return this.rules(request, path[0], path[2], path[4], body, page);
  }

  entity(request, name, body) {
    const { namespace } = this;
    if (request.method === 'DELETE') { namespace.remove(name); return [200, '']; }
    if (request.method === 'PUT') {
      const topic = body.includes('TopicDescription');
      if (request.headers['if-match']) return this.update(name, body, topic);
      const made = topic ? namespace.createTopic(name, read(body, TOPIC)) : namespace.createQueue(name, read(body, QUEUE));
      return [201, entry(name, describe(made, topic ? 'TopicDescription' : 'QueueDescription'))];
    }
    const found = namespace.queues.get(name.toLowerCase()) ?? namespace.topics.get(name.toLowerCase());
    // The service answers about what is missing with an empty feed.
    if (!found) return [200, feed([])];
    return [200, entry(found.name, describe(found, found.queue ? 'QueueDescription' : 'TopicDescription'))];
  }

  update(name, body, topic) {
    const found = this.namespace.target(name);
    Object.assign(found.settings, read(body, topic ? TOPIC : QUEUE));
    return [200, entry(name, describe(found, topic ? 'TopicDescription' : 'QueueDescription'))];
  }

  subscription(request, topic, name, body) {
    const { namespace } = this;
    if (request.method === 'DELETE') { namespace.removeSubscription(topic, name); return [200, '']; }
    if (request.method === 'PUT') {
      const first = element(body, 'DefaultRuleDescription');
      const rule = first && readRule(first.inner, text(first.inner, 'Name') ?? '$Default');
      const made = namespace.createSubscription(topic, name, read(first ? body.replace(first.inner, '') : body, SUBSCRIPTION), rule);
      return [201, entry(name, describe(made, 'SubscriptionDescription'))];
    }
    const found = namespace.topics.get(topic.toLowerCase())?.subscriptions.get(name.toLowerCase());
    if (!found) return [200, feed([])];
    return [200, entry(found.name, describe(found, 'SubscriptionDescription'))];
  }

  rules(request, topic, subscription, name, body, page) {
    const { rules } = this.namespace.subscription(topic, subscription);
    if (name === undefined) return this.slice([...rules.values()].map((rule) => entry(rule.name, describeRule(rule), false)), page);
    if (request.method === 'PUT') return [201, entry(name, describeRule(this.namespace.createRule(topic, subscription, readRule(body, name))))];
    if (!rules.has(name)) throw new Refusal(404, null, `no rule ${name}`);
    if (request.method === 'DELETE') { rules.delete(name); return [200, '']; }
    return [200, entry(name, describeRule(rules.get(name)))];
  }

  listEntities(kind, page) {
    const topics = kind.toLowerCase() === 'topics';
    return this.list([...(topics ? this.namespace.topics : this.namespace.queues).values()], topics ? 'TopicDescription' : 'QueueDescription', page);
  }

  list(entities, kind, page) {
    const sorted = entities.sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
    return this.slice(sorted.map((entity) => entry(entity.name, describe(entity, kind), false)), page);
  }

  slice(entries, { skip, top, url }) {
    const shown = entries.slice(skip, skip + top);
    const more = entries.length > skip + top;
    return [200, feed(shown, more ? `${url.pathname}?$skip=${skip + top}&$top=${top}` : null)];
  }
}

module.exports = { Administration };
