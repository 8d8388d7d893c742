// SPDX-License-Identifier: Apache-2.0
#include "ops/nearest.hpp"

#include <algorithm>
#include <vector>

namespace lyceum {
namespace {

/// Letters to insert, remove, replace or swap with a neighbour (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

} // namespace

std::string_view nearest(std::string_view typed, std::span<const std::string_view> known) {
  constexpr std::size_t typed_max = 100; // longer is no slip of the fingers, and costs its square
  if (typed.empty() || typed.size() > typed_max)
    return {};
  std::string_view best;
  auto best_distance = static_cast<std::size_t>(-1);
  for (auto word : known) {
    auto d = distance(typed, word);
    if (d <= std::max(typed.size(), word.size()) / 3 && d < best_distance) {
      best = word;
      best_distance = d;
    }
  }
  if (!best.empty() || typed.size() < 3)
    return best;
  auto longer = std::ranges::find_if(known, [&](std::string_view word) { return word.starts_with(typed); });
  return longer == known.end() ? std::string_view{} : *longer;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string_view> known) {
  auto word = nearest(typed, known);
  return word.empty() ? std::string{} : "; did you mean '" + std::string(word) + "'?";
}

} // namespace lyceum
