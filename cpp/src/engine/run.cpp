#include "engine/run.h"

#include <utility>

namespace loyalty::engine {

Result<uint64_t> NoteRun(Pipeline* pipeline, Kind kind, const std::string& name, int64_t at_us,
                         uint64_t started) {
  Reply reply;
  auto batch = std::make_shared<Batch>();
  batch->replies = &reply;
  Entry& entry = batch->entries.emplace_back();
  entry.kind = kind;
  entry.effective_us = at_us;
  entry.related = started;
  batch->texts.push_back({0, name});
  LOYALTY_RETURN_IF_ERROR(pipeline->Submit(batch));
  LOYALTY_RETURN_IF_ERROR(batch->Wait());
  return reply.sequence;
}

Status InFlight::Submit(std::shared_ptr<Batch> batch) {
  LOYALTY_RETURN_IF_ERROR(pipeline_->Submit(batch));
  batches_.push_back(std::move(batch));
  return batches_.size() < most_ ? Status() : FinishOldest();
}

Status InFlight::Finish() {
  Status status;
  while (!batches_.empty()) {
    const Status finished = FinishOldest();
    if (status.ok()) status = finished;
  }
  return status;
}

Status InFlight::FinishOldest() {
  const auto oldest = std::move(batches_.front());
  batches_.pop_front();
  return oldest->Wait();
}

}  // namespace loyalty::engine
