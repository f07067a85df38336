// What the rules of points cost: posting with 1, 4 and 16 open lots a member, redemptions over many lots, holds and
// captures, an expiry run. Prints rates as JSON.
//
//   points_bench --dir=D [--members=N --postings=N --lots=N]
//
// --lots is how many the expiry run journals. Each part has a ledger of its own in D.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flags.h"
#include "loyalty/ledger.h"
#include "posting_loop.h"
#include "workload.h"

namespace loyalty::bench {
namespace {

constexpr uint64_t kManyLots = 16;

struct Sizes {
  std::string directory;
  uint64_t members = 0;
  uint64_t postings = 0;
  uint64_t lots = 0;
};

// A ledger with members 0 to members - 1, and ids for what is posted to it.
class Shop {
 public:
  Shop(const std::string& directory, uint64_t members) : members_(members) {
    Check(Ledger::Create(directory, {"points"}));
    ledger_ = Check(Ledger::Open(directory));
    (void)Post(members, [](uint64_t i, Posting* posting) {
      posting->kind = Kind::kOpenMember;
      posting->member = KeyOfMember(i);
    });
  }
  Ledger* ledger() { return ledger_.get(); }

  // Posts `count` postings: fill(i, posting) has id and time set already. Returns postings a second.
  template <typename Fill>
  double Post(uint64_t count, Fill fill) {
    LoopOptions loop;
    loop.postings = count;
    loop.threads = 1;
    const uint64_t first_id = next_id_;
    next_id_ += count;
    PostingLoop run(ledger_.get(), loop, [&](uint64_t first, std::span<Posting> postings) {
      for (size_t i = 0; i < postings.size(); ++i) {
        postings[i] = {};
        postings[i].id = {(first_id + first + i) << 16, Mix(first_id + first + i) | 1};
        postings[i].effective_us = kStart_us;
        fill(first + i, &postings[i]);
      }
    });
    const LoopResult result = run.Run();
    if (result.taken() != count) Die("not all postings were taken");
    return double(count) / result.elapsed_s;
  }

  // `lots` of 100 points for each member, that expire a day after each other from `from_us` on.
  double GiveLots(uint64_t lots, int64_t from_us) {
    return Post(members_ * lots, [&](uint64_t i, Posting* posting) {
      posting->kind = Kind::kEarn;
      posting->member = KeyOfMember(i % members_);
      posting->points = 100;
      posting->expires_us = from_us + int64_t(i / members_) * kDay_us;
    });
  }

 private:
  const uint64_t members_;
  std::unique_ptr<Ledger> ledger_;
  uint64_t next_id_ = 1;
};

// 85 % earns and 15 % redemptions of members that have `lots` each.
void PostWithLots(const Sizes& sizes, uint64_t lots, Json* json) {
  Shop shop(sizes.directory + "/lots" + std::to_string(lots), sizes.members);
  (void)shop.GiveLots(lots, kStart_us + kYear_us);
  Random random(1);
  const double per_s = shop.Post(sizes.postings, [&](uint64_t, Posting* posting) {
    const bool redeem = random.Below(100) < kRedeemPercent;
    posting->kind = redeem ? Kind::kRedeem : Kind::kEarn;
    posting->member = KeyOfMember(random.Below(sizes.members));
    posting->points = redeem ? 50 : 9;
    if (!redeem) posting->expires_us = kStart_us + 3 * kYear_us;
  });
  json->Add("lots" + std::to_string(lots) + "_per_s", per_s);
}

// Each takes all of a member's lots.
void RedeemOverManyLots(const Sizes& sizes, Json* json) {
  const uint64_t members = sizes.members / 4;
  Shop shop(sizes.directory + "/redeem", members);
  (void)shop.GiveLots(kManyLots, kStart_us + kYear_us);
  const double per_s = shop.Post(members, [&](uint64_t i, Posting* posting) {
    posting->kind = Kind::kRedeem;
    posting->member = KeyOfMember(i);
    posting->points = 100 * int64_t(kManyLots);
  });
  json->Add("redeem_many_per_s", per_s);
}

// A hold for each member, then a capture of half of it.
void HoldAndCapture(const Sizes& sizes, Json* json) {
  Shop shop(sizes.directory + "/holds", sizes.members);
  (void)shop.GiveLots(1, kStart_us + kYear_us);
  const Terms until{.deadline_us = kStart_us + kDay_us};
  std::vector<Id> holds(sizes.members);
  json->Add("hold_per_s", shop.Post(sizes.members, [&](uint64_t i, Posting* posting) {
    posting->kind = Kind::kHold;
    posting->member = KeyOfMember(i);
    posting->points = 80;
    posting->terms = &until;
    holds[i] = posting->id;
  }));
  json->Add("capture_per_s", shop.Post(sizes.members, [&](uint64_t i, Posting* posting) {
    posting->kind = Kind::kCapture;
    posting->member = KeyOfMember(i);
    posting->points = 40;
    posting->related = holds[i];
  }));
}

// A dry run and a run that journal every lot.
void Expire(const Sizes& sizes, Json* json) {
  const uint64_t each = 10;
  Shop shop(sizes.directory + "/expire", sizes.lots / each);
  (void)shop.GiveLots(each, kStart_us + kDay_us);
  for (bool dry_run : {true, false}) {
    const double begin_s = Now_s();
    const ExpiryReport report =
        Check(shop.ledger()->Expire(kStart_us + kYear_us, dry_run, nullptr));
    uint64_t lots = 0;
    for (const ExpiryReport::Line& line : report.lines) lots += line.entries;
    if (lots != sizes.lots / each * each) Die("the run did not find all lots");
    json->Add(dry_run ? "expire_dry_per_s" : "expire_per_s", double(lots) / (Now_s() - begin_s));
  }
}

int Main(int count, char** arguments) {
  const Flags flags(count, arguments);
  Sizes sizes{flags.Text("dir", ""), flags.Number("members", 1'000'000),
              flags.Number("postings", 4'000'000), flags.Number("lots", 10'000'000)};
  if (sizes.directory.empty()) Die("--dir is required");
  Json json;
  for (uint64_t lots : {1, 4, 16}) PostWithLots(sizes, lots, &json);
  RedeemOverManyLots(sizes, &json);
  HoldAndCapture(sizes, &json);
  Expire(sizes, &json);
  json.Print();
  return 0;
}

}  // namespace
}  // namespace loyalty::bench

int main(int count, char** arguments) { return loyalty::bench::Main(count, arguments); }
