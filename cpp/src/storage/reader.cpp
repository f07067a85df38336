#include "storage/reader.h"

#include <array>
#include <map>
#include <utility>

#include "base/mutex.h"
#include "storage/batch.h"

namespace loyalty::storage {
namespace {

// Records of a family by key; null: deleted. Never changed once others may see it.
using Layer = std::map<std::string, std::shared_ptr<const std::string>, std::less<>>;
using LayerPtr = std::shared_ptr<const Layer>;

// Two sorted sequences as one; where both have a key, what is above counts.
class MergedCursor final : public Cursor {
 public:
  MergedCursor(std::unique_ptr<Cursor> below, LayerPtr above, std::string_view from,
               std::string_view to)
      : below_(std::move(below)),
        above_(std::move(above)),
        at_(above_->lower_bound(from)),
        end_(to.empty() ? above_->end() : above_->lower_bound(to)) {
    Settle();
  }

  bool Valid() const override { return place_ != Place::kNone; }
  std::string_view key() const override {
    return place_ == Place::kAbove ? std::string_view(at_->first) : below_->key();
  }
  std::string_view value() const override {
    return place_ == Place::kAbove ? std::string_view(*at_->second) : below_->value();
  }
  void Next() override {
    if (place_ == Place::kAbove) {
      ++at_;
    } else {
      below_->Next();
    }
    Settle();
  }
  void Seek(std::string_view key) override {
    below_->Seek(key);
    const auto found = above_->lower_bound(key);
    at_ = found == above_->end() || (end_ != above_->end() && found->first > end_->first) ? end_
                                                                                          : found;
    Settle();
  }
  Status status() const override { return below_->status(); }

 private:
  enum class Place { kNone, kBelow, kAbove };

  // To the first record from here on that is not deleted.
  void Settle() {
    for (;;) {
      const bool is_above = at_ != end_ && (!below_->Valid() || at_->first <= below_->key());
      if (!below_->Valid() && (!is_above || !below_->status().ok())) {
        place_ = Place::kNone;
        return;
      }
      if (!is_above) {
        place_ = Place::kBelow;
        return;
      }
      if (below_->Valid() && at_->first == below_->key()) below_->Next();
      if (at_->second != nullptr) {
        place_ = Place::kAbove;
        return;
      }
      ++at_;
    }
  }

  const std::unique_ptr<Cursor> below_;
  const LayerPtr above_;
  Layer::const_iterator at_;
  const Layer::const_iterator end_;
  Place place_ = Place::kNone;
};

Status ReadsOnly() {
  return {StatusCode::kReadOnly, "the ledger was opened read-only; open it without that to write"};
}

}  // namespace

class ReaderStore final : public Store {
 public:
  explicit ReaderStore(std::unique_ptr<Store> below) : below_(std::move(below)) {
    MutexLock lock(mutex_);
    layers_.fill(std::make_shared<const Layer>());
  }

  Status Write(Batch batch, Durability durability) override EXCLUDES(writer_) {
    if (durability == Durability::kSynced) return ReadsOnly();
    MutexLock lock(writer_);
    std::array<std::shared_ptr<Layer>, kFamilies> changed;
    for (Batch::Rep::Change& change : batch.rep_->changes) {
      std::shared_ptr<Layer>& layer = changed[size_t(change.family)];
      if (!layer) layer = std::make_shared<Layer>(*LayerOf(change.family));
      LOYALTY_RETURN_IF_ERROR(Make(std::move(change), layer.get()));
    }
    MutexLock seen(mutex_);
    for (size_t f = 0; f < kFamilies; ++f) {
      if (changed[f]) layers_[f] = std::move(changed[f]);
    }
    return {};
  }
  Status Flush(Family) override { return {}; }
  Status Purge(Family, std::string_view, std::string_view) override { return ReadsOnly(); }

  Result<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    const LayerPtr layer = LayerOf(family);
    const auto found = layer->find(key);
    if (found == layer->end()) return below_->Get(family, key);
    return found->second ? std::optional(*found->second) : std::nullopt;
  }

  Result<std::optional<Found>> FindLast(Family family, std::string_view key) const override {
    if (LayerOf(family)->empty()) return below_->FindLast(family, key);
    // Cursors go forward only, so this walks all before it: what is asked often, the journal, has nothing above.
    const std::string after = std::string(key) + '\0';
    LOYALTY_ASSIGN_OR_RETURN(const auto at, NewCursor(family, "", after));
    std::optional<Found> last;
    for (; at->Valid(); at->Next()) last = Found{std::string(at->key()), std::string(at->value())};
    LOYALTY_RETURN_IF_ERROR(at->status());
    return last;
  }

  Result<std::unique_ptr<Cursor>> NewCursor(Family family, std::string_view from,
                                            std::string_view to) const override {
    LayerPtr layer = LayerOf(family);
    LOYALTY_ASSIGN_OR_RETURN(auto below, below_->NewCursor(family, from, to));
    if (layer->empty()) return below;
    return std::unique_ptr<Cursor>(
        std::make_unique<MergedCursor>(std::move(below), std::move(layer), from, to));
  }

  uint64_t FileBytes(Family family) const override { return below_->FileBytes(family); }
  Pressure GetPressure() const override { return below_->GetPressure(); }

  // Of files that are open, as any reading does: those of the names may be gone by now.
  Status VerifyChecksums() const override {
    for (int f = 0; f < kFamilies; ++f) {
      LOYALTY_RETURN_IF_ERROR(below_->Scan(Family(f), "", "", [](auto, auto) { return true; }));
    }
    return {};
  }

  Status Close() override { return below_->Close(); }

 private:
  LayerPtr LayerOf(Family family) const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return layers_[size_t(family)];
  }

  Status Make(Batch::Rep::Change change, Layer* layer) const {
    switch (change.kind) {
      case Batch::Rep::Kind::kPut:
        (*layer)[std::move(change.key)] =
            std::make_shared<const std::string>(std::move(change.value));
        return {};
      case Batch::Rep::Kind::kDelete: (*layer)[std::move(change.key)] = nullptr; return {};
      case Batch::Rep::Kind::kDeleteRange: break;
    }
    const auto end = layer->lower_bound(change.value);
    for (auto at = layer->lower_bound(change.key); at != end; ++at) at->second = nullptr;
    return below_->Scan(change.family, change.key, change.value, [&](std::string_view key, auto) {
      (*layer)[std::string(key)] = nullptr;
      return true;
    });
  }

  const std::unique_ptr<Store> below_;
  Mutex writer_;  // one at a time
  mutable Mutex mutex_;
  std::array<LayerPtr, kFamilies> layers_ GUARDED_BY(mutex_);
};

std::unique_ptr<Store> MakeReader(std::unique_ptr<Store> below) {
  return std::make_unique<ReaderStore>(std::move(below));
}

}  // namespace loyalty::storage
