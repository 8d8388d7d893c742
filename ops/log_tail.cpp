// SPDX-License-Identifier: Apache-2.0
#include "ops/log_tail.hpp"

#include "supervision/crash_log.hpp"

#include <chrono>

namespace lyceum {

std::string shortened(const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  auto end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u)
    --end;
  return text.substr(0, end) + "…";
}

void log_tail::add(const std::string& what) {
  const auto now = supervision::utc_text(std::chrono::system_clock::now());
  auto line = now.substr(11, 8) + "  " + shortened(what, line_bytes_max);
  std::lock_guard lock(guard_);
  if (kept_.size() >= lines_max)
    kept_.pop_front();
  kept_.push_back(std::move(line));
}

std::vector<std::string> log_tail::lines() const {
  std::lock_guard lock(guard_);
  return {kept_.begin(), kept_.end()};
}

} // namespace lyceum
