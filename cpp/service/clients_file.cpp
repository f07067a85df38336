#include "clients_file.h"

#include <toml++/toml.h>

#include <cmath>
#include <set>

namespace loyalty::service {
namespace {

constexpr size_t kNameMax = 64;

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  Result<std::vector<ClientEntry>> Read() {
    try {
      const toml::table file = toml::parse_file(path_);
      return Entries(file);
    } catch (const toml::parse_error& error) {
      const auto line = error.source().begin.line;
      if (line == 0) return Status(StatusCode::kNotFound, path_ + ": cannot be read");
      return Status(StatusCode::kInvalidArgument,
                    path_ + ":" + std::to_string(line) + ": " + std::string(error.description()));
    }
  }

 private:
  Status Wrong(const toml::node& at, const std::string& what) const {
    return {StatusCode::kInvalidArgument,
            path_ + ":" + std::to_string(at.source().begin.line) + ": " + what};
  }

  Result<std::vector<ClientEntry>> Entries(const toml::table& file) {
    std::vector<ClientEntry> entries;
    for (const auto& [key, node] : file) {
      if (key != "clients" || !node.is_table()) {
        return Wrong(node, std::string(key.str()) + ": only sections [clients.NAME] belong here");
      }
      for (const auto& [name, client] : *node.as_table()) {
        LOYALTY_ASSIGN_OR_RETURN(ClientEntry entry, Entry(std::string(name.str()), client));
        entries.push_back(std::move(entry));
      }
    }
    if (entries.empty()) {
      return Status(StatusCode::kInvalidArgument,
                    path_ + ": has no section [clients.NAME], so nobody could ask anything");
    }
    return entries;
  }

  Result<ClientEntry> Entry(const std::string& name, const toml::node& node) {
    if (!node.is_table()) return Wrong(node, "clients." + name + " is no section");
    if (name.empty() || name.find('/') != std::string::npos) {
      return Wrong(node, "clients." + name + ": a name has no '/', as actors are \"client/who\"");
    }
    ClientEntry entry;
    if (name.size() > kNameMax) {
      return Wrong(node, "clients." + name + ": a name has up to " + std::to_string(kNameMax) +
                             " bytes, as it comes before actors");
    }
    entry.terms.name = name;
    for (const auto& [key, value] : *node.as_table()) {
      const std::string path = "clients." + name + "." + std::string(key.str());
      LOYALTY_RETURN_IF_ERROR(Set(std::string(key.str()), path, value, &entry));
    }
    if (entry.token_hashes.empty()) {
      return Wrong(node, "clients." + name +
                             ": token_sha256 is missing; make a token with "
                             "`loyaltyd new-token`");
    }
    if (entry.terms.roles == 0) {
      return Wrong(node, "clients." + name +
                             ": roles is missing: of read, post, operate, "
                             "administer");
    }
    return entry;
  }

  Status Set(const std::string& key, const std::string& path, const toml::node& value,
             ClientEntry* entry) {
    ClientTerms& terms = entry->terms;
    if (key == "token_sha256") return SetTokens(path, value, &entry->token_hashes);
    if (key == "roles") return SetRoles(path, value, &terms.roles);
    if (key == "calls_per_s") return SetRate(path, value, &terms.calls_per_s);
    if (key == "postings_per_s") return SetRate(path, value, &terms.postings_per_s);
    if (key == "points_per_posting") return SetPoints(path, value, &terms.points_per_posting);
    if (key == "points_per_day") return SetPoints(path, value, &terms.points_per_day);
    return Wrong(value, path + ": there is no such key");
  }

  // One text, or a list of them.
  template <typename Use>
  Status ForEachText(const std::string& path, const toml::node& value, Use&& use) const {
    if (const auto text = value.value_exact<std::string>()) return use(*text, value);
    if (!value.is_array()) return Wrong(value, path + ": must be a text, or a list of texts");
    for (const toml::node& element : *value.as_array()) {
      const auto text = element.value_exact<std::string>();
      if (!text) return Wrong(element, path + ": must be a list of texts");
      LOYALTY_RETURN_IF_ERROR(use(*text, element));
    }
    return {};
  }

  Status SetTokens(const std::string& path, const toml::node& value, std::vector<Digest>* hashes) {
    return ForEachText(path, value, [&](const std::string& text, const toml::node& at) {
      Digest hash;
      if (!ParseHex(text, &hash)) return Wrong(at, path + ": a SHA-256 has 64 hex digits");
      if (!seen_.insert(hash).second) return Wrong(at, path + ": is another client's, too");
      hashes->push_back(hash);
      return Status();
    });
  }

  Status SetRoles(const std::string& path, const toml::node& value, uint8_t* roles) const {
    return ForEachText(path, value, [&](const std::string& text, const toml::node& at) {
      for (const Role role : {Role::kRead, Role::kPost, Role::kOperate, Role::kAdminister}) {
        if (text != ToString(role)) continue;
        *roles |= uint8_t(1 << int(role));
        return Status();
      }
      return Wrong(at, path + ": \"" + text + "\" is none of read, post, operate, administer");
    });
  }

  Status SetRate(const std::string& path, const toml::node& value,
                 std::optional<double>* rate) const {
    const auto number = value.value<double>();
    if (!number || !std::isfinite(*number) || *number <= 0) {
      return Wrong(value, path + ": must be a number above 0");
    }
    *rate = *number;
    return {};
  }

  Status SetPoints(const std::string& path, const toml::node& value,
                   std::optional<int64_t>* points) const {
    const auto number = value.value_exact<int64_t>();
    if (!number || *number < 0) return Wrong(value, path + ": must be a whole number, 0 or more");
    *points = *number;
    return {};
  }

  static bool ParseHex(const std::string& text, Digest* digest) {
    if (text.size() != 2 * digest->size()) return false;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const bool is_digit = c >= '0' && c <= '9';
      const char lower = char(c | 0x20);
      if (!is_digit && (lower < 'a' || lower > 'f')) return false;
      const int nibble = is_digit ? c - '0' : lower - 'a' + 10;
      uint8_t& byte = (*digest)[i / 2];
      byte = uint8_t(byte << 4 | nibble);
    }
    return true;
  }

  const std::string path_;
  std::set<Digest> seen_;
};

}  // namespace

Result<std::vector<ClientEntry>> ReadClientsFile(const std::string& path) {
  return Reader(path).Read();
}

}  // namespace loyalty::service
