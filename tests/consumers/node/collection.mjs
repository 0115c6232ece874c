// A collection replica of a whole group in another language: a NATS client, a MessagePack library, and the rules of
// docs/PROTOCOL.md. Envelopes come in any order, twice or not at all; the rules make the same records of them everywhere.
import { createHash } from 'node:crypto';
import { connect } from 'nats';
import { Packr, Unpackr, addExtension } from 'msgpackr';
import { token } from './replica.mjs';

const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'auto', encodeUndefinedAsNil: true };
const unpackr = new Unpackr(options);
const packr = new Packr(options);
const graceMs = 250;
const waitingMax = 20_000;

/** A value sealed for others (extension 100): a document, though nobody can look inside here. */
class Sealed {
  constructor(bytes) { this.bytes = bytes; }
}
addExtension({ type: 100, Class: Sealed, unpack: (bytes) => new Sealed(bytes), pack: (sealed) => sealed.bytes });

/** The gate of a consumer without types: a document is a map or a sealed value. */
function isDocument(value) {
  if (value instanceof Sealed) return true;
  return value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype;
}

const utf8 = (text) => Buffer.from(text, 'utf8');

/** Orders places [vault, collection, key] as a snapshot does. */
function compare(left, right) {
  for (let part = 0; part < left.length; part++) {
    const order = left[part] === right[part] ? 0 : Buffer.compare(utf8(left[part]), utf8(right[part]));
    if (order !== 0) return order;
  }
  return 0;
}

/** What is known of one feed. `covered`: every change of the group up to here was seen; -1 = nothing loaded yet. */
class Feed {
  covered = -1;
  history = undefined;
  ranges = []; // of snapshot pages that stand above `covered`: { from, to, position }
  chains = new Map(); // "vault/collection" -> end of its unbroken chain of changes
  waiting = []; // live envelopes until the first page tells where it stands
  work = undefined; // the snapshot or the catch-up under way
  wants = undefined; // 'load' or 'changes': what is to be done next

  constructor(id) { this.id = id; }

  coveredOf(name) { return Math.max(this.covered, this.chains.get(name) ?? 0); }
}

/** Follows one collection in all shards of a group. */
export class GroupReplica {
  counters = { applied: 0, late: 0, gaps: 0, refused: 0, pages: 0, catchUps: 0, resets: 0 };
  #connection;
  #group;
  #collection;
  #feeds = new Map();
  #records = new Map(); // "vault/collection/key" -> { place, feed, sequence, position, live, hash, value }
  #last = new Map(); // "vault/collection" -> { feed, position } of its last change
  #refused = new Map(); // "vault/collection/key" -> sequence that failed the gate
  #closed = false;

  static async connect({ servers, user, pass, inboxPrefix }, group, collection) {
    const replica = new GroupReplica();
    [replica.#group, replica.#collection] = [group, collection];
    replica.#connection = await connect({
      servers, user, pass, inboxPrefix, maxReconnectAttempts: -1, reconnectTimeWait: 100, waitOnFirstConnect: true,
    });
    await replica.#start();
    return replica;
  }

  /** True when every feed is loaded and no catch-up is under way. */
  get isSettled() {
    return this.#feeds.size > 0 && [...this.#feeds.values()].every((feed) => feed.covered >= 0 && !feed.work);
  }

  /** Keys whose newest value failed the gate, and its sequence. */
  get refused() { return new Map(this.#refused); }

  async close() {
    this.#closed = true;
    await this.#connection.close();
  }

  /** Digest of every shard that is known: { vault, collection, count, position, digest }, as `GET /v1/digests/…`. */
  digests() {
    const shards = new Map([...this.#last.keys()].map((name) => [name, []]));
    for (const record of this.#records.values()) {
      if (record.live) shards.get(`${record.place[0]}/${record.place[1]}`).push(record);
    }
    return [...shards].map(([name, records]) => {
      const hash = createHash('sha256');
      records.sort((left, right) => compare(left.place, right.place));
      for (const { place, sequence, hash: valueHash } of records) {
        const head = Buffer.alloc(9);
        head.writeBigUInt64BE(BigInt(sequence), 1);
        hash.update(utf8(place[2])).update(head).update(valueHash);
      }
      const [vault, collection] = name.split('/');
      return { vault, collection, count: records.length, position: this.#last.get(name).position, digest: hash.digest('hex') };
    });
  }

  // Subscribe, let the server confirm, and only then load: what changes from here on is delivered.
  async #start() {
    this.#connection.subscribe(`synced.${token(this.#group)}.*.${token(this.#collection)}.*`, {
      callback: (error, message) => { if (!error) this.#receive(unpackr.unpack(message.data), message.subject); },
    });
    this.#connection.subscribe('sync.beat.*', {
      callback: (error, message) => { if (!error) this.#beat(unpackr.unpack(message.data)); },
    });
    this.#watchConnection();
    await this.#connection.flush();
    const first = this.#feed(0);
    await this.#want(first, 'load');
  }

  #feed(id) {
    let feed = this.#feeds.get(id);
    if (!feed) this.#feeds.set(id, feed = new Feed(id));
    return feed;
  }

  #receive(envelope, subject) {
    // The vault of the group's own name is no shard, though the wildcard takes it; and a subject alone proves nothing.
    if (!this.#isMine(envelope) || subject.split('.')[2] === '_') return;
    const feed = this.#feed(Number(envelope.feed));
    if (feed.covered >= 0) return void this.#take(feed, envelope);
    if (feed.waiting.length < waitingMax) feed.waiting.push(envelope);
    else feed.wants = 'changes';
  }

  #isMine({ vault, collection }) {
    return collection === this.#collection && typeof vault === 'string' && vault.startsWith(`${this.#group}--`);
  }

  // One envelope, whether live, waiting, from a page or from a catch-up: the same rules.
  #take(feed, envelope, fromPage = false) {
    if (this.#isReset(feed, envelope.history)) return;
    const place = [envelope.vault, envelope.collection, envelope.key];
    const [name, shard] = [place.join('/'), `${envelope.vault}/${envelope.collection}`];
    const [sequence, position] = [Number(envelope.sequence), Number(envelope.position)];
    const covered = feed.coveredOf(shard);
    if (!fromPage) {
      const after = Number(envelope.after ?? 0);
      if (position <= covered || feed.ranges.some((range) => position <= range.position && isIn(range, place))) {
        this.counters.late++;
        this.#chain(feed, shard, after, position);
        return;
      }
      if (after > covered) {
        this.counters.gaps++;
        this.#catchUp(feed);
      }
      this.#chain(feed, shard, after, position);
    }
    this.#noteLast(feed, shard, position);
    const held = this.#records.get(name);
    if (sequence <= Math.max(held?.sequence ?? 0, this.#refused.get(name) ?? 0)) return;
    const live = envelope.op !== 'delete';
    if (live && !isDocument(envelope.value)) {
      this.counters.refused++;
      this.#refused.set(name, sequence);
      return;
    }
    this.counters.applied++;
    this.#refused.delete(name);
    this.#records.set(name, {
      place, feed: feed.id, sequence, position, live, hash: live ? envelope.hash : undefined, value: live ? envelope.value : undefined,
    });
  }

  #chain(feed, shard, after, position) {
    const covered = feed.coveredOf(shard);
    if (after <= covered && position > covered) feed.chains.set(shard, position);
  }

  #isReset(feed, history) {
    const text = String(history);
    if (feed.history === undefined) feed.history = text;
    if (feed.history === text) return false;
    this.counters.resets++;
    Object.assign(feed, { covered: -1, history: text, ranges: [], waiting: [] });
    feed.chains.clear();
    for (const [name, record] of this.#records) if (record.feed === feed.id) this.#records.delete(name);
    this.#forgetShards(feed);
    void this.#want(feed, 'load');
    return true;
  }

  // Shards are of one feed each, and their positions of one history.
  #forgetShards(feed) {
    for (const [shard, last] of this.#last) if (last.feed === feed.id) this.#last.delete(shard);
  }

  #noteLast(feed, shard, position) {
    if (position > (this.#last.get(shard)?.position ?? 0)) this.#last.set(shard, { feed: feed.id, position });
  }

  #advance(feed, position) {
    if (position <= feed.covered) return;
    feed.covered = position;
    feed.ranges = feed.ranges.filter((range) => range.position > position);
    for (const [shard, end] of feed.chains) if (end <= position) feed.chains.delete(shard);
    for (const [name, record] of this.#records) {
      if (!record.live && record.feed === feed.id && record.position <= position) this.#records.delete(name);
    }
  }

  #beat(beat) {
    const feed = this.#feed(Number(beat.feed));
    if (feed.covered < 0 || this.#isReset(feed, beat.history)) return;
    const [prev, position] = [Number(beat.prev), Number(beat.position)];
    if (position <= feed.covered) return;
    if (prev > feed.covered) return void this.#catchUp(feed);
    const named = beat.collections.filter(([vault, collection]) => this.#isMine({ vault, collection }));
    const unseen = () => named.some(([vault, collection, last]) => feed.coveredOf(`${vault}/${collection}`) < Number(last));
    if (!unseen() && !feed.work) return void this.#advance(feed, position);
    const history = feed.history;
    setTimeout(() => {
      if (this.#closed || feed.history !== history || feed.covered < prev || feed.work) return;
      if (unseen()) this.#catchUp(feed);
      else this.#advance(feed, position);
    }, graceMs);
  }

  #catchUp(feed) {
    if (feed.covered >= 0) void this.#want(feed, 'changes');
  }

  // One piece of work at a time for a feed; what is asked for meanwhile is done once more behind it.
  #want(feed, what) {
    if (feed.wants !== 'load') feed.wants = what;
    return feed.work ??= this.#run(feed);
  }

  async #run(feed) {
    await null; // so that `work` is set before it can end
    try {
      while (feed.wants && !this.#closed) {
        const what = feed.wants;
        feed.wants = undefined;
        await (what === 'load' ? this.#load(feed) : this.#changes(feed));
      }
    } catch (error) {
      if (!this.#closed) throw error;
    } finally {
      feed.work = undefined;
    }
  }

  async #load(feed) {
    const history = feed.history;
    let after;
    let isFirst = true;
    do {
      const page = await this.#ask('snapshot', { feed: feed.id, after, limit: 10_000 });
      if (history !== undefined && String(page.history) !== history) return void this.#isReset(feed, page.history);
      feed.history = String(page.history);
      const position = Number(page.position);
      const range = { from: after, to: page.more ? placeOf(page.envelopes.at(-1)) : undefined, position };
      const present = new Set(page.envelopes.map((envelope) => placeOf(envelope).join('/')));
      for (const [name, record] of this.#records) {
        if (record.feed === feed.id && record.position <= position && !present.has(name) && isIn(range, record.place)) {
          this.#records.delete(name);
        }
      }
      for (const [vault, collection, last] of page.collections) {
        this.#noteLast(feed, `${vault}/${collection}`, Number(last));
      }
      for (const envelope of page.envelopes) this.#take(feed, envelope, true);
      this.counters.pages++;
      feed.ranges.push(range);
      if (isFirst) {
        isFirst = false;
        this.#advance(feed, position);
        for (const envelope of feed.waiting.splice(0)) this.#take(feed, envelope);
        this.#loadOthers(page.feeds);
      }
      after = range.to;
    } while (after && !this.#closed);
  }

  #loadOthers(count) {
    for (let id = 0; id < count; id++) {
      const feed = this.#feed(id);
      if (feed.covered < 0 && !feed.work) void this.#want(feed, 'load');
    }
  }

  async #changes(feed) {
    this.counters.catchUps++;
    while (!this.#closed) {
      const asked = feed.covered;
      const page = await this.#ask('changes', { feed: feed.id, after: asked, limit: 10_000 });
      if (this.#isReset(feed, page.history)) return;
      if (Number(page.floor) > asked + 1) return void await this.#load(feed);
      for (const envelope of page.envelopes) this.#take(feed, envelope);
      this.#advance(feed, Number(page.through));
      if (Number(page.through) >= Number(page.position)) return;
    }
  }

  async #ask(kind, request) {
    const subject = `sync.${kind}.${token(this.#group)}.~.${token(this.#collection)}`;
    for (let attempt = 0; !this.#closed; attempt++) {
      try {
        const reply = await this.#connection.request(subject, packr.pack(request), { timeout: 5000 });
        if (reply.headers?.get('Nats-Service-Error-Code')) throw new Error(reply.headers.get('Nats-Service-Error'));
        return unpackr.unpack(reply.data);
      } catch (error) {
        if (attempt >= 100) throw error;
        const pause = Math.min(1000, 50 * 2 ** attempt) * (0.5 + Math.random() / 2);
        await new Promise((done) => setTimeout(done, pause));
      }
    }
    throw new Error('closed');
  }

  async #watchConnection() {
    for await (const status of this.#connection.status()) {
      if (status.type === 'reconnect') for (const feed of this.#feeds.values()) this.#catchUp(feed);
    }
  }
}

const placeOf = ({ vault, collection, key }) => [vault, collection, key];

const isIn = ({ from, to }, place) =>
  (from === undefined || compare(place, from) > 0) && (to === undefined || compare(place, to) <= 0);
