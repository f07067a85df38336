#include "storage/batch.h"

namespace loyalty::storage {

Batch::Batch() : rep_(std::make_unique<Rep>()) {}
Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;

void Batch::Put(Family family, std::string_view key, std::string_view value) {
  rep_->Add(Rep::Kind::kPut, family, key, value);
}

void Batch::Delete(Family family, std::string_view key) {
  rep_->Add(Rep::Kind::kDelete, family, key, {});
}

void Batch::DeleteRange(Family family, std::string_view from, std::string_view to) {
  rep_->Add(Rep::Kind::kDeleteRange, family, from, to);
}

size_t Batch::bytes() const { return rep_->bytes; }

}  // namespace loyalty::storage
