#include "ledger/checkpoint.h"

#include <algorithm>
#include <thread>

#include "base/bytes.h"
#include "base/hash.h"
#include "journal/block.h"

namespace loyalty::ledger {
namespace {

using storage::Batch;
using storage::Durability;
using storage::Family;

constexpr std::string_view kMagic = "LYG1";
// What the writer changes of pages that are being written, it must copy first: so they are few.
constexpr size_t kPagesTogether = 32;

std::string NumberedKey(char kind, uint32_t number) {
  std::string key(1, kind);
  AppendBig(&key, number);
  return key;
}

Status Damaged(const std::string& what) {
  return {StatusCode::kCorruption, "state checkpoint: " + what};
}

void AppendText(std::string* out, std::string_view text) {
  AppendLittle(out, uint32_t(text.size()));
  *out += text;
}

// Takes fixed-width values and texts off the front; `fine` turns false at the first that is not there.
struct Reader {
  std::string_view bytes;
  bool fine = true;

  template <typename T>
  T Number() {
    if (bytes.size() < sizeof(T)) {
      fine = false;
      return T();
    }
    const T value = LoadLittle<T>(bytes.data());
    bytes.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view Text() {
    const auto length = Number<uint32_t>();
    if (bytes.size() < length) fine = false;
    if (!fine) return {};
    const std::string_view text = bytes.substr(0, length);
    bytes.remove_prefix(length);
    return text;
  }
};

std::string Sealed(const std::string& body) {
  std::string out(kMagic);
  AppendLittle(&out, Checksum(body));
  return out + body;
}

Result<Reader> Unsealed(std::string_view bytes, const std::string& what) {
  if (bytes.size() < 12 || bytes.substr(0, 4) != kMagic ||
      LoadLittle<uint64_t>(bytes.data() + 4) != Checksum(bytes.substr(12))) {
    return Damaged(what + " is damaged");
  }
  return Reader{bytes.substr(12)};
}

std::string EncodeSummary(const Summary& summary, const Dictionary& codes) {
  std::string body;
  AppendLittle(&body, summary.sequence);
  AppendLittle(&body, summary.members);
  AppendLittle(&body, uint32_t(summary.currencies.size()));
  for (size_t c = 0; c < summary.currencies.size(); ++c) {
    const CurrencyTotals& totals = summary.totals[c];
    AppendText(&body, summary.currencies[c]);
    for (int64_t sum :
         {totals.members, totals.issued, totals.redeemed, totals.expired, totals.adjusted}) {
      AppendLittle(&body, sum);
    }
  }
  // Codes defined since are left out: replay adds them.
  AppendLittle(&body, summary.codes);
  for (uint32_t code = 1; code < summary.codes; ++code) AppendText(&body, codes.At(code));
  AppendLittle(&body, uint32_t(summary.programs.size()));
  for (const std::string& program : summary.programs) AppendText(&body, program);
  AppendLittle(&body, uint32_t(summary.merges.size()));
  for (const Merge& merge : summary.merges) {
    AppendLittle(&body, merge.sequence);
    AppendLittle(&body, merge.member);
    AppendLittle(&body, merge.into);
  }
  return Sealed(body);
}

std::string EncodeKeys(const MemberKeys& keys, uint32_t first, uint32_t end) {
  std::string body;
  keys.ForEach(first, end, [&](const MemberKey* key) {
    AppendText(&body, key ? journal::StoredKey(*key) : std::string());
  });
  return Sealed(body);
}

Status DecodeSummary(std::string_view bytes, uint32_t* members, State* state) {
  LOYALTY_ASSIGN_OR_RETURN(Reader in, Unsealed(bytes, "the summary"));
  state->sequence = in.Number<uint64_t>();
  *members = in.Number<uint32_t>();
  for (auto left = in.Number<uint32_t>(); left > 0 && in.fine; --left) {
    state->AddCurrency(in.Text());
    CurrencyTotals& totals = state->totals.back();
    for (int64_t* sum :
         {&totals.members, &totals.issued, &totals.redeemed, &totals.expired, &totals.adjusted}) {
      *sum = in.Number<int64_t>();
    }
  }
  const auto codes = in.Number<uint32_t>();
  for (uint32_t code = 1; code < codes && in.fine; ++code) state->codes.Add(in.Text());
  for (auto left = in.Number<uint32_t>(); left > 0 && in.fine; --left) {
    LOYALTY_RETURN_IF_ERROR(state->AddProgram(in.Text()));
  }
  for (auto left = in.Number<uint32_t>(); left > 0 && in.fine; --left) {
    const auto sequence = in.Number<uint64_t>();
    const auto member = in.Number<uint32_t>();
    state->merges.Add({sequence, member, in.Number<uint32_t>()});
  }
  return in.fine ? Status() : Damaged("the summary is cut short");
}

Status LoadKeys(const storage::Store& store, uint32_t members, State* state) {
  Status fault;
  const auto visit = [&](std::string_view key, std::string_view value) {
    auto in = Unsealed(value, "keys of page " + std::to_string(LoadBig<uint32_t>(key.data() + 1)));
    if (!in.ok()) fault = in.status();
    while (fault.ok() && !in->bytes.empty() && state->keys.size() < members) {
      MemberKey member;
      const std::string_view stored = in->Text();
      if (in->fine && stored.empty()) {
        state->keys.AddErased();
      } else if (!in->fine || !journal::ParseStoredKey(stored, &member)) {
        fault = Damaged("a member's key is not in a known form");
      } else {
        state->keys.AddUnindexed(member);
      }
    }
    return fault.ok();
  };
  LOYALTY_RETURN_IF_ERROR(store.Scan(Family::kState, kMemberKeysFrom, kMemberKeysTo, visit));
  if (fault.ok() && state->keys.size() != members) fault = Damaged("member keys are missing");
  if (fault.ok()) state->keys.Index();
  return fault;
}

// Decodes the pages numbered first to end - 1 into `pages`, which starts at page `first`.
Status DecodePages(const storage::Store& store, uint32_t first, uint32_t end,
                   std::unique_ptr<Page>* pages) {
  Status fault;
  uint32_t next = first;
  const auto visit = [&](std::string_view key, std::string_view value) {
    const auto number = LoadBig<uint32_t>(key.data() + 1);
    auto page = DecodePage(value);
    if (!page.ok()) {
      fault = Damaged("page " + std::to_string(number) + ": " + page.status().message());
    } else if (number != next) {
      fault = Damaged("page " + std::to_string(next) + " is missing");
    } else {
      pages[next++ - first] = std::move(page).value();
    }
    return fault.ok();
  };
  LOYALTY_RETURN_IF_ERROR(
      store.Scan(Family::kState, NumberedKey('p', first), NumberedKey('p', end), visit));
  if (fault.ok() && next != end) return Damaged("page " + std::to_string(next) + " is missing");
  return fault;
}

// In as many threads as there are processors: decoding is most of the work of opening a large ledger.
Status LoadPages(const storage::Store& store, uint32_t members, State* state) {
  LOYALTY_ASSIGN_OR_RETURN(const auto last,
                           store.FindLast(Family::kState, NumberedKey('p', UINT32_MAX)));
  const bool any = last && last->key.size() == 5 && last->key[0] == 'p';
  const uint32_t count = any ? LoadBig<uint32_t>(last->key.data() + 1) + 1 : 0;
  if (count < (members + kPageMembers - 1) / kPageMembers) return Damaged("pages are missing");

  std::vector<std::unique_ptr<Page>> pages(count);
  const uint32_t parts = std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
  std::vector<Status> results(parts);
  std::vector<std::thread> threads;
  for (uint32_t part = 0; part < parts; ++part) {
    const auto first = uint32_t(uint64_t(count) * part / parts);
    const auto end = uint32_t(uint64_t(count) * (part + 1) / parts);
    threads.emplace_back([&, first, end, part] {
      results[part] = DecodePages(store, first, end, pages.data() + first);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Status& result : results) LOYALTY_RETURN_IF_ERROR(result);
  for (uint32_t number = 0; number < count; ++number) {
    state->InstallPage(number, std::move(pages[number]));
  }
  return {};
}

}  // namespace

Result<uint64_t> WriteCheckpoint(const State& state, uint64_t since, const OnWriter& on_writer,
                                 storage::Store* store) {
  Summary summary;
  LOYALTY_RETURN_IF_ERROR(on_writer([&] { summary = state.Summarize(); }));
  for (uint32_t next = 0; next < summary.page_count;) {
    std::vector<std::pair<uint32_t, PagePtr>> changed;
    uint64_t erased = 0;
    LOYALTY_RETURN_IF_ERROR(on_writer([&] {
      erased = state.keys.erased_sequence();
      for (; next < summary.page_count && changed.size() < kPagesTogether; ++next) {
        const PagePtr& page = state.PageAt(next);
        if (page.get()->sequence > since) changed.emplace_back(next, page);
      }
    }));
    Batch batch;
    for (const auto& [number, page] : changed) {
      const uint32_t first = number * kPageMembers;
      batch.Put(Family::kState, NumberedKey('p', number), EncodePage(*page.get()));
      batch.Put(Family::kState, NumberedKey('k', number),
                EncodeKeys(state.keys, first, std::min(first + kPageMembers, summary.members)));
    }
    // A key that was erased meanwhile is left out already: that must be durable, too.
    if (state.keys.erased_sequence() != erased) LOYALTY_RETURN_IF_ERROR(on_writer([] {}));
    LOYALTY_RETURN_IF_ERROR(store->Write(std::move(batch), Durability::kUnlogged));
  }
  Batch last;
  last.Put(Family::kState, "g", EncodeSummary(summary, state.codes));
  LOYALTY_RETURN_IF_ERROR(store->Write(std::move(last), Durability::kUnlogged));
  LOYALTY_RETURN_IF_ERROR(store->Flush(Family::kState));
  return summary.sequence;
}

Status LoadCheckpoint(const storage::Store& store, State* state) {
  LOYALTY_ASSIGN_OR_RETURN(auto globals, store.Get(Family::kState, "g"));
  if (!globals) return {};
  uint32_t members = 0;
  LOYALTY_RETURN_IF_ERROR(DecodeSummary(*globals, &members, state));
  Status keys;
  std::thread loading_keys([&] { keys = LoadKeys(store, members, state); });
  const Status pages = LoadPages(store, members, state);
  loading_keys.join();
  return keys.ok() ? pages : keys;
}

}  // namespace loyalty::ledger
