// SPDX-License-Identifier: Apache-2.0
#include "storage/model/time.hpp"

#include <array>
#include <cstdio>

namespace lyceum {
namespace {

std::string text_of(unix_time at, const char* format) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::seconds>(at - day)};
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return text.data();
}

} // namespace

std::string utc_text(unix_time at) {
  return text_of(at, "%04d-%02u-%02uT%02d:%02d:%02dZ");
}

std::string utc_words(unix_time at) {
  return text_of(at, "%04d-%02u-%02u %02d:%02d:%02d UTC");
}

std::string utc_minute(unix_time at) {
  return text_of(at, "%04d-%02u-%02u %02d:%02d UTC"); // the seconds are left over
}

} // namespace lyceum
