// SPDX-License-Identifier: Apache-2.0
#include "http/range.hpp"

#include "actors/exchange.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace lyceum::http {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// Digits as a number; too large ones become the largest, which every file is shorter than.
std::optional<std::int64_t> number(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  std::int64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong == std::errc::result_out_of_range)
    return std::numeric_limits<std::int64_t>::max();
  return value;
}

constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Reads a date piece by piece; every step fails once one has.
struct date_reader {
  std::string_view rest;
  bool good = true;

  void literal(std::string_view text) {
    good = good && rest.starts_with(text);
    if (good)
      rest.remove_prefix(text.size());
  }
  int digits(std::size_t count, bool padded = false) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = i < rest.size() ? rest[i] : 'x';
      if (padded && i == 0 && c == ' ')
        continue;
      if (c < '0' || c > '9')
        return good = false, 0;
      value = value * 10 + (c - '0');
    }
    rest.remove_prefix(count);
    return value;
  }
  template <std::size_t N>
  int word(const std::array<std::string_view, N>& words) {
    for (std::size_t i = 0; i < N; ++i)
      if (good && rest.starts_with(words[i])) {
        rest.remove_prefix(words[i].size());
        return static_cast<int>(i);
      }
    return good = false, 0;
  }
};

std::optional<unix_time> moment(const date_reader& r, int year, int month, int day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month + 1)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!r.good || !r.rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  return unix_time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

} // namespace

byte_range read_range(std::string_view range, std::int64_t bytes) {
  range = trimmed(range);
  if (range.size() < 6 || !iequals(range.substr(0, 5), "bytes") || range[5] != '=')
    return {};
  range = trimmed(range.substr(6));
  const auto dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos)
    return {};
  const auto first = range.substr(0, dash), last = range.substr(dash + 1);
  if (first.empty()) {
    const auto suffix = number(last);
    if (!suffix)
      return {};
    if (*suffix == 0 || bytes == 0)
      return {byte_range::kind::unsatisfiable, 0, 0};
    const auto length = std::min(*suffix, bytes);
    return {byte_range::kind::part, bytes - length, length};
  }
  const auto from = number(first);
  const auto to = last.empty() ? std::numeric_limits<std::int64_t>::max() : number(last);
  if (!from || !to || *to < *from)
    return {};
  if (*from >= bytes)
    return {byte_range::kind::unsatisfiable, 0, 0};
  return {byte_range::kind::part, *from, std::min(*to, bytes - 1) - *from + 1};
}

bool range_applies(std::string_view if_range, std::string_view etag, unix_time modified) {
  if (if_range.empty())
    return true;
  if (if_range.front() == '"')
    return if_range == etag;
  const auto date = read_http_date(if_range); // a weak tag is neither a date nor the strong tag
  return date && *date == std::chrono::floor<std::chrono::seconds>(modified);
}

std::string content_range(const byte_range& what, std::int64_t bytes) {
  if (what.what == byte_range::kind::unsatisfiable)
    return "bytes */" + std::to_string(bytes);
  return "bytes " + std::to_string(what.first) + '-' + std::to_string(what.first + what.length - 1) + '/' +
         std::to_string(bytes);
}

namespace {

bool holds_tag(std::string_view list, std::string_view etag, bool strongly) {
  list = trimmed(list);
  if (list == "*")
    return true;
  const bool weak_one = etag.starts_with("W/");
  if (weak_one)
    etag.remove_prefix(2);
  while (!list.empty()) {
    const bool weak = list.starts_with("W/");
    if (weak)
      list.remove_prefix(2);
    if (!list.starts_with('"'))
      return false;
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos)
      return false;
    if (list.substr(0, end + 1) == etag && !(strongly && (weak || weak_one)))
      return true;
    list = trimmed(list.substr(end + 1));
    while (list.starts_with(','))
      list = trimmed(list.substr(1));
  }
  return false;
}

} // namespace

bool etag_matches(std::string_view list, std::string_view etag) {
  return holds_tag(list, etag, false);
}

bool etag_matches_strongly(std::string_view list, std::string_view etag) {
  return holds_tag(list, etag, true);
}

std::string http_date(unix_time at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  const auto two = [](auto n) {
    const auto value = static_cast<unsigned>(n);
    return std::string{static_cast<char>('0' + value / 10 % 10), static_cast<char>('0' + value % 10)};
  };
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  std::string text(days[std::chrono::weekday(day).c_encoding()]);
  text.append(", ").append(two(static_cast<unsigned>(date.day()))).append(" ");
  text.append(months[static_cast<unsigned>(date.month()) - 1])
      .append(" ")
      .append(two(year / 100))
      .append(two(year % 100));
  text.append(" ").append(two(time.hours().count())).append(":").append(two(time.minutes().count()));
  return text.append(":").append(two(time.seconds().count())).append(" GMT");
}

std::optional<unix_time> read_http_date(std::string_view text) {
  date_reader r{text};
  if (const auto comma = text.find(','); comma == 3) { // Sun, 06 Nov 1994 08:49:37 GMT
    r.word(days);
    r.literal(", ");
    const int day = r.digits(2);
    r.literal(" ");
    const int month = r.word(months);
    r.literal(" ");
    const int year = r.digits(4);
    r.literal(" ");
    const int hour = r.digits(2);
    r.literal(":");
    const int minute = r.digits(2);
    r.literal(":");
    const int second = r.digits(2);
    r.literal(" GMT");
    return moment(r, year, month, day, hour, minute, second);
  } else if (comma != std::string_view::npos) { // Sunday, 06-Nov-94 08:49:37 GMT
    r.word(long_days);
    r.literal(", ");
    const int day = r.digits(2);
    r.literal("-");
    const int month = r.word(months);
    r.literal("-");
    const int year = r.digits(2);
    r.literal(" ");
    const int hour = r.digits(2);
    r.literal(":");
    const int minute = r.digits(2);
    r.literal(":");
    const int second = r.digits(2);
    r.literal(" GMT");
    return moment(r, year < 70 ? 2000 + year : 1900 + year, month, day, hour, minute, second);
  }
  r.word(days); // Sun Nov  6 08:49:37 1994
  r.literal(" ");
  const int month = r.word(months);
  r.literal(" ");
  const int day = r.digits(2, true);
  r.literal(" ");
  const int hour = r.digits(2);
  r.literal(":");
  const int minute = r.digits(2);
  r.literal(":");
  const int second = r.digits(2);
  r.literal(" ");
  const int year = r.digits(4);
  return moment(r, year, month, day, hour, minute, second);
}

} // namespace lyceum::http
