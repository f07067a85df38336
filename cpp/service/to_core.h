// From the interface's types to the ledger's. What cannot be understood throws the interface's InvalidRequest, which
// names the field.
#pragma once

#include <loyalty_types.h>

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "loyalty/ledger.h"

namespace loyalty::service {

// What a request calls a field: "member", "members[3]", "postings[3].codes.rule". Put together when it is needed.
struct Field {
  std::string_view name;
  std::optional<size_t> index = std::nullopt;
  std::string_view within = "";
};
std::string ToString(const Field& field);

// The keys borrow their texts.
MemberKey ToKey(const rpc::MemberKey& key, const Field& field);
std::vector<MemberKey> ToKeys(const std::vector<rpc::MemberKey>& keys, std::string_view name);
Id ToId(const rpc::PostingId& id, const Field& field);  // zero: it says none
AsOf ToAsOf(const rpc::AsOf& as_of);
StatementCursor ToCursor(const std::string& cursor);

// The number of a currency. Nothing: there is no such.
std::optional<uint16_t> CurrencyNumber(const std::vector<std::string>& currencies,
                                       std::string_view name);

// A text that may be a code.
void CheckCode(std::string_view text, const Field& field);
// Who posts, as the journal has it: the client, before whom the request says.
std::string ActorOf(const std::string& client, const std::string& actor, const Field& field);

// The postings of a request. Borrows texts from it, and has all else that they point to. What is merely wrong, the
// ledger refuses one by one.
class Postings {
 public:
  // `client`: who posts; empty: nobody in particular.
  Postings(const std::vector<rpc::Posting>& asked, std::string_view client,
           const std::vector<std::string>& currencies);
  Postings(const Postings&) = delete;
  Postings& operator=(const Postings&) = delete;

  // Before they are posted: journals the texts of codes that are new, of postings that have an id and a kind.
  void Intern(Ledger* ledger);
  std::span<const Posting> all() const { return postings_; }

 private:
  // Numbers in `texts_`, of the ladder and the level, too.
  struct Texts {
    Codes codes;
    uint32_t ladder = 0;
    uint32_t level = 0;
  };

  void Add(const rpc::Posting& asked, const std::vector<std::string>& currencies);
  Texts TextsOf(const rpc::Posting& asked);
  Terms* AddTerms(const rpc::Posting& asked);
  uint32_t NumberOf(std::string_view text, const Field& field);

  const std::string client_;
  std::vector<std::string_view> texts_;
  std::unordered_map<std::string_view, uint32_t> numbers_;
  std::deque<std::string> actors_;
  std::vector<Posting> postings_;
  std::vector<Texts> texts_of_;   // of each posting
  std::vector<Terms> terms_;      // room for all: postings point into them
  std::vector<Terms*> terms_of_;  // of each posting; null: none
  std::vector<MemberKey> others_;
};

}  // namespace loyalty::service
