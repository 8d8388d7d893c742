// SPDX-License-Identifier: Apache-2.0
// What `ctl watch` shows, without a terminal.
#include "ops/commands/ctl_screen.hpp"
#include "ops/commands/ctl_tables.hpp"

#include <gtest/gtest.h>

#include <algorithm>

using namespace lyceum::ops;
namespace json = boost::json;

namespace {

screen_row row(std::string path, std::string state = "running") {
  screen_row r;
  r.path = path;
  r.name = path.substr(path.rfind('/') + 1);
  r.depth = path == "site" ? 0 : static_cast<std::size_t>(std::ranges::count(path, '/')) + 1;
  r.state = std::move(state);
  r.generation = "1";
  r.restarts = "0/5";
  r.mailbox = "0";
  r.uptime = "12 s";
  return r;
}

screen some(std::size_t rows) {
  screen s;
  s.title = "lyceum ok";
  s.rows.push_back(row("site"));
  for (std::size_t i = 1; i < rows; ++i)
    s.rows.push_back(row("part/child-" + std::to_string(i)));
  return s;
}

bool seen(const screen& s, const std::string& text) {
  return std::ranges::any_of(screen_lines(s), [&](const auto& line) { return line.find(text) != std::string::npos; });
}

std::vector<key> keys_of(std::string typed) {
  return take_keys(typed);
}

} // namespace

TEST(ctl_screen_test, a_screen_is_exactly_as_large_as_the_terminal) {
  for (const std::size_t columns : {1U, 20U, 39U, 40U, 60U, 71U, 72U, 80U, 132U, 300U})
    for (const std::size_t lines : {1U, 5U, 7U, 8U, 15U, 16U, 24U, 60U})
      for (const bool asks : {false, true}) {
        auto s = some(30);
        s.columns = columns;
        s.lines = lines;
        s.chosen = 29;
        s.crashes = {"one", "two", std::string(500, 'x'), "four", "five"};
        s.rows[3].note = "in one handler for 12 s; texts that are new wait; code stays plain; and more of that kind";
        s.rows[4].name = std::string(200, 'n');
        s.title = std::string(400, 't');
        s.question = asks ? std::string(300, 'q') + " " + std::string(300, 'r') : "";
        const auto all = screen_lines(s);
        ASSERT_EQ(all.size(), lines) << columns << "x" << lines;
        for (const auto& line : all)
          ASSERT_LE(width(line), columns) << columns << "x" << lines << ": " << line;
        const auto text = screen_text(s);
        EXPECT_EQ(std::ranges::count(text, '\n'), static_cast<std::ptrdiff_t>(lines - 1)) << "it must not scroll";
      }
}

TEST(ctl_screen_test, the_figures_of_a_row_fit_into_80_columns) {
  auto s = some(2);
  s.rows[1].restarts = "5/5";
  s.rows[1].mailbox = "100000";
  s.rows[1].generation = "1234";
  const auto lines = screen_lines(s);
  EXPECT_EQ(lines[1].substr(0, lines[1].find("NOTE")), "CHILD       STATE        GEN RESTARTS  MAILBOX   UPTIME ");
  EXPECT_EQ(lines[3], "    child-1 running     1234      5/5   100000     12 s");
}

TEST(ctl_screen_test, the_chosen_row_is_always_seen) {
  auto s = some(100);
  for (std::size_t at = 0; at < 100; ++at) {
    s.chosen = at;
    s.top = scrolled(s);
    EXPECT_NE(screen_text(s).find("\033[7m"), std::string::npos) << at;
  }
  for (std::size_t at = 100; at-- > 0;) {
    s.chosen = at;
    s.top = scrolled(s);
    EXPECT_NE(screen_text(s).find("\033[7m"), std::string::npos) << at;
  }
  EXPECT_EQ(s.top, 0U);
  s.rows.clear();
  s.chosen = 0;
  EXPECT_EQ(screen_text(s).find("\033[7m"), std::string::npos) << "an empty tree has nothing to choose";
}

TEST(ctl_screen_test, a_question_takes_the_place_of_the_keys) {
  auto s = some(3);
  s.message = "restart web: running, generation 2";
  EXPECT_TRUE(seen(s, "q quit"));
  EXPECT_TRUE(seen(s, "restart web: running, generation 2"));
  s.question = "restart? mail: 14 waiting, none lost; meanwhile: pages unaffected";
  EXPECT_TRUE(seen(s, "mail: 14 waiting, none lost"));
  EXPECT_TRUE(seen(s, "y: do it"));
  EXPECT_FALSE(seen(s, "q quit"));
}

TEST(ctl_screen_test, colours_tell_a_state_and_can_be_left_out) {
  auto s = some(3);
  s.rows[2].state = "degraded";
  EXPECT_NE(screen_text(s).find("\033[31m"), std::string::npos);
  s.alarm = true;
  s.colours = false;
  for (const auto* code : {"\033[31m", "\033[32m", "\033[33m"})
    EXPECT_EQ(screen_text(s).find(code), std::string::npos);
  EXPECT_TRUE(seen(s, "degraded")) << "a state is a word, not only a colour";
}

TEST(ctl_screen_test, what_the_server_says_cannot_steer_the_terminal) {
  auto s = some(2);
  s.rows[1].note = "\033]0;title\007\r\nmore\033[2J";
  s.crashes = {"\033[31mred"};
  s.title = "\033c";
  for (const auto& line : screen_lines(s))
    EXPECT_TRUE(std::ranges::all_of(line, [](unsigned char c) { return c >= 0x20 && c != 0x7F; })) << line;
}

TEST(ctl_screen_test, rows_and_crashes_are_read_from_the_answers) {
  const auto rows = screen_rows(json::parse(R"([{"path":"site","kind":"supervisor","state":"running","generation":1},
    {"path":"mail/outbox","state":"degraded","generation":7,"restarts":5,"budget":5,"mailbox":14,"uptime_ms":0,
     "retry_in_ms":4000,"note":"mail waits"}, 5])")
                                    .as_array());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].depth, 2U);
  EXPECT_EQ(rows[1].name, "outbox");
  EXPECT_EQ(rows[1].restarts, "5/5");
  EXPECT_EQ(rows[1].note, "again in 4 s; mail waits");
  const auto crashes = screen_crashes(
      json::parse(R"([{"at":"2026-11-23T06:00:00.123Z","path":"web","kind":"crash","reason":"bad","times":3}])")
          .as_array());
  EXPECT_EQ(crashes.at(0), "06:00:00  web  crash: bad (3 times)");
}

TEST(ctl_screen_test, keys_are_read_also_where_they_come_in_halves) {
  EXPECT_EQ(keys_of("jk"), (std::vector{key::down, key::up}));
  EXPECT_EQ(keys_of("\033[A\033[B\033OA"), (std::vector{key::up, key::down, key::up}));
  EXPECT_EQ(keys_of("rszxq"), (std::vector{key::restart, key::stop_start, key::suspend_resume, key::kill, key::quit}));
  std::string half = "j\033[";
  EXPECT_EQ(take_keys(half), (std::vector{key::down}));
  half += "B";
  EXPECT_EQ(take_keys(half), (std::vector{key::down}));
  EXPECT_TRUE(half.empty());
  EXPECT_EQ(keys_of("\xff?Q").size(), 3U) << "what means nothing is passed over";
}
