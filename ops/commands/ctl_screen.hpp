// SPDX-License-Identifier: Apache-2.0
// What `lyceum ctl watch` shows: rows in, text out. Touches no terminal.
#pragma once

#include <boost/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::ops {

struct screen_row {
  std::string path;
  std::string name; ///< its last part
  std::size_t depth = 0;
  std::string state;
  std::string generation;
  std::string restarts;
  std::string mailbox;
  std::string uptime;
  std::string note;
};

struct screen {
  std::size_t columns = 80;
  std::size_t lines = 24;
  bool colours = true;
  std::string title;  ///< how all is, in a line
  bool alarm = false; ///< the title is bad news
  std::vector<screen_row> rows;
  std::size_t chosen = 0;           ///< index of a row
  std::size_t top = 0;              ///< the first row that is seen; see `scrolled`
  std::vector<std::string> crashes; ///< the newest first
  std::string question;             ///< waits for y or n; stands where the keys are told otherwise
  std::string message;              ///< what came of the last key
};

/// The rows of a `tree` answer and the lines of a `crashes` answer.
std::vector<screen_row> screen_rows(const boost::json::array& nodes);
std::vector<std::string> screen_crashes(const boost::json::array& all);

/// How many rows of the tree there is room for.
std::size_t row_room(const screen& s);
/// The `top` with which the chosen row is seen, moving no further than it must.
std::size_t scrolled(const screen& s);

/// Exactly `lines` lines of at most `columns` characters, without colours.
std::vector<std::string> screen_lines(const screen& s);
/// The same as one write to a terminal: from its first line on, nothing is cleared before it is written over.
std::string screen_text(const screen& s);

enum class key {
  none,
  up,
  down,
  page_up,
  page_down,
  home,
  end,
  restart,
  stop_start,
  suspend_resume,
  kill,
  yes,
  no,
  quit
};
/// Takes the keys that have been typed whole out of `typed`; what a terminal sent in halves stays for the next time.
std::vector<key> take_keys(std::string& typed);

} // namespace lyceum::ops
