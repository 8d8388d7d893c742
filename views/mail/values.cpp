// SPDX-License-Identifier: Apache-2.0
#include "views/mail/values.hpp"

#include "storage/model/mail.hpp"
#include "views/texts.hpp"

#include <boost/json.hpp>
#include <date/tz.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>

namespace lyceum::views::mail {
namespace {

namespace json = boost::json;

/// A character of the text from `at` on, which moves behind it. The text is UTF-8: JSON's reader has seen to that.
std::string_view next_character(std::string_view text, std::size_t& at) {
  const auto start = at++;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U)
    ++at;
  return text.substr(start, at - start);
}

enum class sort { shown, blank, dropped };

sort sort_of(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character.size() == 1) {
    if (first == ' ' || (first >= '\t' && first <= '\r'))
      return sort::blank;
    return first < 0x20 || first == 0x7F ? sort::dropped : sort::shown;
  }
  if (first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0)
    return character == "\u0085" ? sort::blank : sort::dropped;
  if (character == "\u2028" || character == "\u2029")
    return sort::blank;
  const bool turns =
      (character >= "\u202A" && character <= "\u202E") || (character >= "\u2066" && character <= "\u2069");
  return turns && character.size() == 3 ? sort::dropped : sort::shown;
}

std::optional<std::int64_t> whole_number(const json::value& v) {
  if (const auto* number = v.if_int64())
    return *number;
  const auto* digits = v.if_string();
  std::int64_t out = 0;
  if (digits == nullptr || std::from_chars(digits->data(), digits->data() + digits->size(), out) !=
                               std::from_chars_result{digits->data() + digits->size(), std::errc{}})
    return std::nullopt;
  return out;
}

std::optional<unsigned> digits(std::string_view text) {
  unsigned out = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), out) !=
      std::from_chars_result{text.data() + text.size(), std::errc{}})
    return std::nullopt;
  return out;
}

std::string moment_text(std::string_view language, unix_time t, const std::string& timezone) {
  std::string clock = date::format("%H:%M", date::floor<std::chrono::minutes>(t));
  std::string zone = "UTC";
  try {
    const auto* found = date::locate_zone(timezone);
    clock = date::format("%H:%M", date::floor<std::chrono::minutes>(found->to_local(t)));
    zone = found->get_info(t).abbrev;
  } catch (const std::runtime_error&) { // no such zone: as for pages (texts.cpp), UTC
  }
  return phrase(language, "mail_moment", {{"date", date_text(language, t, timezone)}, {"time", clock}, {"zone", zone}});
}

/// The years that a calendar can show: what lies outside is a slip (seconds, nanoseconds), and no day.
constexpr std::int64_t moment_max = 253'402'300'799'999'999; // the last of the year 9999

class reading {
public:
  reading(const mail_site& site, std::string_view language) : site_(site), language_(language) {}

  /// Nothing, and `wrong()` says why, where the member is of another kind.
  std::optional<value> read(const member& m, const json::value& v) {
    switch (m.what) {
    case member_kind::text:
      return text(v);
    case member_kind::minutes:
      if (const auto n = whole_number(v); n && *n > 0 && *n <= 60L * 24 * 365)
        return value{counted(language_, "mail_minutes", static_cast<int>(*n))};
      return refuse("is no number of minutes");
    case member_kind::moment:
      if (const auto n = whole_number(v); n && *n > 0 && *n <= moment_max)
        return value{moment_text(language_, from_micros(*n), site_.timezone)};
      return refuse("is no time in microseconds");
    case member_kind::day:
      return day(v);
    case member_kind::link:
      return link(v);
    case member_kind::flag:
      if (const auto* yes = v.if_bool())
        return value{*yes};
      return refuse("is neither true nor false");
    case member_kind::facts:
    case member_kind::lines:
      return list(m, v);
    }
    return std::nullopt;
  }
  const std::string& wrong() const { return wrong_; }

private:
  std::nullopt_t refuse(std::string what) {
    wrong_ = std::move(what);
    return std::nullopt;
  }

  std::optional<value> text(const json::value& v) {
    if (const auto* words = v.if_string())
      return value{plain_line(std::string_view{words->data(), words->size()})};
    return refuse("is no text");
  }

  std::optional<value> day(const json::value& v) {
    const auto* written = v.if_string();
    const std::string_view day =
        written == nullptr ? std::string_view{} : std::string_view{written->data(), written->size()};
    if (day.size() != 10 || day[4] != '-' || day[7] != '-')
      return refuse("is no day as 2026-11-25");
    const auto year = digits(day.substr(0, 4));
    const auto month = digits(day.substr(5, 2));
    const auto of_month = digits(day.substr(8, 2));
    if (!year || !month || !of_month)
      return refuse("is no day as 2026-11-25");
    const date::year_month_day ymd{date::year{static_cast<int>(*year)}, date::month{*month}, date::day{*of_month}};
    if (!ymd.ok())
      return refuse("is no day of the calendar");
    return value{date_text(language_, unix_time{date::sys_days{ymd}}, "UTC")};
  }

  std::optional<value> link(const json::value& v) {
    const auto* address = v.if_string();
    auto own = address == nullptr ? std::string{} : own_link({address->data(), address->size()}, site_.base_url);
    if (own.empty())
      return refuse("is no address of " + site_.base_url);
    return value{std::move(own)};
  }

  std::optional<value> list(const member& m, const json::value& v) {
    const auto* items = v.if_array();
    if (items == nullptr)
      return refuse("is no array");
    std::vector<scope> rows;
    for (const auto& item : *items) {
      if (rows.size() == rows_max)
        break;
      scope row;
      if (m.what == member_kind::lines) {
        const auto words = text(item);
        if (!words)
          return refuse("holds something else than texts");
        row.emplace(".", *words);
      } else {
        for (const char* part : {"label", "value"}) {
          const auto* object = item.if_object();
          const auto* found = object == nullptr ? nullptr : object->if_contains(part);
          const auto words = found == nullptr ? std::nullopt : text(*found);
          if (!words)
            return refuse("holds something else than objects with label and value");
          row.emplace(part, *words);
        }
      }
      rows.push_back(std::move(row));
    }
    return value{std::move(rows)};
  }

  const mail_site& site_;
  std::string_view language_;
  std::string wrong_;
};

bool says_something(const value& v) {
  if (const auto* yes = std::get_if<bool>(&v.is))
    return *yes;
  if (const auto* text = std::get_if<std::string>(&v.is))
    return !text->empty();
  return !std::get<std::vector<scope>>(v.is).empty();
}

value nothing_of(member_kind what) {
  if (what == member_kind::facts || what == member_kind::lines)
    return {std::vector<scope>{}};
  return {std::string{}};
}

class filling {
public:
  filling(const source& from, const scope& values) : from_(from) { scopes_.push_back(&values); }

  filled all() && {
    lines(0, from_.lines.size());
    return std::move(out_);
  }

private:
  const value* find(std::string_view name) const {
    for (auto at = scopes_.rbegin(); at != scopes_.rend(); ++at)
      if (const auto found = (*at)->find(name); found != (*at)->end())
        return &found->second;
    return nullptr;
  }

  std::string text(const pieces& parts) const {
    std::string out;
    for (const auto& part : parts) {
      if (!part.is_name) {
        out += part.text;
      } else if (const auto* found = find(part.text)) {
        if (const auto* words = std::get_if<std::string>(&found->is))
          out += *words;
      }
    }
    return out;
  }

  void lines(std::size_t from, std::size_t to) {
    for (; from < to; ++from) {
      const auto& line = from_.lines[from];
      if (line.what == line_kind::section || line.what == line_kind::section_without) {
        section(line, from + 1);
        from = line.end;
        continue;
      }
      one(line);
    }
  }

  void section(const source_line& line, std::size_t first) {
    const auto* found = find(line.name);
    const bool there = found != nullptr && says_something(*found);
    if (line.what == line_kind::section_without) {
      if (!there)
        lines(first, line.end);
      return;
    }
    if (!there)
      return;
    if (const auto* rows = std::get_if<std::vector<scope>>(&found->is)) {
      for (const auto& row : *rows) {
        scopes_.push_back(&row);
        lines(first, line.end);
        scopes_.pop_back();
      }
      return;
    }
    lines(first, line.end);
  }

  void one(const source_line& line) {
    switch (line.what) {
    case line_kind::subject:
      if (out_.subject.empty())
        out_.subject = plain_line(text(line.text), subject_characters_max);
      return;
    case line_kind::preview:
      if (out_.preview.empty())
        out_.preview = text(line.text);
      return;
    case line_kind::section:
    case line_kind::section_without:
    case line_kind::end:
      return;
    case line_kind::button:
      out_.lines.push_back({line.what, {}, text(line.text), text({{true, line.name}})});
      return;
    default:
      out_.lines.push_back({line.what, text(line.label), text(line.text), {}});
    }
  }

  const source& from_;
  std::vector<const scope*> scopes_;
  filled out_;
};

} // namespace

std::string plain_line(std::string_view text, std::size_t characters_max) {
  std::string out;
  std::size_t count = 0;
  bool blank = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto character = next_character(text, at);
    const auto is = sort_of(character);
    blank = blank || is == sort::blank;
    if (is != sort::shown)
      continue;
    if (count + (blank ? 2 : 1) > characters_max)
      return out + "…";
    if (blank && !out.empty()) {
      out += ' ';
      ++count;
    }
    blank = false;
    out += character;
    ++count;
  }
  return out;
}

std::string own_link(std::string_view address, std::string_view base_url) {
  const bool web = base_url.starts_with("https://") || base_url.starts_with("http://");
  if (!web || !address.starts_with(base_url))
    return {};
  const auto rest = address.substr(base_url.size());
  if (!rest.empty() && std::string_view{"/?#"}.find(rest.front()) == std::string_view::npos)
    return {};
  const bool sound = std::ranges::all_of(address, [](char c) {
    return c > ' ' && c < 0x7F && std::string_view{"\"'<>\\^`{|}"}.find(c) == std::string_view::npos;
  });
  return sound ? std::string{address} : std::string{};
}

expected<scope> read_values(const kind& of, const mail_site& site, std::string_view language,
                            std::string_view details) {
  if (details.size() > mail_details_bytes_max)
    return fail(problem::kind::invalid, "details are longer than " + std::to_string(mail_details_bytes_max) + " bytes");
  json::error_code wrong;
  const auto parsed = json::parse(details, wrong);
  const auto* members = wrong ? nullptr : parsed.if_object();
  if (members == nullptr)
    return fail(problem::kind::invalid, "details are no JSON object");
  scope out;
  out.emplace("site", value{plain_line(site.title)});
  out.emplace("site_url", value{site.base_url});
  reading read{site, language};
  for (const auto& m : of.members) {
    const auto* given = members->if_contains(m.name);
    const bool absent = given == nullptr || given->is_null() || (given->is_string() && given->get_string().empty());
    if (absent && !m.may_be_absent)
      return fail(problem::kind::invalid, std::string{m.name} + " is missing");
    auto got = absent ? std::optional{nothing_of(m.what)} : read.read(m, *given);
    if (!got)
      return fail(problem::kind::invalid, std::string{m.name} + " " + read.wrong());
    if (!m.may_be_absent && m.what == member_kind::text && !says_something(*got)) // blanks alone
      return fail(problem::kind::invalid, std::string{m.name} + " is missing");
    if (m.what == member_kind::facts || m.what == member_kind::lines)
      out.emplace("has_" + std::string{m.name}, value{says_something(*got)});
    out.emplace(m.name, std::move(*got));
  }
  return out;
}

filled fill(const source& from, const scope& values) {
  return filling{from, values}.all();
}

} // namespace lyceum::views::mail
