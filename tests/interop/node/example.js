// Makes every call of loyaltyd and checks the answers. `node example.js HOST PORT`, and the token in the
// variable LOYALTY_TOKEN; it prints what it saw. With LOYALTY_CA_FILE, over TLS.
'use strict';

const fs = require('fs');
const thrift = require('thrift');
const Int64 = require('node-int64');
const Ledger = require('./gen/Ledger');
const types = require('./gen/loyalty_types');

// How a posting ends: docs/statuses.md.
const POSTED = 1;
const ALREADY_EXISTS = 30;
const INSUFFICIENT_POINTS = 66;

const TIMEOUT_MS = 30_000;
const RUN_WAIT_MS = 10_000;
const NOON_US = 1_714_564_800_000_000n;  // 2024-05-01
const HOUR_US = 3_600_000_000n;
const HUGE = 2n ** 53n + 1n;

// An i64 arrives as an Int64. What it turns into by itself is a number, or Infinity from 2^53 on: so read
// its bytes.
const toBigInt = (i64) => i64.buffer.readBigInt64BE(i64.offset);

// A plain number is sent too, already rounded if it is beyond 2^53; a string is read as hexadecimal:
// "100" is sent as 256.
function toInt64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return new Int64(bytes);
}

const ZOE = new types.MemberKey({text: 'Zoë Müller'});
const YAMADA = new types.MemberKey({text: '山田 太郎'});
const CART = new types.MemberKey({text: '🛒'});
const NUMBERED = new types.MemberKey({number: toInt64(HUGE)});

const keyOf = (member) => member.text ?? String(toBigInt(member.number));

function check(holds, what, seen) {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(seen)}`);
}

async function failure(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  return undefined;
}

function posting(kind, member, reference) {
  return new types.Posting({
    id: new types.PostingId({reference}),
    kind,
    member,
    effective_us: toInt64(NOON_US),
  });
}

// One whose id is a UUID.
function redemption() {
  const id = Buffer.from('018f33f0-a800-7000-8000-00000000002a'.replaceAll('-', ''), 'hex');
  const redeem = posting(types.Kind.REDEEM, ZOE, '');
  redeem.id = new types.PostingId({id});
  redeem.points = toInt64(2n);
  return redeem;
}

class Example {
  constructor(client, token) {
    this.client = client;
    this.head = new types.RequestHead({token, timeout_ms: TIMEOUT_MS});
    this.report = {};
  }

  async run() {
    await this.describeServer();
    await this.changeProgram();
    await this.postAndRetry();
    await this.beRefused();
    await this.read();
    await this.follow();
    await this.assessTiers();
    await this.sumUp();
    console.log(JSON.stringify(this.report));
  }

  // A request that says who asks.
  ask(Request, fields = {}) {
    return new Request({head: this.head, ...fields});
  }

  async post(...postings) {
    return (await this.client.post(this.ask(types.PostRequest, {postings}))).replies;
  }

  async describeServer() {
    const health = await this.client.health(new types.HealthRequest());
    check(health.health === types.Health.READY, 'health', health);
    const info = await this.client.server_info(this.ask(types.ServerInfoRequest));
    check(info.version, 'server_info', info);
    const ledger = await this.client.ledger_info(this.ask(types.LedgerInfoRequest));
    check(toBigInt(ledger.members) > 0n && ledger.replay_s >= 0, 'ledger_info', ledger);
    const head = new types.RequestHead({token: 'wrong'});
    const error = await failure(this.client.digest(new types.DigestRequest({head})));
    check(error instanceof types.Unauthenticated, 'a wrong token', error);
  }

  async changeProgram() {
    const inForce = this.ask(types.ProgramRequest);
    const json = (await this.client.program(inForce)).json.replace('"Shop"', '"Läden 店 🛒"');
    const why = {actor: 'mia', reason: 'a name that every language can spell'};
    const apply = this.ask(types.ApplyProgramRequest, {json, ...why});
    const {version} = await this.client.apply_program(apply);
    const program = await this.client.program(inForce);
    check(program.version === version, 'the version in force', program);
    check(program.json === json, 'the programme', program);
    this.report.program_version = String(version);
  }

  async postAndRetry() {
    const opening = (member) => posting(types.Kind.OPEN_MEMBER, member, `open ${keyOf(member)}`);
    const open = [ZOE, YAMADA, CART, NUMBERED].map(opening);
    const earn = posting(types.Kind.EARN, ZOE, 'receipt 4711 ☕');
    earn.points = toInt64(HUGE + 2n);
    earn.money = toInt64(HUGE + 4n);
    earn.codes = new types.Codes({location: '大阪', category: 'Süßes'});
    const another = posting(types.Kind.EARN, NUMBERED, 'receipt 4712');
    another.points = toInt64(HUGE);
    const join = posting(types.Kind.JOIN_POOL, NUMBERED, 'till 4');
    join.other = CART;
    join.ceiling = toInt64(HUGE);
    const replies = await this.post(...open, earn, redemption(), another, join);
    for (const reply of replies) check(reply.status === POSTED, 'a posting', reply);
    const [earned, redeemed] = replies.slice(open.length);
    check(toBigInt(earned.points) === HUGE + 2n, 'points earned', earned);
    check(toBigInt(redeemed.balance.active) === HUGE, 'points left', redeemed);

    // As after a reply that never came: the same again, with the same id and content.
    const [again] = await this.post(earn);
    check(again.status === ALREADY_EXISTS, 'the retried posting', again);
    check(toBigInt(again.sequence) === toBigInt(earned.sequence), 'its sequence', again);
    this.report.earned_sequence = String(toBigInt(earned.sequence));
    this.report.redeemed_sequence = String(toBigInt(redeemed.sequence));
    this.report.retried_sequence = String(toBigInt(again.sequence));
  }

  async beRefused() {
    const tooMuch = posting(types.Kind.REDEEM, YAMADA, 'voucher 2');
    tooMuch.points = toInt64(HUGE);
    const [refused] = await this.post(tooMuch);
    check(refused.status === INSUFFICIENT_POINTS, 'a redemption of too much', refused);
    check(toBigInt(refused.limit) === 0n, 'what might be redeemed', refused);

    const timeless = posting(types.Kind.EARN, YAMADA, 'receipt 4713');
    timeless.points = toInt64(1n);
    timeless.effective_us = null;
    const error = await failure(this.post(timeless));
    check(error instanceof types.InvalidRequest, 'a posting without effective_us', error);
    check(error.message.includes('effective_us'), 'its fault', error);
  }

  async read() {
    const members = [ZOE, YAMADA, NUMBERED, new types.MemberKey({text: 'nobody'})];
    const {balances} = await this.client.balances(this.ask(types.BalancesRequest, {members}));
    const active = balances.map((balance) => toBigInt(balance.parts.active));
    check(active[0] === HUGE, 'Zoë\'s balance', balances[0]);
    check(active[2] === HUGE, 'a balance', balances[2]);
    check(!balances[3].found, 'nobody\'s balance', balances[3]);
    this.report.balances = active.join(' ');

    const request = this.ask(types.StatementRequest, {member: ZOE, limit: 2});
    const running = [];
    do {
      const page = await this.client.statement(request);
      running.push(...page.running_points.map(toBigInt));
      request.cursor = page.next_cursor;
    } while (request.cursor !== null);
    this.report.running_points = running.join(' ');

    const pool = this.ask(types.SpendersRequest, {pool: NUMBERED});
    const [spender] = (await this.client.spenders(pool)).spenders;
    check(keyOf(spender.member) === keyOf(CART), 'who may spend from the pool', spender);
    this.report.spender_limit = String(toBigInt(spender.limit));

    const which = this.ask(types.ExplainRequest, {posting: redemption().id});
    const explained = await this.client.explain(which);
    check(toBigInt(explained.took[0].points) === -2n, 'what the redemption took', explained);
    this.report.took_from_sequence = String(toBigInt(explained.took[0].sequence));
  }

  async follow() {
    const request = this.ask(types.ChangesRequest, {from_sequence: toInt64(1n), limit: 5});
    const opened = [];
    let page;
    do {
      page = await this.client.changes(request);
      const records = page.records.filter((record) => record.kind === types.Kind.OPEN_MEMBER);
      opened.push(...records.map((record) => keyOf(record.member)));
      request.from_sequence = page.next_sequence;
    } while (toBigInt(page.next_sequence) <= toBigInt(page.durable_sequence));
    this.report.opened = opened.join(', ');
  }

  async assessTiers() {
    const at_us = toInt64(NOON_US + HOUR_US);
    const what = {kind: types.RunKind.TIERS, at_us, keep_changes: true};
    const start = this.ask(types.StartRunRequest, what);
    const {run_id} = await this.client.start_run(start);
    const follow = this.ask(types.FollowRunRequest, {run_id, wait_ms: RUN_WAIT_MS});
    const {run} = await this.client.follow_run(follow);
    check(run.state === types.RunState.FINISHED, 'the run', run);
    // A run that has ended stays as it is.
    const stopped = await this.client.stop_run(this.ask(types.StopRunRequest, {run_id}));
    check(stopped.run.state === types.RunState.FINISHED, 'the run, stopped', stopped);

    const {changes} = await this.client.run_changes(this.ask(types.RunChangesRequest, {run_id}));
    const changed = changes.map((each) => `${keyOf(each.member)} ${each.to_level}`);
    this.report.changes = changed.join(', ');

    const who = {members: [ZOE], as_of_us: at_us};
    const tiers = await this.client.tiers(this.ask(types.TiersRequest, who));
    const levels = tiers.members[0].standings.map((each) => `${each.ladder} ${each.level}`);
    this.report.levels = levels.join(', ');
    const progress = await this.client.tier_progress(this.ask(types.TierProgressRequest, who));
    const metrics = progress.members[0].ladders.flatMap((ladder) => ladder.metrics);
    const named = metrics.map((metric) => `${metric.name} ${toBigInt(metric.value)}`);
    this.report.metrics = named.join(', ');
  }

  async sumUp() {
    const {totals} = await this.client.totals(this.ask(types.TotalsRequest));
    for (const of of totals) {
      const sums = [of.members, of.issued, of.redeemed, of.expired, of.adjusted].map(toBigInt);
      check(sums.reduce((sum, each) => sum + each) === 0n, 'the trial balance', of);
      this.report[`issued_${of.currency}`] = String(toBigInt(of.issued));
    }
    const {digest, sequence} = await this.client.digest(this.ask(types.DigestRequest));
    this.report.digest = digest.toString('hex');
    this.report.sequence = String(toBigInt(sequence));
  }
}

function connect(host, port, caFile) {
  const options = {transport: thrift.TFramedTransport, protocol: thrift.TBinaryProtocol};
  if (!caFile) return thrift.createConnection(host, port, options);
  return thrift.createSSLConnection(host, port, {...options, ca: fs.readFileSync(caFile)});
}

async function main() {
  const [host, port] = process.argv.slice(2);
  const connection = connect(host, Number(port), process.env.LOYALTY_CA_FILE);
  // The library leaves calls under way unanswered when their connection ends.
  const lost = new Promise((_, reject) => {
    connection.on('error', reject);
    connection.on('close', () => reject(new Error('the connection was closed')));
  });
  const client = thrift.createClient(Ledger, connection);
  await Promise.race([new Example(client, process.env.LOYALTY_TOKEN).run(), lost]);
  connection.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
