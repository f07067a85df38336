// A writer process killed with SIGKILL at random moments, again and again on the same ledger.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "engine/crash/workload.h"
#include "engine/ledger_fixture.h"

namespace loyalty::engine {
namespace {

constexpr int kKills = 100;

// Runs the writer for `milliseconds`, kills it, and returns the batches it had acknowledged.
std::set<uint64_t> RunAndKill(const std::string& ledger, uint64_t first, int milliseconds) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const std::string number = std::to_string(first);
  std::string program = CRASH_WRITER;
  char* arguments[] = {program.data(), const_cast<char*>(ledger.c_str()),
                       const_cast<char*>(number.c_str()), nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, CRASH_WRITER, &actions, nullptr, arguments, environ) != 0) std::abort();
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::set<uint64_t> acknowledged;
  uint64_t batch = 0;
  // From the first acknowledgement on, so that every kill hits a writer at work.
  if (read(ends[0], &batch, sizeof batch) == sizeof batch) acknowledged.insert(batch);
  usleep(useconds_t(milliseconds) * 1000);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << status;
  while (read(ends[0], &batch, sizeof batch) == sizeof batch) acknowledged.insert(batch);
  close(ends[0]);
  return acknowledged;
}

class KillTest : public LedgerTest {
 protected:
  // Every posting of the batch again: what is there already? All of an acknowledged one must be.
  void Settle(uint64_t number, bool acknowledged) {
    const auto batch = CrashBatch(number);
    const auto replies = Post(batch);
    for (size_t i = 0; i < batch.size(); ++i) {
      const PostingStatus status = replies[i].status;
      if (status == PostingStatus::kPosted && !acknowledged) continue;
      ASSERT_EQ(ToString(status), "already_exists") << "batch " << number << " row " << i;
    }
    for (const Posting& posting : batch) expected_[size_t(posting.member.number)] += posting.points;
  }
  std::vector<int64_t> expected_ = std::vector<int64_t>(kCrashMembers);
};

TEST_F(KillTest, EveryAcknowledgedPostingIsThere) {
  options_ = CrashOptions();
  Reopen();
  Post(CrashBatch(0));
  std::mt19937_64 random(5);
  uint64_t first = 1;
  for (int round = 0; round < kKills; ++round) {
    ledger_.reset();
    const auto acknowledged = RunAndKill(path_, first, int(random() % 40));
    ASSERT_FALSE(acknowledged.empty());
    const uint64_t last = *acknowledged.rbegin();
    Reopen();
    // Two threads: at most two batches beyond the last acknowledged may have come in.
    for (uint64_t number = first; number <= last + 2; ++number) {
      ASSERT_NO_FATAL_FAILURE(Settle(number, acknowledged.count(number)));
    }
    first = last + 3;
    for (int64_t m = 0; m < kCrashMembers; ++m) ASSERT_EQ(BalanceOf(m), expected_[size_t(m)]);
    if (round % 10 == 9) {
      ASSERT_NO_FATAL_FAILURE(ExpectVerified());
    }
  }
}

}  // namespace
}  // namespace loyalty::engine
