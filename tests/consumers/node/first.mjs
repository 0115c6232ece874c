import { connect } from 'nats';
import { unpack } from 'msgpackr';

const bus = await connect({ servers: process.env.SYNC_NATS, user: process.env.SYNC_NATS_USER, pass: process.env.SYNC_NATS_PASSWORD });
let sequence = 0;
for await (const message of bus.subscribe('synced.acme._.user.123')) {
  const envelope = unpack(message.data);
  if (envelope.sequence <= sequence) continue; // late, or twice: both are normal
  sequence = envelope.sequence;
  console.log(sequence, envelope.schema_version, envelope.value);
}
