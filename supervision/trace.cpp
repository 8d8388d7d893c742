// SPDX-License-Identifier: Apache-2.0
#include "supervision/trace.hpp"

#include <algorithm>
#include <utility>

namespace lyceum::supervision {
namespace {

struct all_taps {
  std::mutex guard;
  std::vector<trace_tap*> taps;
};

all_taps& taps() {
  static auto* all = new all_taps; // threads may outlive main's statics
  return *all;
}

} // namespace

trace_tap::trace_tap(const void* tree, std::string path) : tree_(tree), path_(std::move(path)) {
  kept_.reserve(kept_max);
  std::lock_guard lock(taps().guard);
  taps().taps.push_back(this);
  trace_taps.fetch_add(1, std::memory_order_relaxed);
}

trace_tap::~trace_tap() {
  std::lock_guard lock(taps().guard);
  std::erase(taps().taps, this);
  trace_taps.fetch_sub(1, std::memory_order_relaxed);
}

bool trace_tap::covers(const void* tree, const std::string& path) const {
  return tree == tree_ && path.starts_with(path_) && (path.size() == path_.size() || path[path_.size()] == '/');
}

void trace_tap::put(traced_message what) {
  std::lock_guard lock(guard_);
  if (kept_.size() >= kept_max)
    ++dropped_;
  else
    kept_.push_back(std::move(what));
}

std::vector<traced_message> trace_tap::take(std::uint64_t& dropped) {
  std::vector<traced_message> some;
  some.reserve(kept_max);
  std::lock_guard lock(guard_);
  dropped = std::exchange(dropped_, 0);
  std::swap(some, kept_);
  return some;
}

bool traced(const void* tree, const std::string& path) {
  std::lock_guard lock(taps().guard);
  return std::ranges::any_of(taps().taps, [&](const trace_tap* tap) { return tap->covers(tree, path); });
}

void trace_message(const void* tree, const vitals& whose, const std::vector<std::string>& types,
                   std::chrono::microseconds took) {
  traced_message what;
  what.path = whose.path;
  what.generation = whose.generation;
  for (const auto& type : types)
    what.type += (what.type.empty() ? "" : ", ") + type;
  what.took = took;
  const auto waiting = whose.mailbox();
  what.mailbox = waiting > 0 ? waiting - 1 : 0; // it is counted itself until it has been handled
  std::lock_guard lock(taps().guard);
  for (auto* tap : taps().taps)
    if (tap->covers(tree, what.path))
      tap->put(what);
}

} // namespace lyceum::supervision
