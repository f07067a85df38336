// The programme of the benchmarks of tiers: levels by a metric over twelve months.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace loyalty::bench {

struct Metric {
  std::string_view of;
  std::array<int64_t, 3> levels_from;  // above the first
};
inline constexpr Metric kPoints = {"points", {3'000, 5'000, 8'000}};
inline constexpr Metric kDays = {"days", {5, 10, 15}};

// upgrade: "at_run" or "at_once".
inline std::string TierProgram(const std::string& upgrade, const Metric& metric) {
  std::string json =
      R"({"format":1,"name":"Bench","time_zone":"UTC","currencies":[{"name":"points","decimals":0,)"
      R"("expiry":{"model":"never"},"pending":null,"floor":0,"ceiling":null,"over_ceiling":"reject",)"
      R"("reversal":"arrears","return_of_expired_days":0,"reinstate_within_days":0,)"
      R"("transfer":"keep_expiry"}],"rules":[],"ladders":[{"name":"status","upgrade":")" +
      upgrade +
      R"(","downgrade":"full","grace_days":0,"lifetime":null,"metrics":[{"name":"earned",)"
      R"("of":")" +
      std::string(metric.of) +
      R"(","currency":"points","kinds":["earn"],"rules":null,"channels":null,)"
      R"("locations":null,"categories":null,"window":{"model":"trailing","days":0,"months":12}}],)"
      R"("levels":[{"name":"blue","by_invitation":false,"when":[],"validity":null})";
  for (const int64_t from : metric.levels_from) {
    const std::string least = std::to_string(from);
    json += R"(,{"name":"from_)" + least + R"(","by_invitation":false,"when":[{"earned":)" + least +
            R"(}],"validity":null})";
  }
  return json + "]}]}";
}

}  // namespace loyalty::bench
