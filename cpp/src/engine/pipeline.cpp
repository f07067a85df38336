#include "engine/pipeline.h"

#include "base/thread_name.h"

namespace loyalty::engine {

Pipeline::Pipeline(Core* core, ids::UnsealedIds recent, std::function<void()> after_commit)
    : core_(core),
      after_commit_(std::move(after_commit)),
      decider_(core, std::move(recent)),
      committer_(core),
      deciding_([this] { DecideLoop(); }),
      committing_thread_([this] { CommitLoop(); }) {}

Status Pipeline::Submit(std::shared_ptr<Batch> batch) {
  if (core_->options.read_only && !batch->inspect) return core_->ReadsOnly();
  LOYALTY_RETURN_IF_ERROR(core_->durable.failure());
  const size_t postings = batch->entries.size();
  MutexLock lock(mutex_);
  while (!stopping_ && queued_postings_ > 0 &&
         queued_postings_ + postings > core_->options.queue_capacity) {
    not_full_.Wait(mutex_);
  }
  if (stopping_) return {StatusCode::kClosed, "the ledger was closed"};
  queued_postings_ += postings;
  queue_.push_back(std::move(batch));
  work_.NotifyOne();
  return {};
}

Status Pipeline::Inspect(std::function<void()> inspect) {
  auto batch = std::make_shared<Batch>();
  batch->inspect = std::move(inspect);
  LOYALTY_RETURN_IF_ERROR(Submit(batch));
  return batch->Wait();
}

void Pipeline::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    work_.NotifyAll();
    not_full_.NotifyAll();
  }
  if (deciding_.joinable()) deciding_.join();
  if (committing_thread_.joinable()) committing_thread_.join();
}

void Pipeline::DecideLoop() {
  NameThisThread("loyalty-decide");
  while (const std::shared_ptr<Batch> batch = NextBatch()) decider_.Process(batch);
}

bool Pipeline::MayHandOver() {
  if (!decider_.HasOpenGroup() || handed_over_) return false;
  return !committing_ || decider_.IsGroupFull();
}

std::shared_ptr<Batch> Pipeline::NextBatch() {
  MutexLock lock(mutex_);
  for (;;) {
    if (!queue_.empty() && !decider_.IsGroupFull()) {
      std::shared_ptr<Batch> batch = std::move(queue_.front());
      queue_.pop_front();
      queued_postings_ -= batch->entries.size();
      not_full_.NotifyAll();
      return batch;
    }
    if (MayHandOver()) {
      handed_over_ = decider_.CloseGroup();
      closed_.NotifyOne();
      continue;
    }
    if (stopping_ && queue_.empty() && !decider_.HasOpenGroup()) {
      decided_all_ = true;
      closed_.NotifyOne();
      return nullptr;
    }
    work_.Wait(mutex_);
  }
}

void Pipeline::CommitLoop() {
  NameThisThread("loyalty-commit");
  for (;;) {
    std::shared_ptr<OpenGroup> group;
    {
      MutexLock lock(mutex_);
      committing_ = false;
      work_.NotifyOne();
      while (!handed_over_ && !decided_all_) closed_.Wait(mutex_);
      if (!handed_over_) return;
      group = std::move(handed_over_);
      committing_ = true;
      work_.NotifyOne();
    }
    committer_.Commit(std::move(group));
    after_commit_();
  }
}

}  // namespace loyalty::engine
