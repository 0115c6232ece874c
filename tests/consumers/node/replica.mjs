// A key replica in another language: a NATS client, a MessagePack library, and the rules of docs/PROTOCOL.md.
import { connect, headers } from 'nats';
import { Unpackr } from 'msgpackr';

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'auto' });
const graceMs = 250;

/** One token of a subject: percent-encoded UTF-8 for what NATS gives a meaning, '%', and all but printable ASCII. */
export function token(text) {
  let encoded = '';
  for (const byte of new TextEncoder().encode(text)) {
    const plain = byte > 0x20 && byte < 0x7f && !'.*>%'.includes(String.fromCharCode(byte));
    encoded += plain ? String.fromCharCode(byte) : '%' + byte.toString(16).toUpperCase().padStart(2, '0');
  }
  return encoded;
}

/** The two tokens of a vault: group and partition, or the name and '_'. */
export function vaultTokens(vault) {
  const at = vault.indexOf('--');
  return at < 0 ? `${token(vault)}._` : `${token(vault.slice(0, at))}.${token(vault.slice(at + 2))}`;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** CRC-32 (IEEE) of the UTF-8 bytes of a text: how a beat names a key. */
export function crc32(text) {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Follows keys of a ledger and keeps the newest value of each. */
export class Replicas {
  #connection;
  #cells = new Map(); // "vault/collection/key" -> { vault, collection, key, sequence, position, value, live }
  #byCrc = new Map();
  #feeds = new Map(); // feed -> { history, position }
  #refetching = new Set();
  #closed = false;
  #changed;

  /** Connects; `changed` is called with each cell that took a change: { vault, collection, key, sequence, live, value }. */
  static async connect({ servers, user, pass, inboxPrefix }, changed = () => {}) {
    const replicas = new Replicas();
    replicas.#changed = changed;
    replicas.#connection = await connect({
      servers, user, pass, inboxPrefix, maxReconnectAttempts: -1, reconnectTimeWait: 100, waitOnFirstConnect: true,
    });
    replicas.#watchBeats();
    replicas.#watchConnection();
    return replicas;
  }

  /** Subscribes, waits until the server knows, then fetches the current value. */
  async follow(vault, collection, key) {
    const name = `${vault}/${collection}/${key}`;
    const cell = { name, vault, collection, key, sequence: -1, seen: -1, position: 0, value: undefined, live: false };
    this.#cells.set(name, cell);
    const crc = crc32(name);
    this.#byCrc.set(crc, [...(this.#byCrc.get(crc) ?? []), cell]);
    this.#connection.subscribe(`synced.${vaultTokens(vault)}.${token(collection)}.${token(key)}`, {
      callback: (error, message) => { if (!error) this.#receive(cell, unpackr.unpack(message.data), false); },
    });
    await this.#connection.flush();
    await this.#refetch(cell);
  }

  async close() {
    this.#closed = true;
    await this.#connection.close();
  }

  #receive(cell, envelope, answer) {
    const sequence = Number(envelope.sequence);
    if (!answer && `${envelope.vault}/${envelope.collection}/${envelope.key}` !== cell.name) return;
    if (sequence <= cell.sequence) return;
    const gap = cell.seen >= 0 && sequence > cell.seen + 1;
    cell.sequence = cell.seen = sequence;
    cell.position = Number(envelope.position ?? 0);
    cell.live = sequence > 0 && envelope.op !== 'delete';
    cell.value = cell.live ? envelope.value : undefined;
    this.#changed(cell);
    if (gap && !answer) void this.#refetch(cell);
  }

  async #refetch(cell) {
    if (this.#refetching.has(cell)) return;
    this.#refetching.add(cell);
    try {
      for (let attempt = 0; !this.#closed; attempt++) {
        try {
          const subject = `sync.get.${vaultTokens(cell.vault)}.${token(cell.collection)}.${token(cell.key)}`;
          const reply = await this.#connection.request(subject, new Uint8Array(), { timeout: 2000, headers: headers() });
          if (reply.headers?.get('Nats-Service-Error-Code')) throw new Error(reply.headers.get('Nats-Service-Error'));
          this.#receive(cell, unpackr.unpack(reply.data), true);
          return;
        } catch {
          const pause = Math.min(1000, 50 * 2 ** attempt) * (0.5 + Math.random() / 2);
          await new Promise((done) => setTimeout(done, pause));
        }
      }
    } finally {
      this.#refetching.delete(cell);
    }
  }

  // A beat names every changed key by its checksum and last position: whoever has not seen that far asks.
  #watchBeats() {
    this.#connection.subscribe('sync.beat.*', {
      callback: (error, message) => { if (!error) this.#beat(unpackr.unpack(message.data)); },
    });
  }

  #beat(beat) {
    const [feed, prev, position] = [Number(beat.feed), Number(beat.prev), Number(beat.position)];
    const known = this.#feeds.get(feed);
    if (known && known.history === String(beat.history) && position <= known.position) return;
    const missed = known && (known.history !== String(beat.history) || prev > known.position);
    this.#feeds.set(feed, { history: String(beat.history), position });
    if (missed || !known) return void this.#checkAll();
    const view = new DataView(beat.keys.buffer, beat.keys.byteOffset, beat.keys.byteLength);
    const behind = [];
    for (let at = 0; at < beat.keys.byteLength; at += 8) {
      const last = prev + view.getUint32(at + 4);
      for (const cell of this.#byCrc.get(view.getUint32(at)) ?? []) behind.push([cell, last]);
    }
    if (behind.length === 0) return;
    setTimeout(() => behind.forEach(([cell, last]) => { if (cell.position < last) void this.#refetch(cell); }), graceMs);
  }

  #checkAll() {
    for (const cell of this.#cells.values()) void this.#refetch(cell);
  }

  async #watchConnection() {
    for await (const status of this.#connection.status()) if (status.type === 'reconnect') this.#checkAll();
  }
}
