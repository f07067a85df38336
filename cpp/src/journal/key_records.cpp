#include "journal/key_records.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/random.h"

namespace loyalty::journal {

// The keys of one block, in order.
struct KeyRecord {
  struct Key {
    std::string salt;
    std::string stored;  // empty: erased
  };
  uint32_t first = 0;  // slot
  std::vector<Key> keys;

  uint32_t end() const { return first + uint32_t(keys.size()); }
  void Erase(uint32_t slot) { keys[slot - first] = {}; }
};

namespace {

using storage::Batch;
using storage::Family;

constexpr std::string_view kMagic = "LYK1";
constexpr size_t kBodyAt = 12;
constexpr size_t kSaltBytes = 16;
// Behind all slots.
constexpr std::string_view kLastErasedKey("\xff\xff\xff\xffl", 5);
constexpr std::string_view kPurgedKey("\xff\xff\xff\xffp", 5);

Status Damaged(const std::string& what) {
  return {StatusCode::kCorruption, "members' keys: " + what};
}

std::string Sealed(std::string_view body) {
  std::string out(kMagic);
  AppendLittle(&out, Checksum(body));
  out += body;
  return out;
}

// The body; empty when the value is damaged.
std::string_view Unsealed(std::string_view value) {
  if (value.size() <= kBodyAt || value.substr(0, 4) != kMagic ||
      LoadLittle<uint64_t>(value.data() + 4) != Checksum(value.substr(kBodyAt))) {
    return {};
  }
  return value.substr(kBodyAt);
}

// The digest of salt and key; the hash is its beginning.
std::string_view HashIn(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), kKeyHashBytes};
}

// The members of a record; calls visit(slot, salt, key) for each, with empty ones when he was erased.
template <typename Visit>
Result<uint32_t> ReadRecord(uint32_t first, std::string_view value, Visit visit) {
  const auto damaged = [&] {
    return Damaged("the record from member " + std::to_string(first) + " on is damaged");
  };
  std::string_view body = Unsealed(value);
  if (body.size() < 8 || LoadLittle<uint32_t>(body.data()) != first) return damaged();
  const auto members = LoadLittle<uint32_t>(body.data() + 4);
  body.remove_prefix(8);
  for (uint32_t i = 0; i < members; ++i) {
    const size_t length = body.empty() ? 0 : uint8_t(body[0]);
    const size_t salt_bytes = length == 0 ? 0 : kSaltBytes;
    if (body.size() < 1 + salt_bytes + length) return damaged();
    visit(first + i, body.substr(1, salt_bytes), body.substr(1 + salt_bytes, length));
    body.remove_prefix(1 + salt_bytes + length);
  }
  return body.empty() ? Result<uint32_t>(members) : damaged();
}

Result<KeyRecord> Decode(uint32_t first, std::string_view value) {
  KeyRecord record{first, {}};
  const auto add = [&](uint32_t, std::string_view salt, std::string_view key) {
    record.keys.push_back({std::string(salt), std::string(key)});
  };
  LOYALTY_RETURN_IF_ERROR(ReadRecord(first, value, add).status());
  return record;
}

// Calls visit(slot, text) for each opening that was posted, and refused(text) for the others.
template <typename Visit, typename Refused>
void ForEachOpening(Group* group, Visit visit, Refused refused) {
  if (group->texts.empty()) return;
  auto text = group->texts.begin();
  for (const Entry& entry : group->entries) {
    if (!HasText(entry.kind)) continue;
    if (entry.kind == Kind::kOpenMember) {
      IsPosted(entry.status) ? visit(entry.member, &*text) : refused(&*text);
    }
    ++text;
  }
}

// What of a record comes before its keys: slot of the first member, and how many they are.
std::string Beginning(uint32_t first, uint32_t members) {
  std::string body;
  AppendLittle(&body, first);
  AppendLittle(&body, members);
  return body;
}

void AppendKey(std::string_view salt, std::string_view key, std::string* body) {
  *body += char(key.size());
  if (key.empty()) return;
  *body += salt;
  *body += key;
}

std::string Encode(const KeyRecord& record) {
  std::string body = Beginning(record.first, uint32_t(record.keys.size()));
  for (const KeyRecord::Key& key : record.keys) AppendKey(key.salt, key.stored, &body);
  return Sealed(body);
}

// The record of what a group opens. An empty value: it opens nobody.
struct OwnRecord {
  uint32_t first = 0;
  std::string value;
};

// Takes the keys out of the group's texts, leaving their hashes.
OwnRecord TakeKeys(Group* group) {
  if (group->texts.empty()) return {};
  uint32_t first = 0;
  uint32_t members = 0;
  std::string salts(group->texts.size() * kSaltBytes, '\0');
  FillRandom(salts.data(), salts.size());
  std::string keys;
  keys.reserve(group->texts.size() * (1 + kSaltBytes + 9));
  const auto take = [&](uint32_t slot, std::string* text) {
    if (members == 0) first = slot;
    const auto salt = std::string_view(salts).substr(members++ * kSaltBytes, kSaltBytes);
    AppendKey(salt, *text, &keys);
    *text = HashIn(Sha256({salt, *text}));
  };
  ForEachOpening(group, take, [](std::string* text) { text->clear(); });
  if (members == 0) return {};
  return {first, Sealed(Beginning(first, members) + keys)};
}

std::string SealedSequence(uint64_t sequence) {
  std::string body;
  AppendLittle(&body, sequence);
  return Sealed(body);
}

}  // namespace

void KeyRecords::SealOpenings(Group* group, Batch* batch) {
  const OwnRecord own = TakeKeys(group);
  if (!own.value.empty()) batch->Put(Family::kKeys, BigKey(own.first), own.value);
}

Status KeyRecords::SealErasing(Group* group, Batch* batch) {
  std::map<uint32_t, KeyRecord> changed;  // by first slot
  const OwnRecord own = TakeKeys(group);
  if (!own.value.empty()) {
    LOYALTY_ASSIGN_OR_RETURN(changed[own.first], Decode(own.first, own.value));
  }
  for (const Entry& entry : group->entries) {
    if (entry.kind != Kind::kEraseMember || !IsPosted(entry.status)) continue;
    const uint32_t slot = entry.member;
    auto after = changed.upper_bound(slot);
    if (after == changed.begin() || slot >= std::prev(after)->second.end()) {
      LOYALTY_ASSIGN_OR_RETURN(KeyRecord record, Find(slot));
      after = std::next(changed.emplace(record.first, std::move(record)).first);
    }
    std::prev(after)->second.Erase(slot);
  }
  for (const auto& [first, record] : changed) {
    batch->Put(Family::kKeys, BigKey(first), Encode(record));
  }
  batch->Put(Family::kKeys, kLastErasedKey, SealedSequence(group->next_sequence() - 1));
  return {};
}

Result<KeyRecord> KeyRecords::Find(uint32_t slot) const {
  LOYALTY_ASSIGN_OR_RETURN(const auto found, store_->FindLast(Family::kKeys, BigKey(slot)));
  const Status missing = Damaged("there is no record of member " + std::to_string(slot));
  if (!found) return missing;
  LOYALTY_ASSIGN_OR_RETURN(KeyRecord record,
                           Decode(LoadBig<uint32_t>(found->key.data()), found->value));
  return slot < record.end() ? Result<KeyRecord>(std::move(record)) : missing;
}

Status KeyRecords::Unseal(Group* group) const {
  std::vector<std::string*> hashes;  // by slot
  uint32_t first = 0;
  const auto add = [&](uint32_t slot, std::string* hash) {
    if (hashes.empty()) first = slot;
    hashes.push_back(hash);
  };
  ForEachOpening(group, add, [](std::string*) {});
  if (hashes.empty()) return {};
  LOYALTY_ASSIGN_OR_RETURN(const auto value, store_->Get(Family::kKeys, BigKey(first)));
  if (!value) return Damaged("the record from member " + std::to_string(first) + " on is missing");
  Status fault;
  const auto put_back = [&](uint32_t slot, std::string_view salt, std::string_view key) {
    if (slot - first >= hashes.size()) return;
    std::string* const hash = hashes[slot - first];
    if (!key.empty() && HashIn(Sha256({salt, key})) != *hash) {
      fault =
          Damaged("that of member " + std::to_string(slot) + " is not the one that was journaled");
    }
    *hash = key;
  };
  LOYALTY_ASSIGN_OR_RETURN(const uint32_t members, ReadRecord(first, *value, put_back));
  if (members != hashes.size()) return Damaged("a record has not the members of its block");
  return fault;
}

Result<KeyRecords::Erasures> KeyRecords::ReadErasures() const {
  Erasures erasures;
  for (auto [key, sequence] :
       {std::pair(kLastErasedKey, &erasures.erased), std::pair(kPurgedKey, &erasures.purged)}) {
    LOYALTY_ASSIGN_OR_RETURN(const auto value, store_->Get(Family::kKeys, key));
    if (!value) continue;
    const std::string_view body = Unsealed(*value);
    if (body.size() != 8) return Damaged("the record of what was erased is damaged");
    *sequence = LoadLittle<uint64_t>(body.data());
  }
  return erasures;
}

Status KeyRecords::WritePurged(uint64_t sequence) {
  Batch batch;
  batch.Put(Family::kKeys, kPurgedKey, SealedSequence(sequence));
  return store_->Write(std::move(batch), storage::Durability::kSynced);
}

}  // namespace loyalty::journal
