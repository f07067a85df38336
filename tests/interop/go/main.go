// Makes every call of loyaltyd and checks the answers. `example HOST PORT`, and the token in the
// variable LOYALTY_TOKEN; it prints what it saw. With LOYALTY_CA_FILE, over TLS.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"interop/loyaltyrpc"
)

// How a posting ends: docs/statuses.md.
const (
	posted             = 1
	alreadyExists      = 30
	insufficientPoints = 66
)

const (
	timeout   = 30 * time.Second
	runWaitMs = 10_000
	noonUs    = 1_714_564_800_000_000 // 2024-05-01
	hourUs    = 3_600_000_000
	huge      = 1<<53 + 1
)

var (
	ctx      = context.Background()
	zoe      = text("Zoë Müller")
	yamada   = text("山田 太郎")
	cart     = text("🛒")
	numbered = &loyaltyrpc.MemberKey{Number: thrift.Int64Ptr(huge)}
)

type example struct {
	client *loyaltyrpc.LedgerClient
	head   *loyaltyrpc.RequestHead
	report map[string]string
}

func main() {
	conf := &thrift.TConfiguration{ConnectTimeout: timeout, SocketTimeout: timeout}
	place := net.JoinHostPort(os.Args[1], os.Args[2])
	var socket thrift.TTransport = thrift.NewTSocketConf(place, conf)
	if caFile := os.Getenv("LOYALTY_CA_FILE"); caFile != "" {
		authorities := x509.NewCertPool()
		check(authorities.AppendCertsFromPEM(of(os.ReadFile(caFile))), "no certificate in", caFile)
		conf.TLSConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
		socket = thrift.NewTSSLSocketConf(place, conf)
	}
	transport := thrift.NewTFramedTransportConf(socket, conf)
	must(transport.Open())
	defer transport.Close()
	protocol := thrift.NewTCompactProtocolConf(transport, conf)
	// A client serves one goroutine at a time: a pool has a connection and a client for each.
	e := example{
		client: loyaltyrpc.NewLedgerClient(thrift.NewTStandardClient(protocol, protocol)),
		head: &loyaltyrpc.RequestHead{
			Token:     thrift.StringPtr(os.Getenv("LOYALTY_TOKEN")),
			TimeoutMs: thrift.Int32Ptr(int32(timeout.Milliseconds())),
		},
		report: map[string]string{},
	}
	e.describeServer()
	e.changeProgram()
	e.postAndRetry()
	e.beRefused()
	e.read()
	e.follow()
	e.assessTiers()
	e.sumUp()
	must(json.NewEncoder(os.Stdout).Encode(e.report))
}

func (e *example) describeServer() {
	health := of(e.client.Health(ctx, &loyaltyrpc.HealthRequest{}))
	check(health.GetHealth() == int32(loyaltyrpc.Health_READY), "health", health)
	info := of(e.client.ServerInfo(ctx, &loyaltyrpc.ServerInfoRequest{Head: e.head}))
	check(info.GetVersion() != "", "server_info", info)
	ledger := of(e.client.LedgerInfo(ctx, &loyaltyrpc.LedgerInfoRequest{Head: e.head}))
	check(ledger.GetMembers() > 0 && ledger.GetReplayS() >= 0, "ledger_info", ledger)
	wrong := &loyaltyrpc.RequestHead{Token: thrift.StringPtr("wrong")}
	_, err := e.client.Digest(ctx, &loyaltyrpc.DigestRequest{Head: wrong})
	var unauthenticated *loyaltyrpc.Unauthenticated
	check(errors.As(err, &unauthenticated), "a wrong token", err)
}

func (e *example) changeProgram() {
	inForce := &loyaltyrpc.ProgramRequest{Head: e.head}
	before := of(e.client.Program(ctx, inForce))
	changed := strings.Replace(before.GetJSON(), `"Shop"`, `"Läden 店 🛒"`, 1)
	applied := of(e.client.ApplyProgram(ctx, &loyaltyrpc.ApplyProgramRequest{
		Head:   e.head,
		JSON:   &changed,
		Actor:  thrift.StringPtr("mia"),
		Reason: thrift.StringPtr("a name that every language can spell"),
	}))
	program := of(e.client.Program(ctx, inForce))
	check(program.GetVersion() == applied.GetVersion(), "the version in force", program)
	check(program.GetJSON() == changed, "the programme", program)
	e.put("program_version", applied.GetVersion())
}

func (e *example) postAndRetry() {
	var postings []*loyaltyrpc.Posting
	for _, member := range []*loyaltyrpc.MemberKey{zoe, yamada, cart, numbered} {
		open := posting(loyaltyrpc.Kind_OPEN_MEMBER, member, "open "+keyOf(member))
		postings = append(postings, open)
	}
	earn := posting(loyaltyrpc.Kind_EARN, zoe, "receipt 4711 ☕")
	earn.Points = thrift.Int64Ptr(huge + 2)
	earn.Money = thrift.Int64Ptr(huge + 4)
	earn.Codes = &loyaltyrpc.Codes{
		Location: thrift.StringPtr("大阪"),
		Category: thrift.StringPtr("Süßes"),
	}
	another := posting(loyaltyrpc.Kind_EARN, numbered, "receipt 4712")
	another.Points = thrift.Int64Ptr(huge)
	join := posting(loyaltyrpc.Kind_JOIN_POOL, numbered, "till 4")
	join.Other = cart
	join.Ceiling = thrift.Int64Ptr(huge)
	replies := e.post(append(postings, earn, redemption(), another, join)...)
	for _, reply := range replies {
		check(reply.GetStatus() == posted, "a posting", reply)
	}
	earned, redeemed := replies[4], replies[5]
	check(earned.GetPoints() == huge+2, "points earned", earned)
	check(redeemed.GetBalance().GetActive() == huge, "points left", redeemed)

	// As after a reply that never came: the same again, with the same id and content.
	again := e.post(earn)[0]
	check(again.GetStatus() == alreadyExists, "the retried posting", again)
	check(again.GetSequence() == earned.GetSequence(), "its sequence", again)
	e.put("earned_sequence", earned.GetSequence())
	e.put("redeemed_sequence", redeemed.GetSequence())
	e.put("retried_sequence", again.GetSequence())
}

func (e *example) beRefused() {
	tooMuch := posting(loyaltyrpc.Kind_REDEEM, yamada, "voucher 2")
	tooMuch.Points = thrift.Int64Ptr(huge)
	refused := e.post(tooMuch)[0]
	check(refused.GetStatus() == insufficientPoints, "a redemption of too much", refused)
	check(refused.GetLimit() == 0, "what might be redeemed", refused)

	timeless := posting(loyaltyrpc.Kind_EARN, yamada, "receipt 4713")
	timeless.Points = thrift.Int64Ptr(1)
	timeless.EffectiveUs = nil
	request := &loyaltyrpc.PostRequest{Head: e.head, Postings: []*loyaltyrpc.Posting{timeless}}
	_, err := e.client.Post(ctx, request)
	var invalid *loyaltyrpc.InvalidRequest
	check(errors.As(err, &invalid), "a posting without effective_us", err)
	check(strings.Contains(invalid.GetMessage(), "effective_us"), "its fault", invalid)
}

func (e *example) read() {
	members := []*loyaltyrpc.MemberKey{zoe, yamada, numbered, text("nobody")}
	whose := &loyaltyrpc.BalancesRequest{Head: e.head, Members: members}
	balances := of(e.client.Balances(ctx, whose)).Balances
	check(balances[0].GetParts().GetActive() == huge, "Zoë's balance", balances[0])
	check(balances[2].GetParts().GetActive() == huge, "a balance", balances[2])
	check(!balances[3].GetFound(), "nobody's balance", balances[3])
	var active []string
	for _, balance := range balances {
		active = append(active, fmt.Sprint(balance.GetParts().GetActive()))
	}
	e.report["balances"] = strings.Join(active, " ")

	var running []string
	request := &loyaltyrpc.StatementRequest{Head: e.head, Member: zoe, Limit: thrift.Int32Ptr(2)}
	for {
		page := of(e.client.Statement(ctx, request))
		for _, points := range page.RunningPoints {
			running = append(running, fmt.Sprint(points))
		}
		if request.Cursor = page.NextCursor; request.Cursor == nil {
			break
		}
	}
	e.report["running_points"] = strings.Join(running, " ")

	spenders := of(e.client.Spenders(ctx, &loyaltyrpc.SpendersRequest{Head: e.head, Pool: numbered}))
	spender := spenders.Spenders[0]
	check(keyOf(spender.Member) == keyOf(cart), "who may spend from the pool", spender)
	e.put("spender_limit", spender.GetLimit())

	which := &loyaltyrpc.ExplainRequest{Head: e.head, Posting: redemption().ID}
	explained := of(e.client.Explain(ctx, which))
	check(explained.Took[0].GetPoints() == -2, "what the redemption took", explained)
	e.put("took_from_sequence", explained.Took[0].GetSequence())
}

func (e *example) follow() {
	var opened []string
	request := &loyaltyrpc.ChangesRequest{
		Head:         e.head,
		FromSequence: thrift.Int64Ptr(1),
		Limit:        thrift.Int32Ptr(5),
	}
	for {
		page := of(e.client.Changes(ctx, request))
		for _, record := range page.Records {
			if record.GetKind() == int32(loyaltyrpc.Kind_OPEN_MEMBER) {
				opened = append(opened, keyOf(record.Member))
			}
		}
		if page.GetNextSequence() > page.GetDurableSequence() {
			break
		}
		request.FromSequence = page.NextSequence
	}
	e.report["opened"] = strings.Join(opened, ", ")
}

func (e *example) assessTiers() {
	at := thrift.Int64Ptr(noonUs + hourUs)
	started := of(e.client.StartRun(ctx, &loyaltyrpc.StartRunRequest{
		Head:        e.head,
		Kind:        thrift.Int32Ptr(int32(loyaltyrpc.RunKind_TIERS)),
		AtUs:        at,
		KeepChanges: thrift.BoolPtr(true),
	}))
	run := of(e.client.FollowRun(ctx, &loyaltyrpc.FollowRunRequest{
		Head:   e.head,
		RunID:  started.RunID,
		WaitMs: thrift.Int32Ptr(runWaitMs),
	})).Run
	check(run.GetState() == int32(loyaltyrpc.RunState_FINISHED), "the run", run)
	// A run that has ended stays as it is.
	stop := &loyaltyrpc.StopRunRequest{Head: e.head, RunID: started.RunID}
	stopped := of(e.client.StopRun(ctx, stop)).Run
	check(stopped.GetState() == int32(loyaltyrpc.RunState_FINISHED), "the run, stopped", stopped)

	var changes, levels, metrics []string
	which := &loyaltyrpc.RunChangesRequest{Head: e.head, RunID: started.RunID}
	for _, change := range of(e.client.RunChanges(ctx, which)).Changes {
		changes = append(changes, keyOf(change.Member)+" "+change.GetToLevel())
	}
	e.report["changes"] = strings.Join(changes, ", ")

	members := []*loyaltyrpc.MemberKey{zoe}
	who := &loyaltyrpc.TiersRequest{Head: e.head, Members: members, AsOfUs: at}
	tiers := of(e.client.Tiers(ctx, who))
	for _, standing := range tiers.Members[0].Standings {
		levels = append(levels, standing.GetLadder()+" "+standing.GetLevel())
	}
	e.report["levels"] = strings.Join(levels, ", ")

	how := &loyaltyrpc.TierProgressRequest{Head: e.head, Members: members, AsOfUs: at}
	progress := of(e.client.TierProgress(ctx, how))
	for _, ladder := range progress.Members[0].Ladders {
		for _, metric := range ladder.Metrics {
			metrics = append(metrics, fmt.Sprint(metric.GetName(), " ", metric.GetValue()))
		}
	}
	e.report["metrics"] = strings.Join(metrics, ", ")
}

func (e *example) sumUp() {
	for _, t := range of(e.client.Totals(ctx, &loyaltyrpc.TotalsRequest{Head: e.head})).Totals {
		sum := t.GetMembers() + t.GetIssued() + t.GetRedeemed() + t.GetExpired() + t.GetAdjusted()
		check(sum == 0, "the trial balance", t)
		e.put("issued_"+t.GetCurrency(), t.GetIssued())
	}
	digest := of(e.client.Digest(ctx, &loyaltyrpc.DigestRequest{Head: e.head}))
	e.report["digest"] = hex.EncodeToString(digest.Digest)
	e.put("sequence", digest.GetSequence())
}

func (e *example) post(postings ...*loyaltyrpc.Posting) []*loyaltyrpc.PostingReply {
	return of(e.client.Post(ctx, &loyaltyrpc.PostRequest{Head: e.head, Postings: postings})).Replies
}

func (e *example) put(name string, value any) { e.report[name] = fmt.Sprint(value) }

func text(key string) *loyaltyrpc.MemberKey { return &loyaltyrpc.MemberKey{Text: &key} }

func keyOf(member *loyaltyrpc.MemberKey) string {
	if member.IsSetNumber() {
		return fmt.Sprint(member.GetNumber())
	}
	return member.GetText()
}

func posting(kind loyaltyrpc.Kind, member *loyaltyrpc.MemberKey, reference string) *loyaltyrpc.Posting {
	return &loyaltyrpc.Posting{
		ID:          &loyaltyrpc.PostingId{Reference: &reference},
		Kind:        thrift.Int32Ptr(int32(kind)),
		Member:      member,
		EffectiveUs: thrift.Int64Ptr(noonUs),
	}
}

// One whose id is a UUID.
func redemption() *loyaltyrpc.Posting {
	id := of(hex.DecodeString("018f33f0a8007000800000000000002a"))
	redeem := posting(loyaltyrpc.Kind_REDEEM, zoe, "")
	redeem.ID = &loyaltyrpc.PostingId{ID: id}
	redeem.Points = thrift.Int64Ptr(2)
	return redeem
}

func of[T any](answer T, err error) T {
	must(err)
	return answer
}

func must(err error) { check(err == nil, "a call failed", err) }

func check(holds bool, what string, seen any) {
	if !holds {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, seen)
		os.Exit(1)
	}
}
