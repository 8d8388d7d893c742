// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/ctl_screen.hpp"

#include "ops/commands/ctl_tables.hpp"

#include <algorithm>

namespace lyceum::ops {
namespace {

namespace json = boost::json;

constexpr std::size_t columns_min = 40;
constexpr std::size_t lines_min = 8;
constexpr std::size_t crashes_shown = 4;
constexpr std::size_t question_lines_max = 4;
constexpr std::size_t columns_with_note = 72; // fewer, and the note has no room beside the figures
constexpr std::string_view keys_told = "j k choose   r restart   s stop/start   z suspend/resume   x kill   q quit";

bool too_small(const screen& s) {
  return s.columns < columns_min || s.lines < lines_min;
}

/// Exactly `columns` characters: cut, or filled with blanks.
std::string fitted(std::string_view text, std::size_t columns, bool right = false) {
  auto out = shown(text, columns);
  if (width(out) > columns) // the mark of the cut was one too many
    out = shown(text, columns > 0 ? columns - 1 : 0);
  if (width(out) > columns)
    return std::string(columns, ' ');
  const std::string pad(columns - width(out), ' ');
  return right ? pad + out : out + pad;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns, std::size_t lines_max) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < lines_max) {
    std::size_t bytes = 0;
    std::size_t characters = 0;
    std::size_t blank = 0;
    while (bytes < text.size() && characters < columns) {
      if (text[bytes] == ' ')
        blank = bytes;
      ++bytes;
      while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U)
        ++bytes;
      ++characters;
    }
    if (bytes < text.size() && blank > 0)
      bytes = blank;
    lines.emplace_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
    while (text.starts_with(' '))
      text.remove_prefix(1);
  }
  if (!text.empty() && !lines.empty())
    lines.back() = fitted(lines.back(), columns - 1) + "…";
  return lines;
}

/// The lines at the bottom: a question, or what came of the last key and the keys.
std::vector<std::string> foot(const screen& s) {
  if (!s.question.empty()) {
    auto lines = wrapped(shown(s.question, 2000), s.columns, question_lines_max - 1);
    lines.emplace_back("y: do it   n: do not");
    return lines;
  }
  return {s.message, std::string(keys_told)};
}

std::size_t crash_lines(const screen& s) {
  if (s.crashes.empty() || s.lines < 16)
    return 0;
  return 1 + std::min(s.crashes.size(), crashes_shown);
}

struct widths {
  std::size_t name;
  std::size_t note;
};

widths widths_of(const screen& s) {
  std::size_t name = 5;
  for (const auto& row : s.rows)
    name = std::max(name, 2 * row.depth + width(row.name));
  constexpr std::size_t figures = 11 + 6 + 9 + 9 + 9; // state, generation, restarts, mailbox, uptime
  const auto left = s.columns - std::min(s.columns, figures + 1);
  const bool noted = s.columns >= columns_with_note;
  name = std::min(name, noted ? left * 2 / 3 : left);
  return {name, noted ? left - name : 0};
}

std::string row_line(const screen& s, const screen_row& r, const std::string& name) {
  const auto w = widths_of(s);
  return fitted(name, w.name) + " " + fitted(r.state, 11) + fitted(r.generation, 5, true) + " " +
         fitted(r.restarts, 8, true) + " " + fitted(r.mailbox, 8, true) + " " + fitted(r.uptime, 8, true) + " " +
         fitted(r.note, w.note > 1 ? w.note - 1 : 0);
}

const char* colour_of(std::string_view state) {
  if (state == "running")
    return "\033[32m";
  return state == "stopped" || state == "suspended" ? "\033[33m" : "\033[31m";
}

} // namespace

std::vector<screen_row> screen_rows(const json::array& nodes) {
  std::vector<screen_row> rows;
  for (const auto& one : nodes) {
    if (!one.is_object())
      continue;
    const auto& n = one.as_object();
    screen_row r;
    r.path = field(n, "path");
    r.name = r.path.substr(r.path.rfind('/') + 1);
    r.depth = rows.empty() ? 0 : static_cast<std::size_t>(std::ranges::count(r.path, '/')) + 1;
    r.state = field(n, "state");
    r.generation = field(n, "generation");
    r.restarts = node_restarts(n);
    r.mailbox = field(n, "mailbox");
    r.uptime = number(n, "uptime_ms") > 0 ? span_text(number(n, "uptime_ms")) : "-";
    r.note = node_note(n);
    rows.push_back(std::move(r));
  }
  return rows;
}

std::vector<std::string> screen_crashes(const json::array& all) {
  std::vector<std::string> lines;
  for (const auto& one : all) {
    if (!one.is_object())
      continue;
    const auto& c = one.as_object();
    const auto at = field(c, c.contains("last_at") ? "last_at" : "at");
    const auto times = number(c, "times");
    lines.push_back((at.size() >= 19 ? at.substr(11, 8) : at) + "  " + field(c, "path") + "  " + field(c, "kind") +
                    ": " + field(c, "reason") + (times > 1 ? " (" + std::to_string(times) + " times)" : ""));
  }
  return lines;
}

std::size_t row_room(const screen& s) {
  const auto taken = 2 + crash_lines(s) + foot(s).size();
  return s.lines > taken ? s.lines - taken : 0;
}

std::size_t scrolled(const screen& s) {
  const auto room = row_room(s);
  if (room == 0 || s.rows.size() <= room)
    return 0;
  const auto top = std::min(s.top, s.rows.size() - room);
  if (s.chosen < top)
    return s.chosen;
  return s.chosen >= top + room ? s.chosen - room + 1 : top;
}

std::vector<std::string> screen_lines(const screen& s) {
  std::vector<std::string> lines;
  if (too_small(s)) {
    lines.push_back(fitted("the terminal is too small", s.columns));
    lines.resize(s.lines);
    return lines;
  }
  lines.push_back(fitted(s.title, s.columns));
  screen_row head;
  head.state = "STATE";
  head.generation = "GEN";
  head.restarts = "RESTARTS";
  head.mailbox = "MAILBOX";
  head.uptime = "UPTIME";
  head.note = "NOTE";
  lines.push_back(row_line(s, head, "CHILD"));
  const auto room = row_room(s);
  const auto top = scrolled(s);
  for (std::size_t i = top; i < top + room; ++i)
    lines.push_back(i < s.rows.size() ? row_line(s, s.rows[i], std::string(2 * s.rows[i].depth, ' ') + s.rows[i].name)
                                      : std::string{});
  if (crash_lines(s) > 0) {
    lines.push_back(fitted("CRASHES, the newest first", s.columns));
    for (std::size_t i = 0; i + 1 < crash_lines(s); ++i)
      lines.push_back(fitted(s.crashes[i], s.columns));
  }
  for (const auto& line : foot(s))
    lines.push_back(fitted(line, s.columns));
  lines.resize(s.lines);
  for (auto& line : lines) {
    line = fitted(line, s.columns); // figures that have no room are cut
    line.erase(line.find_last_not_of(' ') + 1);
  }
  return lines;
}

std::string screen_text(const screen& s) {
  const auto lines = screen_lines(s);
  const auto top = scrolled(s);
  const auto room = row_room(s);
  std::string text = "\033[H"; // home; each line is written over and its rest erased, so that nothing flickers
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool is_row = !too_small(s) && i >= 2 && i - 2 < room && top + i - 2 < s.rows.size();
    const bool is_chosen = is_row && top + i - 2 == s.chosen;
    std::string before;
    if (is_chosen)
      before = "\033[7m";
    else if (i == 1)
      before = "\033[1m";
    if (s.colours && is_row && !is_chosen && s.rows[top + i - 2].state != "running")
      before += colour_of(s.rows[top + i - 2].state);
    if (s.colours && i == 0)
      before += s.alarm ? "\033[31m" : "\033[32m";
    text += before + lines[i] + (before.empty() ? "" : "\033[0m") + "\033[K";
    if (i + 1 < lines.size())
      text += "\r\n";
  }
  return text;
}

std::vector<key> take_keys(std::string& typed) {
  static constexpr std::pair<std::string_view, key> words[] = {
      {"\033[A", key::up},   {"\033[B", key::down},     {"\033OA", key::up},
      {"\033OB", key::down}, {"\033[5~", key::page_up}, {"\033[6~", key::page_down},
      {"\033[H", key::home}, {"\033[F", key::end},      {"k", key::up},
      {"j", key::down},      {"g", key::home},          {"G", key::end},
      {"r", key::restart},   {"s", key::stop_start},    {"z", key::suspend_resume},
      {"x", key::kill},      {"y", key::yes},           {"n", key::no},
      {"q", key::quit},      {"\003", key::quit}};
  std::vector<key> keys;
  while (!typed.empty()) {
    const auto* const whole =
        std::ranges::find_if(words, [&](const auto& word) { return typed.starts_with(word.first); });
    if (whole != std::end(words)) {
      keys.push_back(whole->second);
      typed.erase(0, whole->first.size());
      continue;
    }
    const bool begun = std::ranges::any_of(
        words, [&](const auto& word) { return word.first.size() > typed.size() && word.first.starts_with(typed); });
    if (begun)
      break;
    typed.erase(0, 1); // a key that means nothing here
    keys.push_back(key::none);
  }
  return keys;
}

} // namespace lyceum::ops
