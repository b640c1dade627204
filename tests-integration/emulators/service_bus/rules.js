// Filters of subscriptions: correlation, and the part of SQL that comparisons of properties need.
// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-sql-filter
'use strict';

const { Refusal } = require('./queue.js');

const TOKEN = /\s*(?:('(?:[^']|'')*')|("(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\])|(@\w+)|(\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|(<>|!=|<=|>=|[=<>().,]))/y;
const LONGEST = 1024; // characters of an expression

function tokens(text) {
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text);
    if (!match) throw new Refusal(400, null, `SQL filter cannot be parsed: ${text}`);
    const [, string, delimited, parameter, number, word, sign] = match;
    if (string !== undefined) found.push({ kind: 'value', value: string.slice(1, -1).replaceAll("''", "'") });
    else if (delimited !== undefined) found.push({ kind: 'name', text: delimited.slice(1, -1).replaceAll(delimited[0] === '[' ? ']]' : '""', delimited[0] === '[' ? ']' : '"') });
    else if (parameter !== undefined) found.push({ kind: 'parameter', text: parameter });
    else if (number !== undefined) found.push({ kind: 'value', value: Number(number) });
    else if (word !== undefined) found.push({ kind: 'word', text: word });
    else found.push({ kind: 'sign', text: sign });
  }
  return found;
}

// null is SQL's unknown, both as a value and as a truth.
const compare = {
  '=': (a, b) => a === b, '<>': (a, b) => a !== b, '!=': (a, b) => a !== b,
  '<': (a, b) => a < b, '>': (a, b) => a > b, '<=': (a, b) => a <= b, '>=': (a, b) => a >= b,
};
const not = (truth) => (truth === null ? null : !truth);
const both = (a, b) => (a === false || b === false ? false : a === null || b === null ? null : true);
const either = (a, b) => not(both(not(a), not(b)));

class Parser {
  constructor(text, parameters) {
    if (text.length > LONGEST) throw new Refusal(400, null, `a SQL filter has at most ${LONGEST} characters`);
    this.text = text;
    this.tokens = tokens(text);
    this.parameters = parameters;
  }

  parse() {
    const predicate = this.any();
    if (this.tokens.length) this.wrong();
    return predicate;
  }

  wrong() { throw new Refusal(400, null, `SQL filter cannot be parsed: ${this.text}`); }

  word(text) {
    const next = this.tokens[0];
    if (next?.kind !== 'word' || next.text.toUpperCase() !== text) return false;
    this.tokens.shift();
    return true;
  }

  sign(text) {
    if (this.tokens[0]?.kind !== 'sign' || this.tokens[0].text !== text) return false;
    this.tokens.shift();
    return true;
  }

  expect(done) { if (!done) this.wrong(); }

  any() {
    let left = this.all();
    while (this.word('OR')) { const a = left, b = this.all(); left = (m) => either(a(m), b(m)); }
    return left;
  }

  all() {
    let left = this.one();
    while (this.word('AND')) { const a = left, b = this.one(); left = (m) => both(a(m), b(m)); }
    return left;
  }

  one() {
    if (this.word('NOT')) { const inner = this.one(); return (m) => not(inner(m)); }
    if (this.sign('(')) { const inner = this.any(); this.expect(this.sign(')')); return inner; }
    if (this.word('EXISTS')) {
      this.expect(this.sign('('));
      const value = this.value();
      this.expect(this.sign(')'));
      return (m) => value(m) !== null;
    }
    return this.comparison(this.value());
  }

  comparison(left) {
    if (this.word('IS')) {
      const negated = this.word('NOT');
      this.expect(this.word('NULL'));
      return (m) => (left(m) === null) !== negated;
    }
    const negated = this.word('NOT');
    if (this.word('IN')) {
      const values = [];
      this.expect(this.sign('('));
      do values.push(this.value()); while (this.sign(','));
      this.expect(this.sign(')'));
      const found = (m) => (left(m) === null ? null : values.some((value) => value(m) === left(m)));
      return negated ? (m) => not(found(m)) : found;
    }
    const sign = this.tokens.shift();
    if (negated || sign?.kind !== 'sign' || !compare[sign.text]) this.wrong();
    const right = this.value();
    return (m) => (left(m) === null || right(m) === null ? null : compare[sign.text](left(m), right(m)));
  }

  value() {
    const next = this.tokens.shift();
    if (next?.kind === 'value') return () => next.value;
    if (next?.kind === 'parameter') {
      if (!(next.text in this.parameters)) this.wrong();
      return () => this.parameters[next.text];
    }
    if (next?.kind === 'word' && /^(TRUE|FALSE)$/i.test(next.text)) return () => next.text.toUpperCase() === 'TRUE';
    if (next?.kind !== 'word' && next?.kind !== 'name') this.wrong();
    if (next.kind === 'word' && this.sign('.')) {
      const name = this.tokens.shift();
      if (name?.kind !== 'word' && name?.kind !== 'name') this.wrong();
      if (next.text.toLowerCase() === 'sys') return (m) => system(m, name.text);
      if (next.text.toLowerCase() !== 'user') this.wrong();
      return (m) => m.application_properties?.[name.text] ?? null;
    }
    return (m) => m.application_properties?.[next.text] ?? null;
  }
}

const SYSTEM = { MessageId: 'message_id', CorrelationId: 'correlation_id', To: 'to', ReplyTo: 'reply_to', Label: 'subject', SessionId: 'group_id', ReplyToSessionId: 'reply_to_group_id', ContentType: 'content_type' };

function system(message, name) {
  if (!(name in SYSTEM)) throw new Refusal(400, null, `no system property ${name}`);
  return message[SYSTEM[name]] ?? null;
}

// A rule as the management client describes it -> a function of a message.
function predicate(rule) {
  if (rule.kind === 'TrueFilter') return () => true;
  if (rule.kind === 'FalseFilter') return () => false;
  if (rule.kind === 'SqlFilter') {
    const parsed = new Parser(rule.expression, rule.parameters).parse();
    return (message) => parsed(message) === true;
  }
  return (message) =>
    Object.entries(rule.fields).every(([name, value]) => system(message, name) === value) &&
    Object.entries(rule.properties).every(([name, value]) => message.application_properties?.[name] === value);
}

module.exports = { predicate };
