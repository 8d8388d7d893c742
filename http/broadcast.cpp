// SPDX-License-Identifier: Apache-2.0
#include "http/broadcast.hpp"

#include <utility>

namespace lyceum::http {

std::optional<std::uint64_t> broadcast::join(std::string whose, deliver to) {
  std::uint64_t number = 0;
  {
    std::lock_guard lock(guard_);
    if (seats_.size() >= seats_max)
      return std::nullopt;
    number = ++numbers_;
    seats_.push_back({number, std::move(whose), std::move(to)});
    watching_.store(seats_.size(), std::memory_order_relaxed);
  }
  if (somebody_looks_)
    somebody_looks_();
  return number;
}

void broadcast::leave(std::uint64_t number) noexcept {
  std::lock_guard lock(guard_);
  std::erase_if(seats_, [number](const seat& one) { return one.number == number; });
  watching_.store(seats_.size(), std::memory_order_relaxed);
}

void broadcast::publish(const frame_ptr& change, const frame_ptr& whole) {
  std::lock_guard lock(guard_); // `deliver` only posts, and never comes back here
  for (const auto& one : seats_)
    one.to(change, whole);
}

void broadcast::end(std::string_view whose) {
  std::lock_guard lock(guard_);
  for (const auto& one : seats_)
    if (one.whose == whose)
      one.to(nullptr, nullptr);
}

} // namespace lyceum::http
