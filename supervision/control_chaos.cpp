// SPDX-License-Identifier: Apache-2.0
#include "supervision/control_chaos.hpp"

#include "supervision/crash_log.hpp"

#include <algorithm>
#include <utility>

namespace lyceum::supervision {

void chaos_drill::begin(const chaos_plan& plan, std::vector<std::string> targets, time_point now) {
  const auto turn = turn_; // answers of an earlier drill stay strangers
  *this = {};
  turn_ = turn;
  runs_ = true;
  targets_ = std::move(targets);
  every_ = plan.every;
  due_ = now;
  until_ = now + plan.lasting;
}

std::optional<std::string> chaos_drill::next(time_point now) {
  if (!runs_)
    return {};
  if (waits_) {
    if (now - ordered_ < answer_max)
      return {};
    waits_ = false;
    ++failed_;
  }
  if (now < due_ || now >= until_)
    return {};
  due_ = std::max(due_ + every_, now + every_ / 2); // late ones are not made up for
  ordered_ = now;
  waits_ = true;
  ++turn_;
  return targets_[at_++ % targets_.size()];
}

bool chaos_drill::killed(std::uint64_t turn, bool ok, time_point now) {
  if (!runs_ || !waits_ || turn != turn_)
    return false;
  waits_ = false;
  ++(ok ? kills_ : failed_);
  took_ = std::chrono::duration_cast<std::chrono::microseconds>(now - ordered_);
  if (ok)
    longest_ = std::max(longest_, took_);
  return true;
}

bool chaos_drill::over(time_point now) const {
  return runs_ && now >= until_ && (!waits_ || now - ordered_ >= answer_max);
}

time_point chaos_drill::wakes() const {
  return waits_ ? ordered_ + answer_max : std::min(due_, until_);
}

std::string chaos_drill::end(const std::string& why) {
  runs_ = false;
  if (std::exchange(waits_, false))
    ++failed_;
  return "{\"kills\":" + std::to_string(kills_) + ",\"failed\":" + std::to_string(failed_) +
         ",\"longest_us\":" + std::to_string(longest_.count()) + ",\"ended\":" + json_string(why) + "}";
}

} // namespace lyceum::supervision
