// SPDX-License-Identifier: Apache-2.0
#include "storage/moments.hpp"

#include "storage/words.hpp"

#include <date/date.h>
#include <date/tz.h>
#include <stdexcept>

namespace lyceum::storage {
namespace {

using std::chrono::microseconds;

const date::time_zone* find_zone(std::string_view name) {
  try {
    return date::locate_zone(std::string(name));
  } catch (const std::exception&) {
    return nullptr; // unknown, or this machine has no zone files
  }
}

// Takes exactly `digits` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits)
    return std::nullopt;
  int n = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9')
      return std::nullopt;
    n = n * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return n;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c)
    return false;
  text.remove_prefix(1);
  return true;
}

// "09:30", "09:30:15", "09:30:15.25"
std::optional<microseconds> take_time(std::string_view& text) {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':'))
    return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59)
    return std::nullopt;
  microseconds t = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  if (!take(text, ':'))
    return t;
  const auto second = take_number(text, 2);
  if (!second || *second > 59)
    return std::nullopt;
  t += std::chrono::seconds(*second);
  if (take(text, '.')) {
    int unit = 100000;
    bool any = false;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), unit /= 10, any = true)
      t += microseconds((text.front() - '0') * unit);
    if (!any)
      return std::nullopt;
  }
  return t;
}

// "Z", "+02:00", "-0530", "+02"
std::optional<microseconds> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z'))
    return microseconds(0);
  const bool east = take(text, '+');
  if (!east && !take(text, '-'))
    return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 15)
    return std::nullopt;
  int minutes = 0;
  if (!text.empty()) {
    take(text, ':');
    const auto m = take_number(text, 2);
    if (!m || *m > 59)
      return std::nullopt;
    minutes = *m;
  }
  const microseconds offset = std::chrono::hours(*hours) + std::chrono::minutes(minutes);
  return east ? offset : -offset;
}

std::optional<unix_time> at_zone(date::local_time<microseconds> local, std::string_view timezone) {
  if (timezone.empty() || timezone == "UTC")
    return unix_time(local.time_since_epoch());
  const auto* zone = find_zone(timezone);
  if (!zone)
    return std::nullopt;
  return unix_time(zone->to_sys(local, date::choose::earliest).time_since_epoch());
}

} // namespace

bool is_timezone(std::string_view name) {
  return name == "UTC" || (!name.empty() && name.size() <= 64 && name.front() != '/' &&
                           name.find("..") == std::string_view::npos && find_zone(name) != nullptr);
}

std::optional<unix_time> parse_moment(std::string_view text, std::string_view timezone) {
  text = trimmed(text);
  const auto year = take_number(text, 4);
  if (!year || *year < 1970 || !take(text, '-'))
    return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-'))
    return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day)
    return std::nullopt;
  const auto when = date::year(*year) / *month / *day;
  if (!when.ok())
    return std::nullopt;
  date::local_time<microseconds> local = date::local_days(when);
  if (text.empty())
    return at_zone(local, timezone);
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' '))
    return std::nullopt;
  text = trimmed(text);
  const auto time = take_time(text);
  if (!time)
    return std::nullopt;
  local += *time;
  text = trimmed(text);
  if (text.empty())
    return at_zone(local, timezone);
  const auto offset = take_offset(text);
  if (!offset || !text.empty())
    return std::nullopt;
  return unix_time(local.time_since_epoch() - *offset);
}

local_moment local_moment_of(unix_time at, std::string_view timezone) {
  auto local = at.time_since_epoch();
  if (!timezone.empty() && timezone != "UTC")
    if (const auto* zone = find_zone(timezone))
      local = zone->to_local(date::sys_time<microseconds>(local)).time_since_epoch();
  const auto day = date::floor<date::days>(local);
  return {day.count(), std::chrono::duration_cast<std::chrono::minutes>(local - day)};
}

std::string day_text(std::int64_t day) {
  return date::format("%F", date::sys_days(date::days(day)));
}

} // namespace lyceum::storage
