// SPDX-License-Identifier: Apache-2.0
#include "ops/config_values.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace lyceum {
namespace {

/// A number with a unit after it, as "256 MiB" or "4s"; the unit in lower case.
std::optional<std::pair<std::uint64_t, std::string>> measure(std::string_view text) {
  auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  auto number = whole_number(text.substr(0, digits));
  if (!number || *number > 1'000'000'000'000)
    return {};
  auto rest = text.substr(digits);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  std::string unit(rest);
  std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::pair{*number, unit};
}

} // namespace

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failed != std::errc{} || end != text.data() + text.size())
    return {};
  return number;
}

outcome read_bool(bool& into, const value_source& from) {
  const auto& text = from.text();
  if (text == "true" || text == "1" || text == "yes")
    into = true;
  else if (text == "false" || text == "0" || text == "no")
    into = false;
  else
    return from.wrong("is true or false");
  return true;
}

outcome read_count(std::size_t& into, const value_source& from, std::uint64_t least, std::uint64_t most) {
  auto number = whole_number(from.text());
  if (!number || *number < least || *number > most)
    return from.wrong("is a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  into = *number;
  return true;
}

outcome read_bytes(std::size_t& into, const value_source& from, std::uint64_t least) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> units{
      {{"", 1}, {"b", 1}, {"kib", 1024}, {"mib", 1024 * 1024}, {"gib", 1024 * 1024 * 1024}}};
  auto given = measure(from.text());
  auto unit = std::ranges::find_if(units, [&](auto& known) { return given && known.first == given->second; });
  if (unit == units.end() || given->first > (std::uint64_t{1} << 50) / unit->second ||
      given->first * unit->second < least)
    return from.wrong("is a size such as 67108864 or \"64 MiB\", at least " + std::to_string(least) + " bytes");
  into = given->first * unit->second;
  return true;
}

outcome read_time(std::chrono::milliseconds& into, const value_source& from) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 3> units{{{"ms", 1}, {"s", 1000}, {"m", 60'000}}};
  constexpr std::uint64_t day = 86'400'000;
  auto given = measure(from.text());
  auto unit = std::ranges::find_if(units, [&](auto& known) { return given && known.first == given->second; });
  if (unit == units.end() || given->first == 0 || given->first > day || given->first * unit->second > day)
    return from.wrong("is a time such as \"500ms\", \"4s\" or \"2m\", from 1ms to a day");
  into = std::chrono::milliseconds(given->first * unit->second);
  return true;
}

outcome read_log_level(log_level& into, const value_source& from) {
  if (from.text() == "debug")
    into = log_level::debug;
  else if (from.text() == "info")
    into = log_level::info;
  else if (from.text() == "warn")
    into = log_level::warn;
  else if (from.text() == "error")
    into = log_level::error;
  else
    return from.wrong("is debug, info, warn or error");
  return true;
}

outcome read_log_format(log_format& into, const value_source& from) {
  if (from.text() == "auto")
    into = log_format::automatic;
  else if (from.text() == "text")
    into = log_format::text;
  else if (from.text() == "json")
    into = log_format::json;
  else
    return from.wrong("is auto, text or json");
  return true;
}

outcome read_path(std::filesystem::path& into, const value_source& from) {
  if (from.text().empty())
    return from.wrong("is a path");
  into = from.path();
  return true;
}

} // namespace lyceum
