// Who may do what: shared access signatures are checked, and tokens of Entra ID known by their text.
'use strict';

const crypto = require('crypto');

const SIGNATURE = 'SharedAccessSignature ';

class Tokens {
  constructor(keys, bearer) {
    this.keys = keys; // name of the policy -> key
    this.bearer = bearer;
  }

  // The resource that a token opens, in lower case and without its scheme; null when it opens nothing.
  resource(token) {
    if (!token.startsWith(SIGNATURE)) return token.replace(/^Bearer /, '') === this.bearer ? '' : null;
    const fields = new URLSearchParams(token.slice(SIGNATURE.length).replaceAll('+', '%2B'));
    const [resource, signature, end, policy] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name) ?? '');
    const key = this.keys[policy];
    if (!key || !(Number(end) > Date.now() / 1000)) return null;
    const raw = token.slice(SIGNATURE.length).split('&').find((part) => part.startsWith('sr=')).slice(3);
    const expected = crypto.createHmac('sha256', key).update(`${raw}\n${end}`).digest('base64');
    return expected === signature ? place(resource) : null;
  }
}

// An address without scheme, in lower case: host and path
function place(address) {
  return address.replace(/^[a-z]+:\/\//i, '').replace(/\/+$/, '').toLowerCase();
}

module.exports = { Tokens, place };
