// The status page of the box. It asks only its own origin; everything it shows is text, never markup.

const RATE_POINTS = 60;
const CHANGES_SHOWN = 60;
const STATUS_EVERY_MS = 1000;
const QUEUED_MAX = 500;

const byId = (id) => document.getElementById(id);
const number = (value) => (Number.isFinite(value) ? value.toLocaleString('en') : '–');

// Integers above 2^53 keep their digits, where the browser gives us the source text.
const exact = (text) => JSON.parse(text, (_key, value, context) =>
  (typeof value === 'number' && context?.source && Number.isInteger(value) && !Number.isSafeInteger(value) ? context.source : value));

function cell(text, className) {
  const td = document.createElement('td');
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function row(...cells) {
  const tr = document.createElement('tr');
  tr.append(...cells);
  return tr;
}

function say(text, state) {
  const element = byId('state');
  if (element.textContent !== text) element.textContent = text;
  element.dataset.state = state;
}

// --- figures, once a second -------------------------------------------------------------------------------------

const rates = [];
let before = null;

function showRate(facts) {
  const now = performance.now();
  if (before && facts >= before.facts) {
    rates.push((facts - before.facts) / ((now - before.at) / 1000));
    if (rates.length > RATE_POINTS) rates.shift();
    const latest = rates.slice(-5);
    byId('rate').textContent = (latest.reduce((sum, rate) => sum + rate, 0) / latest.length).toFixed(1);
    const highest = Math.max(1, ...rates);
    byId('spark').firstElementChild.setAttribute('points', rates
      .map((rate, index) => `${(index * 120 / (RATE_POINTS - 1)).toFixed(1)},${(29 - rate / highest * 27).toFixed(1)}`).join(' '));
  }
  before = { facts, at: now };
}

function showWriter(writer) {
  const feeds = writer?.feeds ?? [];
  const facts = feeds.reduce((sum, feed) => sum + Number(feed.position), 0);
  if (writer) showRate(facts);
  byId('facts').textContent = writer ? number(facts) : '–';
  byId('lag').textContent = writer ? number(feeds.reduce((sum, feed) => sum + Number(feed.publish_lag), 0)) : '–';
  byId('feeds').replaceChildren(...feeds.map((feed) => row(
    cell(feed.feed, 'number'), cell(number(Number(feed.position)), 'number'), cell(number(Number(feed.published)), 'number'),
    cell(number(Number(feed.publish_lag)), feed.publish_lag > 0 ? 'number bad' : 'number'), cell(feed.epoch, 'number'),
    cell(feed.owner ?? 'nobody', feed.owner ? '' : 'bad'))));
}

function showReplicas(replica) {
  const scopes = replica?.scopes ?? [];
  const sum = (of) => (replica ? number(scopes.reduce((total, scope) => total + Number(of(scope) ?? 0), 0)) : '–');
  byId('records').textContent = sum((scope) => scope.records);
  byId('refused').textContent = sum((scope) => scope.skew?.count);
  byId('streams').textContent = replica ? number(Number(replica.streams.open)) : '–';
  byId('replicas').replaceChildren(...scopes.map((scope) => row(
    cell(`${scope.vault ?? `${scope.group}--*`}/${scope.collection ?? '*'}`),
    cell(scope.current ? `${scope.status}, current` : scope.status, scope.status === 'ok' ? 'good' : 'bad'),
    cell(number(Number(scope.records ?? 0)), 'number'), cell(number(Number(scope.skew?.count ?? 0)), 'number'),
    cell((scope.feeds ?? []).filter((feed) => feed.position !== undefined)
      .map((feed) => `${feed.feed}: ${number(Number(feed.position))}`).join('   ')))));
}

function showServices(status) {
  byId('services').replaceChildren(...status.services.map((service) => row(
    cell(service.name), cell(service.url), cell(service.error ?? 'yes', service.error ? 'bad' : 'good'))));
  const silent = status.services.filter((service) => service.error).length;
  if (silent) say(`${silent} of ${status.services.length} services do not answer`, 'bad');
  else say('all services answer', 'good');
}

async function poll() {
  try {
    const answer = await fetch('/box/status', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`the box answers ${answer.status}`);
    const status = exact(await answer.text());
    const of = (name) => status.services.find((service) => service.name === name)?.status;
    showWriter(of('writer'));
    showReplicas(of('replica host'));
    showServices(status);
  } catch (error) {
    say(error instanceof TypeError ? 'the box does not answer; is it still running?' : String(error.message ?? error), 'bad');
  }
  setTimeout(poll, document.hidden ? 5 * STATUS_EVERY_MS : STATUS_EVERY_MS);
}

// --- changes and summaries, as they come ------------------------------------------------------------------------

let paused = false;
let queued = [];
const statuses = ['placed', 'paid', 'packed', 'shipped', 'delivered'];
const summaries = new Map();

function changeRow(change) {
  const time = change.time ? new Date(change.time) : new Date();
  const tr = row(
    cell(time.toLocaleTimeString()), cell(change.vault), cell(change.key),
    cell(change.sequence ?? '', 'number'),
    cell(change.op === 'delete' || change.value === null ? '(deleted)' : JSON.stringify(change.value), 'value'));
  tr.className = 'fresh';
  return tr;
}

function summaryRow(name, shop) {
  const bar = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  bar.setAttribute('viewBox', '0 0 100 1');
  bar.setAttribute('preserveAspectRatio', 'none');
  bar.setAttribute('class', 'bar');
  bar.setAttribute('role', 'img');
  const counts = statuses.map((status) => Number(shop.groups?.find(([value]) => value === status)?.[1] ?? 0));
  bar.setAttribute('aria-label', statuses.map((status, index) => `${counts[index]} ${status}`).join(', '));
  const total = Math.max(1, counts.reduce((sum, count) => sum + count, 0));
  let left = 0;
  counts.forEach((count, index) => {
    const part = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    part.setAttribute('class', `s${index}`);
    part.setAttribute('x', left);
    part.setAttribute('width', count * 100 / total);
    part.setAttribute('height', 1);
    left += count * 100 / total;
    bar.append(part);
  });
  const holder = document.createElement('td');
  holder.append(bar);
  const value = shop.cents === undefined ? '–' : (Number(shop.cents) / 100).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return row(cell(name.replace(/^.*?--/, '')), cell(number(shop.orders), 'number'), holder, cell(value, 'number'));
}

function takeSummary(change) {
  const provenance = change.value?.provenance;
  const summary = change.value?.summary;
  if (!provenance || !summary) return;
  const shop = summaries.get(provenance.vault) ?? {};
  if (summary.field === 'status') Object.assign(shop, { groups: summary.groups, orders: Number(summary.present) });
  else if (summary.field === 'amount_cents') shop.cents = summary.sum;
  summaries.set(provenance.vault, shop);
}

function showSummaries() {
  const rows = [...summaries].sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, shop]) => summaryRow(name, shop));
  byId('insight').hidden = rows.length === 0;
  byId('summaries').replaceChildren(...rows);
}

function showChanges() {
  if (paused || !queued.length) return;
  const list = byId('changes');
  list.querySelector('.empty')?.parentElement.remove();
  list.prepend(...queued.reverse().slice(0, CHANGES_SHOWN).map(changeRow));
  while (list.rows.length > CHANGES_SHOWN) list.lastElementChild.remove();
  queued = [];
}

// One paint for whatever came since the last one.
let painting = false;
function paint() {
  if (painting) return;
  painting = true;
  setTimeout(() => {
    painting = false;
    showChanges();
    showSummaries();
  }, 200);
}

// What a replica host streams: a snapshot of what it holds in chunks, `ready`, then `put` and `delete`; `reset` begins anew.
function follow(scope, { snapshot, put, remove, reset }) {
  const url = `/v1/stream?${new URLSearchParams(scope)}`;
  const source = new EventSource(url);
  const on = (name, take) => {
    if (!take) return;
    source.addEventListener(name, (event) => {
      take(exact(event.data));
      paint();
    });
  };
  on('snapshot', snapshot && ((page) => page.items.forEach(snapshot)));
  on('put', put);
  on('delete', remove);
  on('reset', reset);
  // A refused stream does not come back by itself; a lost one does.
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(scope, { snapshot, put, remove, reset }), 3000);
  });
}

byId('pause').addEventListener('click', (event) => {
  paused = !paused;
  event.target.setAttribute('aria-pressed', String(paused));
  event.target.textContent = paused ? 'go on' : 'pause';
  paint();
});
byId('legend').append(...statuses.map((status, index) => {
  const item = document.createElement('li');
  const swatch = document.createElement('span');
  swatch.className = `s${index}`;
  item.append(swatch, status);
  return item;
}));

function queue(change) {
  queued.push(change);
  if (queued.length > QUEUED_MAX) queued.shift();
}

follow({ group: 'shop' }, { put: queue, remove: (change) => queue({ ...change, op: 'delete' }) });
follow({ vault: 'insight' }, { snapshot: takeSummary, put: takeSummary, reset: () => summaries.clear() });
poll();
