// SPDX-License-Identifier: Apache-2.0
#include "actors/clock_troubles.hpp"

#include <algorithm>

namespace lyceum {

std::vector<trouble_book::change> trouble_book::see(const std::vector<trouble>& there, clock::time_point now) {
  const std::lock_guard lock(guard_);
  std::vector<change> changes;
  for (const auto& one : there) {
    const auto known = std::ranges::find(
        all_, one.kind, [](const entry& e) -> const auto& { return e.what.kind; });
    if (known != all_.end()) {
      known->seen = now;
    } else if (all_.size() < kept_max) {
      all_.push_back({one, now});
      changes.push_back({true, one});
    }
  }
  std::erase_if(all_, [&](const entry& e) {
    if (now - e.seen < over_after)
      return false;
    changes.push_back({false, e.what});
    return true;
  });
  return changes;
}

std::vector<trouble> trouble_book::untold(clock::time_point now) const {
  const std::lock_guard lock(guard_);
  const auto sent = static_cast<std::size_t>(
      std::ranges::count_if(mails_, [&](clock::time_point at) { return now - at < std::chrono::hours(1); }));
  std::vector<trouble> all;
  for (const auto& one : all_)
    if (!one.is_told && sent + all.size() < mails_an_hour)
      all.push_back(one.what);
  return all;
}

void trouble_book::told(const trouble& what, clock::time_point now) {
  const std::lock_guard lock(guard_);
  for (auto& one : all_)
    if (one.what == what)
      one.is_told = true;
  mails_.push_back(now);
  if (mails_.size() > mails_an_hour)
    mails_.pop_front();
}

} // namespace lyceum
