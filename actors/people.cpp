// SPDX-License-Identifier: Apache-2.0
#include "actors/people.hpp"

#include <utility>

namespace lyceum {

std::optional<person> people::find(id account) const {
  const auto& in = all_[place_of(account)];
  const std::lock_guard lock(in.guard);
  const auto at = in.all.find(account);
  return at == in.all.end() ? std::nullopt : std::optional(at->second);
}

void people::put(id account, person who) {
  auto& in = all_[place_of(account)];
  const std::lock_guard lock(in.guard);
  if (in.all.size() >= part_max_ && !in.all.contains(account))
    in.all.clear();
  in.all.insert_or_assign(account, std::move(who));
}

void people::erase(id account) {
  auto& in = all_[place_of(account)];
  const std::lock_guard lock(in.guard);
  in.all.erase(account);
}

void people::clear() {
  for (auto& in : all_) {
    const std::lock_guard lock(in.guard);
    in.all.clear();
  }
}

} // namespace lyceum
