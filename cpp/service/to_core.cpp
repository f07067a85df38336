#include "to_core.h"

#include <algorithm>

#include "faults.h"
#include "loyalty/text.h"
#include "wire/points.h"

namespace loyalty::service {
namespace {

constexpr size_t kIdBytes = 16;

Kind ToKind(int32_t kind) {
  return kind > 0 && kind <= UINT8_MAX ? Kind(uint8_t(kind)) : Kind::kUnspecified;
}

// What is absent is left to the programme only where it decides.
int64_t ToPoints(const rpc::Posting& asked, Kind kind) {
  if (asked.__isset.points) return asked.points;
  const bool by_money = kind == Kind::kReverse && asked.__isset.money;
  return kind == Kind::kEarn || by_money ? kByProgram : 0;
}

bool HasTerms(const rpc::Posting& asked) {
  const auto& is = asked.__isset;
  return is.activates_us || is.deadline_us || is.floor || is.ceiling || is.ladder || is.level;
}

// The ledger has the least number for what is not said; here that is said by absence.
void RefuseSentinels(const rpc::Posting& asked, size_t index) {
  const auto refuse = [&](int64_t value, const char* name) {
    if (value != INT64_MIN) return;
    ThrowInvalid(ToString({"postings", index, name}) + " is -2^63: leave it out");
  };
  refuse(asked.points, ".points");
  refuse(asked.expires_us, ".expires_us");
  refuse(asked.activates_us, ".activates_us");
  refuse(asked.floor, ".floor");
  refuse(asked.ceiling, ".ceiling");
}

}  // namespace

std::string ToString(const Field& field) {
  std::string text(field.name);
  if (field.index) text.append("[").append(std::to_string(*field.index)).append("]");
  return text.append(field.within);
}

MemberKey ToKey(const rpc::MemberKey& key, const Field& field) {
  if (key.__isset.number && key.__isset.text) {
    ThrowInvalid(ToString(field) + " is both a number and a text");
  }
  if (key.__isset.number) return MemberKey(key.number);
  if (!key.__isset.text) ThrowInvalid(ToString(field) + " is missing: a number or a text");
  return MemberKey(std::string_view(key.text));
}

std::vector<MemberKey> ToKeys(const std::vector<rpc::MemberKey>& keys, std::string_view name) {
  std::vector<MemberKey> all;
  all.reserve(keys.size());
  for (const rpc::MemberKey& key : keys) all.push_back(ToKey(key, {name, all.size()}));
  return all;
}

Id ToId(const rpc::PostingId& id, const Field& field) {
  if (id.__isset.id && id.__isset.reference) {
    ThrowInvalid(ToString(field) + " is both 16 bytes and a reference");
  }
  if (id.__isset.reference) {
    if (id.reference.empty()) ThrowInvalid(ToString(field) + ".reference is empty");
    return IdFromReference(id.reference);
  }
  if (!id.__isset.id) return {};
  if (id.id.size() != kIdBytes) {
    ThrowInvalid(ToString(field) + " has " + std::to_string(id.id.size()) + " bytes; an id has 16");
  }
  return LoadId(reinterpret_cast<const uint8_t*>(id.id.data()));
}

AsOf ToAsOf(const rpc::AsOf& as_of) {
  AsOf past;
  if (as_of.__isset.effective_us) past.effective_us = as_of.effective_us;
  if (as_of.__isset.recorded_us) past.recorded_us = as_of.recorded_us;
  if (as_of.__isset.sequence) {
    if (as_of.sequence < 0) ThrowInvalid("as_of.sequence must not be below 0");
    past.sequence = uint64_t(as_of.sequence);
  }
  return past;
}

StatementCursor ToCursor(const std::string& cursor) {
  const auto place = wire::CursorFromWire(cursor);
  if (!place) ThrowInvalid("cursor is none that a statement gave as next_cursor");
  return *place;
}

std::optional<uint16_t> CurrencyNumber(const std::vector<std::string>& currencies,
                                       std::string_view name) {
  const auto found = std::find(currencies.begin(), currencies.end(), name);
  if (found == currencies.end()) return std::nullopt;
  return uint16_t(found - currencies.begin());
}

void CheckCode(std::string_view text, const Field& field) {
  if (text.size() > kMaxCodeBytes) {
    ThrowInvalid(ToString(field) + " has " + std::to_string(text.size()) +
                 " bytes; a code has up to " + std::to_string(kMaxCodeBytes));
  }
  if (!IsText(text)) ThrowInvalid(ToString(field) + " is not UTF-8 without U+0000");
}

std::string ActorOf(const std::string& client, const std::string& actor, const Field& field) {
  if (client.empty()) return actor;
  if (actor.empty()) return client;
  if (client.size() + 1 + actor.size() > kMaxCodeBytes) {
    ThrowInvalid(ToString(field) + " has " + std::to_string(actor.size()) + " bytes, and \"" +
                 client + "/\" comes before it; together up to " + std::to_string(kMaxCodeBytes));
  }
  return client + "/" + actor;
}

Postings::Postings(const std::vector<rpc::Posting>& asked, std::string_view client,
                   const std::vector<std::string>& currencies)
    : client_(client), texts_{""}, numbers_{{"", 0}} {
  postings_.reserve(asked.size());
  texts_of_.reserve(asked.size());
  terms_.reserve(asked.size());
  terms_of_.reserve(asked.size());
  others_.reserve(asked.size());
  for (const rpc::Posting& posting : asked) Add(posting, currencies);
}

void Postings::Add(const rpc::Posting& asked, const std::vector<std::string>& currencies) {
  const auto field = [i = postings_.size()](std::string_view within) {
    return Field{"postings", i, within};
  };
  if (!asked.__isset.effective_us) {
    ThrowInvalid(ToString(field(".effective_us")) +
                 " is missing: when it happened, the same at each attempt");
  }
  RefuseSentinels(asked, postings_.size());
  Posting& posting = postings_.emplace_back();
  posting.id = ToId(asked.id, field(".id"));
  posting.kind = ToKind(asked.kind);
  if (asked.__isset.currency) {
    posting.currency = CurrencyNumber(currencies, asked.currency).value_or(UINT16_MAX);
  }
  posting.member = ToKey(asked.member, field(".member"));
  posting.points = ToPoints(asked, posting.kind);
  posting.money = asked.money;
  posting.effective_us = asked.effective_us;
  if (asked.__isset.expires_us) posting.expires_us = asked.expires_us;
  posting.related = ToId(asked.related, field(".related"));
  posting.tag = uint64_t(asked.tag);
  posting.linked = asked.linked;
  if (asked.__isset.other) {
    posting.other = &others_.emplace_back(ToKey(asked.other, field(".other")));
  }
  terms_of_.push_back(HasTerms(asked) ? AddTerms(asked) : nullptr);
  posting.terms = terms_of_.back();
  // What can only be refused leaves no text in the journal.
  const bool is_refused = posting.id.is_zero() || posting.kind == Kind::kUnspecified;
  texts_of_.push_back(is_refused ? Texts() : TextsOf(asked));
}

Postings::Texts Postings::TextsOf(const rpc::Posting& asked) {
  const auto field = [i = texts_of_.size()](std::string_view within) {
    return Field{"postings", i, within};
  };
  const rpc::Codes& codes = asked.codes;
  const std::string& actor =
      client_.empty() ? codes.actor
                      : actors_.emplace_back(ActorOf(client_, codes.actor, field(".codes.actor")));
  Texts texts;
  texts.codes = {NumberOf(codes.rule, field(".codes.rule")),
                 NumberOf(codes.channel, field(".codes.channel")),
                 NumberOf(codes.location, field(".codes.location")),
                 NumberOf(codes.category, field(".codes.category")),
                 NumberOf(actor, field(".codes.actor")),
                 NumberOf(codes.reason, field(".codes.reason"))};
  texts.ladder = NumberOf(asked.ladder, field(".ladder"));
  texts.level = NumberOf(asked.level, field(".level"));
  return texts;
}

Terms* Postings::AddTerms(const rpc::Posting& asked) {
  Terms& terms = terms_.emplace_back();
  if (asked.__isset.activates_us) terms.activates_us = asked.activates_us;
  if (asked.__isset.deadline_us) terms.deadline_us = asked.deadline_us;
  if (asked.__isset.floor) terms.floor = asked.floor;
  if (asked.__isset.ceiling) terms.ceiling = asked.ceiling;
  return &terms;
}

uint32_t Postings::NumberOf(std::string_view text, const Field& field) {
  const auto [at, is_new] = numbers_.try_emplace(text, uint32_t(texts_.size()));
  if (is_new) {
    CheckCode(text, field);
    texts_.push_back(text);
  }
  return at->second;
}

void Postings::Intern(Ledger* ledger) {
  const std::vector<uint32_t> codes = ValueOrThrow(ledger->InternCodes(texts_));
  for (size_t i = 0; i < postings_.size(); ++i) {
    const Texts& texts = texts_of_[i];
    postings_[i].codes = {codes[texts.codes.rule],     codes[texts.codes.channel],
                          codes[texts.codes.location], codes[texts.codes.category],
                          codes[texts.codes.actor],    codes[texts.codes.reason]};
    if (Terms* const terms = terms_of_[i]) {
      terms->ladder = codes[texts.ladder];
      terms->level = codes[texts.level];
    }
  }
}

}  // namespace loyalty::service
