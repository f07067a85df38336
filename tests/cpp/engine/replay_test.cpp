// The same journal gives the same state, whatever the way to it.
#include <set>
#include <thread>

#include "engine/directory.h"
#include "engine/ledger_fixture.h"
#include "engine/recovery.h"
#include "engine/workload.h"
#include "ledger/recut.h"

namespace loyalty::engine {
namespace {

constexpr int64_t kMembers = 1100;  // more than one page
constexpr int64_t kBusy = 12;       // of them
constexpr size_t kPostings = 4'000;

std::string ProgramJson(const std::string& reversal, const std::string& transfer, int days) {
  return R"({"format":1,"name":"Shop","time_zone":"Europe/Paris","currencies":[{"name":"points",)"
         R"("decimals":0,"expiry":{"model":"rolling","days":)" +
         std::to_string(days) +
         R"(,"months":0,"round_up":"day"},"pending":null,"floor":0,"ceiling":null,)"
         R"("over_ceiling":"clip","reversal":")" +
         reversal + R"(","return_of_expired_days":2,"reinstate_within_days":0,"transfer":")" +
         transfer + R"("}],"rules":[],"ladders":[]})";
}

// All that a journal comes to.
struct Image {
  std::vector<std::string> pages;
  std::vector<ledger::CurrencyTotals> totals;
  std::vector<std::string> names;  // members' keys, codes, currencies, programmes
  uint64_t sequence = 0;
  uint64_t open_holds = 0;
  bool operator==(const Image&) const = default;
};

Image ImageOf(const ledger::State& state) {
  const ledger::Summary summary = state.Summarize();
  Image image{ledger::Bytes(state), summary.totals, summary.currencies, summary.sequence,
              state.open_holds};
  for (uint32_t m = 0; m < summary.members; ++m) image.names.push_back(ToString(state.keys.At(m)));
  for (uint32_t c = 0; c < summary.codes; ++c) image.names.push_back(state.codes.At(c));
  for (const std::string& program : summary.programs) image.names.push_back(program);
  return image;
}

Image Replayed(const journal::Group& all, size_t block) {
  ledger::State state;
  for (size_t first = 0; first < all.entries.size(); first += block) {
    EXPECT_TRUE(ledger::ApplyGroup(ledger::Slice(all, first, block), UINT64_MAX, &state).ok());
  }
  return ImageOf(state);
}

struct Way {
  int threads;
  uint32_t segment_entries;
  uint64_t checkpoint_entries;
  bool erases;  // which makes a checkpoint, too
};

class ReplayTest : public LedgerTest, public testing::WithParamInterface<Way> {
 protected:
  void Live() {
    Post([] {
      std::vector<Posting> openings;
      for (int64_t m = 0; m < kMembers; ++m) openings.push_back(Open(uint64_t(m) + 1, m));
      return openings;
    }());
    const uint32_t who = *Intern("clerk");
    if (GetParam().erases) {
      Posting erase = Request(Kind::kEraseMember, 2'000'000, MemberKey(kMembers - 1));
      erase.codes.actor = erase.codes.reason = who;
      Post({erase, Open(2'000'001, kMembers - 1)});
    }
    std::vector<std::thread> threads;
    for (int t = 0; t < GetParam().threads; ++t) {
      threads.emplace_back([this, t, who] {
        Workload workload(uint64_t(t), kBusy, kNoon_us, who);
        for (size_t done = 0; done < kPostings / size_t(GetParam().threads); done += 40) {
          Post(workload.Batch(40));
        }
      });
    }
    for (int day = 0; day < 20; ++day) {
      const bool even = day % 2 == 0;
      const std::string program = ProgramJson(even ? "arrears" : "stop_at_zero",
                                              even ? "restart_expiry" : "keep_expiry", 3 + day);
      EXPECT_TRUE(ledger_->ApplyProgram(program, {}).ok());
      EXPECT_TRUE(ledger_->Expire(kNoon_us + day * 86'400'000'000, false, nullptr).ok());
    }
    for (std::thread& thread : threads) thread.join();
  }
  // The whole journal of the closed ledger, as one block.
  journal::Group WholeJournal() {
    journal::Group all;
    all.first_sequence = 1;
    auto store = storage::Store::Open(StorePath(path_), {false, nullptr});
    EXPECT_TRUE(store.ok());
    const auto take = [&](const journal::BlockView& view, std::string_view) -> Status {
      journal::Group group;
      view.Read(&group);
      LOYALTY_RETURN_IF_ERROR(journal::KeyRecords(store->get()).Unseal(&group));
      ledger::Append(group, &all);
      return {};
    };
    EXPECT_TRUE(journal::Journal(store->get()).Scan(1, UINT64_MAX, nullptr, take).ok());
    return all;
  }
};

TEST_P(ReplayTest, EveryWayToTheStateGivesTheSameBytes) {
  options_.segment_entries = GetParam().segment_entries;
  options_.checkpoint_entries = GetParam().checkpoint_entries;
  Reopen();
  Live();
  ExpectVerified();  // the live state is that of replaying its blocks
  ledger_.reset();
  const journal::Group all = WholeJournal();
  const Image whole = Replayed(all, all.entries.size());
  EXPECT_EQ(whole.sequence, all.entries.size());
  EXPECT_GE(whole.pages.size(), 2u);
  std::set<Kind> posted;
  for (const Entry& entry : all.entries) {
    if (IsPosted(entry.status)) posted.insert(entry.kind);
  }
  EXPECT_EQ(posted.size(), GetParam().erases ? 24u : 23u) << "of all kinds that there are";
  for (const size_t block : {1, 97, 1'000}) EXPECT_TRUE(Replayed(all, block) == whole) << block;
  // Checkpoint and tail.
  auto store = storage::Store::Open(StorePath(path_), {false, nullptr});
  ASSERT_OK(store.status());
  auto head = journal::HeadFile::Open(HeadPath(path_));
  ASSERT_OK(head.status());
  Core core(path_, options_, std::move(store).value(), std::move(head).value());
  ASSERT_OK(Recover(&core, UINT64_MAX).status());
  EXPECT_TRUE(ImageOf(*core.state) == whole);
  const bool checkpointed = GetParam().checkpoint_entries < kPostings;
  EXPECT_EQ(core.checkpoint_sequence > 0, checkpointed);
  EXPECT_EQ(core.replayed_entries > 0, core.checkpoint_sequence < whole.sequence);
}

TEST_P(ReplayTest, ARefusedPostingChangesNoByte) {
  Live();
  ledger_.reset();
  const journal::Group all = WholeJournal();
  ledger::State state;
  size_t refused = 0;
  for (size_t i = 0; i < all.entries.size(); ++i) {
    const Entry& entry = all.entries[i];
    const bool passed_over = IsPosted(entry.status) || entry.member == Entry::kNoMember;
    const auto bytes = [&] {
      return passed_over ? std::string() : EncodePage(*state.PageOf(entry.member));
    };
    const std::string before = bytes();
    const auto totals = state.totals;
    ASSERT_OK(ledger::ApplyGroup(ledger::Slice(all, i, 1), UINT64_MAX, &state));
    if (passed_over) continue;
    ++refused;
    ASSERT_TRUE(bytes() == before && state.totals == totals) << ToString(entry.status);
  }
  EXPECT_GT(refused, kPostings / 10);
}

INSTANTIATE_TEST_SUITE_P(Ways, ReplayTest,
                         testing::Values(Way{1, 1u << 20, 1u << 20, false}, Way{4, 300, 900, true}),
                         [](const auto& way) { return std::to_string(way.param.threads); });

}  // namespace
}  // namespace loyalty::engine
