import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import loyalty.rpc.*;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.layered.TFramedTransport;

// Makes every call of loyaltyd and checks the answers. `java Example HOST PORT`, and the token in the
// variable LOYALTY_TOKEN; it prints what it saw. With LOYALTY_CA_FILE, over TLS.
public final class Example {
  // How a posting ends: docs/statuses.md.
  private static final int POSTED = 1;
  private static final int ALREADY_EXISTS = 30;
  private static final int INSUFFICIENT_POINTS = 66;

  private static final int TIMEOUT_MS = 30_000;
  private static final int RUN_WAIT_MS = 10_000;
  private static final long NOON_US = 1_714_564_800_000_000L; // 2024-05-01
  private static final long HOUR_US = 3_600_000_000L;
  private static final long HUGE = (1L << 53) + 1;

  private static final MemberKey ZOE = MemberKey.text("Zoë Müller");
  private static final MemberKey YAMADA = MemberKey.text("山田 太郎");
  private static final MemberKey CART = MemberKey.text("🛒");
  private static final MemberKey NUMBERED = MemberKey.number(HUGE);

  private final Ledger.Client client;
  private final RequestHead head;
  private final Map<String, Object> report = new LinkedHashMap<>();

  private Example(Ledger.Client client, String token) {
    this.client = client;
    this.head = new RequestHead().setToken(token).setTimeout_ms(TIMEOUT_MS);
  }

  public static void main(String[] args) throws Exception {
    TSocket socket = connect(args[0], Integer.parseInt(args[1]), System.getenv("LOYALTY_CA_FILE"));
    // A client serves one thread at a time: a pool has a connection and a client for each.
    try (TFramedTransport transport = new TFramedTransport(socket)) {
      Ledger.Client client = new Ledger.Client(new TBinaryProtocol(transport));
      new Example(client, System.getenv("LOYALTY_TOKEN")).run();
    }
  }

  // Not by Thrift's TSSLTransportFactory, which takes a certificate of any host.
  private static TSocket connect(String host, int port, String caFile) throws Exception {
    if (caFile == null || caFile.isEmpty()) {
      TSocket socket = new TSocket(host, port, TIMEOUT_MS);
      socket.open();
      return socket;
    }
    KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
    authorities.load(null, null);
    try (InputStream pem = Files.newInputStream(Path.of(caFile))) {
      for (Certificate authority :
          CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
        authorities.setCertificateEntry("authority " + authorities.size(), authority);
      }
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(authorities);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket();
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    socket.setSSLParameters(parameters);
    socket.connect(new InetSocketAddress(host, port), TIMEOUT_MS);
    socket.setSoTimeout(TIMEOUT_MS);
    return new TSocket(socket);
  }

  private void run() throws Exception {
    describeServer();
    changeProgram();
    postAndRetry();
    beRefused();
    read();
    follow();
    assessTiers();
    sumUp();
    List<String> fields = new ArrayList<>();
    report.forEach((name, value) -> fields.add(String.format("\"%s\": \"%s\"", name, value)));
    new PrintStream(System.out, true, UTF_8).println("{" + String.join(", ", fields) + "}");
  }

  private void describeServer() throws Exception {
    HealthResponse health = client.health(new HealthRequest());
    check(health.getHealth() == Health.READY.getValue(), "health", health);
    ServerInfoResponse info = client.server_info(new ServerInfoRequest().setHead(head));
    check(!info.getVersion().isEmpty(), "server_info", info);
    LedgerInfoResponse ledger = client.ledger_info(new LedgerInfoRequest().setHead(head));
    check(ledger.getMembers() > 0 && ledger.getReplay_s() >= 0, "ledger_info", ledger);
    try {
      client.digest(new DigestRequest().setHead(new RequestHead().setToken("wrong")));
      check(false, "a wrong token", "was accepted");
    } catch (Unauthenticated expected) {
      // Asking again would not help.
    }
  }

  private void changeProgram() throws Exception {
    ProgramRequest inForce = new ProgramRequest().setHead(head);
    String changed = client.program(inForce).getJson().replace("\"Shop\"", "\"Läden 店 🛒\"");
    ApplyProgramRequest request = new ApplyProgramRequest().setHead(head).setJson(changed);
    request.setActor("mia").setReason("a name that every language can spell");
    int version = client.apply_program(request).getVersion();
    ProgramResponse program = client.program(inForce);
    check(program.getVersion() == version, "the version in force", program.getVersion());
    check(program.getJson().equals(changed), "the programme", program.getJson());
    report.put("program_version", version);
  }

  private void postAndRetry() throws Exception {
    List<Posting> postings = new ArrayList<>();
    Posting earn = posting(Kind.EARN, ZOE, "receipt 4711 ☕");
    earn.setPoints(HUGE + 2).setMoney(HUGE + 4);
    earn.setCodes(new Codes().setLocation("大阪").setCategory("Süßes"));
    for (MemberKey member : List.of(ZOE, YAMADA, CART, NUMBERED)) {
      postings.add(posting(Kind.OPEN_MEMBER, member, "open " + member.getFieldValue()));
    }
    postings.addAll(List.of(earn, redemption()));
    postings.add(posting(Kind.EARN, NUMBERED, "receipt 4712").setPoints(HUGE));
    postings.add(posting(Kind.JOIN_POOL, NUMBERED, "till 4").setOther(CART).setCeiling(HUGE));
    List<PostingReply> replies = post(postings);
    for (PostingReply reply : replies) check(reply.getStatus() == POSTED, "a posting", reply);
    PostingReply earned = replies.get(4);
    PostingReply redeemed = replies.get(5);
    check(earned.getPoints() == HUGE + 2, "points earned", earned);
    check(redeemed.getBalance().getActive() == HUGE, "points left", redeemed);

    // As after a reply that never came: the same again, with the same id and content.
    PostingReply again = post(List.of(earn)).get(0);
    check(again.getStatus() == ALREADY_EXISTS, "the retried posting", again);
    check(again.getSequence() == earned.getSequence(), "its sequence", again);
    report.put("earned_sequence", earned.getSequence());
    report.put("redeemed_sequence", redeemed.getSequence());
    report.put("retried_sequence", again.getSequence());
  }

  private void beRefused() throws Exception {
    Posting tooMuch = posting(Kind.REDEEM, YAMADA, "voucher 2").setPoints(HUGE);
    PostingReply refused = post(List.of(tooMuch)).get(0);
    check(refused.getStatus() == INSUFFICIENT_POINTS, "a redemption of too much", refused);
    check(refused.getLimit() == 0, "what might be redeemed", refused);

    Posting timeless = posting(Kind.EARN, YAMADA, "receipt 4713").setPoints(1);
    timeless.unsetEffective_us();
    try {
      post(List.of(timeless));
      check(false, "a posting without effective_us", "was taken");
    } catch (InvalidRequest expected) {
      check(expected.getMessage().contains("effective_us"), "its fault", expected);
    }
  }

  private void read() throws Exception {
    List<MemberKey> members = List.of(ZOE, YAMADA, NUMBERED, MemberKey.text("nobody"));
    BalancesRequest whose = new BalancesRequest().setHead(head).setMembers(members);
    List<Balance> balances = client.balances(whose).getBalances();
    check(balances.get(0).getParts().getActive() == HUGE, "Zoë's balance", balances.get(0));
    check(balances.get(2).getParts().getActive() == HUGE, "a balance", balances.get(2));
    check(!balances.get(3).isFound(), "nobody's balance", balances.get(3));
    List<String> active = new ArrayList<>();
    for (Balance balance : balances) active.add("" + balance.getParts().getActive());
    report.put("balances", String.join(" ", active));

    StatementRequest request = new StatementRequest().setHead(head).setMember(ZOE).setLimit(2);
    List<String> running = new ArrayList<>();
    StatementResponse page;
    do {
      page = client.statement(request);
      for (long points : page.getRunning_points()) running.add("" + points);
      request.setCursor(page.getNext_cursor());
    } while (page.isSetNext_cursor());
    report.put("running_points", String.join(" ", running));

    SpendersRequest pool = new SpendersRequest().setHead(head).setPool(NUMBERED);
    Spender spender = client.spenders(pool).getSpenders().get(0);
    check(spender.getMember().equals(CART), "who may spend from the pool", spender);
    report.put("spender_limit", spender.getLimit());

    ExplainRequest which = new ExplainRequest().setHead(head).setPosting(redemption().getId());
    ExplainResponse explained = client.explain(which);
    Lot lot = explained.getTook().get(0);
    check(lot.getPoints() == -2, "what the redemption took", explained);
    report.put("took_from_sequence", lot.getSequence());
  }

  private void follow() throws Exception {
    ChangesRequest request = new ChangesRequest().setHead(head).setFrom_sequence(1).setLimit(5);
    List<String> opened = new ArrayList<>();
    ChangesResponse page;
    do {
      page = client.changes(request);
      for (loyalty.rpc.Record entry : page.getRecords()) {
        if (entry.getKind() == Kind.OPEN_MEMBER.getValue()) {
          opened.add(entry.getMember().getFieldValue().toString());
        }
      }
      request.setFrom_sequence(page.getNext_sequence());
    } while (page.getNext_sequence() <= page.getDurable_sequence());
    report.put("opened", String.join(", ", opened));
  }

  private void assessTiers() throws Exception {
    long at_us = NOON_US + HOUR_US;
    StartRunRequest start = new StartRunRequest().setHead(head).setAt_us(at_us);
    start.setKind(RunKind.TIERS.getValue()).setKeep_changes(true);
    String id = client.start_run(start).getRun_id();
    FollowRunRequest follow = new FollowRunRequest().setHead(head).setRun_id(id);
    Run run = client.follow_run(follow.setWait_ms(RUN_WAIT_MS)).getRun();
    check(run.getState() == RunState.FINISHED.getValue(), "the run", run);
    // A run that has ended stays as it is.
    Run stopped = client.stop_run(new StopRunRequest().setHead(head).setRun_id(id)).getRun();
    check(stopped.getState() == RunState.FINISHED.getValue(), "the run, stopped", stopped);

    RunChangesRequest which = new RunChangesRequest().setHead(head).setRun_id(id);
    List<String> changes = new ArrayList<>();
    for (TierChange each : client.run_changes(which).getChanges()) {
      changes.add(each.getMember().getFieldValue() + " " + each.getTo_level());
    }
    report.put("changes", String.join(", ", changes));

    TiersRequest who = new TiersRequest().setHead(head).setMembers(List.of(ZOE));
    List<String> levels = new ArrayList<>();
    for (Standing each : client.tiers(who.setAs_of_us(at_us)).getMembers().get(0).getStandings()) {
      levels.add(each.getLadder() + " " + each.getLevel());
    }
    report.put("levels", String.join(", ", levels));

    TierProgressRequest how = new TierProgressRequest().setHead(head).setMembers(List.of(ZOE));
    MemberProgress progress = client.tier_progress(how.setAs_of_us(at_us)).getMembers().get(0);
    List<String> metrics = new ArrayList<>();
    for (Progress ladder : progress.getLadders()) {
      for (MetricValue metric : ladder.getMetrics()) {
        metrics.add(metric.getName() + " " + metric.getValue());
      }
    }
    report.put("metrics", String.join(", ", metrics));
  }

  private void sumUp() throws Exception {
    for (Totals of : client.totals(new TotalsRequest().setHead(head)).getTotals()) {
      long sum = of.getMembers() + of.getIssued() + of.getRedeemed() + of.getExpired();
      check(sum + of.getAdjusted() == 0, "the trial balance", of);
      report.put("issued_" + of.getCurrency(), of.getIssued());
    }
    DigestResponse digest = client.digest(new DigestRequest().setHead(head));
    StringBuilder hex = new StringBuilder();
    for (byte each : digest.getDigest()) hex.append(String.format("%02x", each));
    report.put("digest", hex);
    report.put("sequence", digest.getSequence());
  }

  private List<PostingReply> post(List<Posting> postings) throws Exception {
    return client.post(new PostRequest().setHead(head).setPostings(postings)).getReplies();
  }

  private static Posting posting(Kind kind, MemberKey member, String reference) {
    return new Posting()
        .setId(PostingId.reference(reference))
        .setKind(kind.getValue())
        .setMember(member)
        .setEffective_us(NOON_US);
  }

  // One whose id is a UUID.
  private static Posting redemption() {
    UUID uuid = UUID.fromString("018f33f0-a800-7000-8000-00000000002a");
    ByteBuffer bytes = ByteBuffer.allocate(16);
    bytes.putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits()).flip();
    return posting(Kind.REDEEM, ZOE, "").setId(PostingId.id(bytes)).setPoints(2);
  }

  private static void check(boolean holds, String what, Object seen) {
    if (!holds) {
      throw new IllegalStateException(what + ": " + seen);
    }
  }
}
