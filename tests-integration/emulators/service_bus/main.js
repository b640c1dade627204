// A double of Azure Service Bus: node main.js PORT, with KEYS (name of a policy -> key) and TOKEN in the
// environment. AMQP without TLS and the REST API share the port: the first byte tells them apart.
'use strict';

const http = require('http');
const net = require('net');

const { Administration } = require('./administration.js');
const { Links } = require('./links.js');
const { Namespace } = require('./namespace.js');
const { Tokens } = require('./tokens.js');

const namespace = new Namespace();
const tokens = new Tokens(JSON.parse(process.env.KEYS ?? '{}'), process.env.TOKEN);
const administration = new Administration(namespace, tokens);
const links = new Links(namespace, tokens);
const web = http.createServer((request, response) => administration.handle(request, response));

net.createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.once('data', (first) => {
    socket.pause();
    socket.unshift(first);
    if (first[0] === 0x41 && first[1] === 0x4d) links.accept(socket);
    else web.emit('connection', socket);
    socket.resume();
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
