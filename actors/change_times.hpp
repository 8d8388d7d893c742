// SPDX-License-Identifier: Apache-2.0
// When accounts changed, for what was handed out before and cannot be called back. Knows neither CAF nor Beast.
#pragma once

#include "storage/model/id.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace lyceum {

/// Changes of accounts as they are heard of. Where more than `most` are remembered, all that came before now counts as changed: then more
/// is asked of the database than need be, and nothing is let through. Any thread.
class change_times {
public:
  /// `since_us`: everything before it counts as changed, since nobody listened.
  explicit change_times(std::int64_t since_us, std::size_t most = 100'000) : floor_us_(since_us), most_(most) {}

  void note(id account, std::int64_t now_us) {
    const std::lock_guard lock(guard_);
    if (all_.size() >= most_ && !all_.contains(account)) {
      floor_us_ = now_us;
      all_.clear();
    }
    all_[account] = now_us;
  }
  void note_all(std::int64_t now_us) {
    const std::lock_guard lock(guard_);
    floor_us_ = now_us;
    all_.clear();
  }
  /// Whether the account may have changed at `since_us` or later.
  bool changed_since(id account, std::int64_t since_us) const {
    const std::lock_guard lock(guard_);
    if (floor_us_ >= since_us)
      return true;
    const auto at = all_.find(account);
    return at != all_.end() && at->second >= since_us;
  }

private:
  mutable std::mutex guard_;
  std::int64_t floor_us_;
  std::size_t most_;
  std::unordered_map<id, std::int64_t> all_;
};

} // namespace lyceum
