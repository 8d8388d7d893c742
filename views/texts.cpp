// SPDX-License-Identifier: Apache-2.0
#include "views/texts.hpp"

#include "views/texts/accounts_de.hpp"
#include "views/texts/accounts_en.hpp"
#include "views/texts/de.hpp"
#include "views/texts/en.hpp"

#include <array>
#include <cstdio>
#include <date/tz.h>
#include <stdexcept>

namespace lyceum::views {
namespace {

struct interface_row {
  std::string_view language;
  text_table table;
};

const std::array<interface_row, 2>& interface_tables() {
  static const std::array<interface_row, 2> rows = [] {
    std::array<interface_row, 2> all{{{"en", tables::en}, {"de", tables::de}}};
    all[0].table.insert(tables::accounts_en.begin(), tables::accounts_en.end());
    all[1].table.insert(tables::accounts_de.begin(), tables::accounts_de.end());
    for (auto& row : all)
      row.table.insert(all[0].table.begin(), all[0].table.end()); // what a table lacks, English says
    return all;
  }();
  return rows;
}

const interface_row& row_of(std::string_view language) {
  const auto primary = language.substr(0, language.find('-'));
  for (const auto& row : interface_tables())
    if (row.language == language || row.language == primary)
      return row;
  return interface_tables().front();
}

template <class... Numbers>
std::string format(const char* pattern, Numbers... numbers) {
  std::array<char, 64> out{};
  const int length = std::snprintf(out.data(), out.size(), pattern, numbers...);
  return {out.data(), static_cast<std::size_t>(length)};
}

/// As a clock on the wall shows it, since 1970.
std::chrono::microseconds wall_time(unix_time t, std::string_view timezone) {
  try {
    return date::locate_zone(std::string{timezone})->to_local(t).time_since_epoch();
  } catch (const std::runtime_error&) { // no such zone: the importer has said so; a page is no place to fail
    return t.time_since_epoch();
  }
}

date::year_month_day day_in(unix_time t, std::string_view timezone) {
  return date::year_month_day{date::sys_days{date::floor<date::days>(wall_time(t, timezone))}};
}

std::string_view word(std::string_view words, unsigned index) {
  while (index-- > 0)
    words.remove_prefix(words.find(' ') + 1);
  return words.substr(0, words.find(' '));
}

} // namespace

std::vector<std::string_view> interface_languages() {
  std::vector<std::string_view> out;
  for (const auto& row : interface_tables())
    out.push_back(row.language);
  return out;
}

std::string_view interface_language(std::string_view language) {
  return row_of(language).language;
}

const text_table& texts_in(std::string_view language) {
  return row_of(language).table;
}

std::string phrase(std::string_view language, std::string_view key,
                   std::initializer_list<std::pair<std::string_view, std::string>> values) {
  std::string_view rest = texts_in(language).at(key);
  std::string out;
  for (auto open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    const auto close = rest.find('}', open);
    const auto name = rest.substr(open + 1, close - open - 1);
    out += rest.substr(0, open);
    for (const auto& [known, value] : values)
      if (known == name)
        out += value;
    rest.remove_prefix(close + 1);
  }
  return out.append(rest);
}

std::string counted(std::string_view language, std::string_view key, int n) {
  return phrase(language, std::string{key} + (n == 1 ? "_one" : "_other"), {{"n", std::to_string(n)}});
}

std::string minutes(std::string_view language, int n) {
  if (n < 60)
    return phrase(language, "minutes", {{"n", std::to_string(n)}});
  return phrase(language, "hours", {{"h", std::to_string(n / 60)}, {"n", std::to_string(n % 60)}});
}

std::string clock_time(std::chrono::seconds length) {
  const auto s = static_cast<long long>(length.count());
  return s < 3600 ? format("%lld:%02lld", s / 60, s % 60) : format("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

std::string iso_duration(std::chrono::seconds length) {
  const auto s = static_cast<long long>(length.count());
  std::string out = "PT";
  if (s >= 3600)
    out += format("%lldH", s / 3600);
  if (s % 3600 >= 60)
    out += format("%lldM", s / 60 % 60);
  if (s % 60 != 0 || s == 0)
    out += format("%lldS", s % 60);
  return out;
}

std::string date_text(std::string_view language, unix_time t, std::string_view timezone) {
  const auto day = day_in(t, timezone);
  return phrase(language, "date",
                {{"day", std::to_string(static_cast<unsigned>(day.day()))},
                 {"month", std::string{word(texts_in(language).at("months"), static_cast<unsigned>(day.month()) - 1)}},
                 {"year", std::to_string(static_cast<int>(day.year()))}});
}

std::string time_text(unix_time t, std::string_view timezone) {
  const auto since = wall_time(t, timezone);
  const auto minute = date::floor<std::chrono::minutes>(since - date::floor<date::days>(since)).count();
  return format("%02d:%02d", static_cast<int>(minute / 60), static_cast<int>(minute % 60));
}

std::string iso_date(unix_time t, std::string_view timezone) {
  const auto day = day_in(t, timezone);
  return format("%04d-%02u-%02u", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                static_cast<unsigned>(day.day()));
}

std::string iso_time(unix_time t) {
  return date::format("%FT%TZ", date::floor<std::chrono::seconds>(t));
}

std::string rfc822_time(unix_time t) {
  // Not date::format("%a …"): its names follow the process's locale.
  static constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::string_view months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
  const auto midnight = date::floor<date::days>(t);
  const date::year_month_day day{midnight};
  const auto seconds = static_cast<unsigned>(date::floor<std::chrono::seconds>(t - midnight).count());
  return format("%s, %02u %s %04d %02u:%02u:%02u +0000",
                std::string{days[date::weekday{midnight}.c_encoding()]}.c_str(), static_cast<unsigned>(day.day()),
                std::string{word(months, static_cast<unsigned>(day.month()) - 1)}.c_str(), static_cast<int>(day.year()),
                seconds / 3600, seconds / 60 % 60, seconds % 60);
}

} // namespace lyceum::views
