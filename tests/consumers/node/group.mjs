// Usage: node group.mjs SETTINGS.json
// Settings: {"servers", "user", "pass", "inboxPrefix", "group", "collection", "port"}. Follows the collection in all shards of the group
// and answers GET /v1/digests on a loopback port: {"settled", "counters", "refused", "digests"}. Ends with SIGTERM.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { GroupReplica } from './collection.mjs';

const { group, collection, port, ...bus } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const replica = await GroupReplica.connect(bus, group, collection);
const server = createServer((request, response) => {
  if (request.method !== 'GET' || request.url !== '/v1/digests') return void response.writeHead(404).end();
  const { isSettled: settled, counters, refused } = replica;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ settled, counters, refused: Object.fromEntries(refused), digests: replica.digests() }));
});
server.listen(port, '127.0.0.1');
process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await replica.close();
});
